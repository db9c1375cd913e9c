"""The exact words somebody agreed to: one row per text and language, kept for ever."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers.tables import WORDING
from subscribers.upsert import insert

EXTERNAL = "external"
"""Stands for the hash of a wording we never saw: a form on somebody's page that names none of ours."""


@dataclass(frozen=True, slots=True)
class WordingRef:
    """What an event of consent says about a wording."""

    id: int | None
    sha256: str


def digest(text: str) -> str:
    """The name of a wording: SHA-256 of its exact text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def ensure(session: Session, *, language: str, text: str, now: datetime) -> int:
    """The id of a text as it is shown now; a row is made when it is new."""
    name, c = digest(text), WORDING.c
    row = insert(session, WORDING).values(language=language, text=text, sha256=name, first_used_at=now)
    session.execute(row.on_conflict_do_nothing(index_elements=[c.sha256, c.language]))
    return int(session.execute(select(c.id).where(c.sha256 == name, c.language == language)).scalar_one())


def find(session: Session, name: str) -> int | None:
    """The id of the wording that a form names by its hash (or the first 12 letters or more of it)."""
    if not 12 <= len(name) <= 64 or set(name) - set("0123456789abcdef"):
        return None
    c = WORDING.c
    return session.execute(select(c.id).where(c.sha256.startswith(name)).order_by(c.id).limit(1)).scalar()


def reference(session: Session, wording_id: int | None) -> WordingRef:
    """What to write into consent for a request's wording."""
    if wording_id is None:
        return WordingRef(None, EXTERNAL)
    return WordingRef(
        wording_id, session.execute(select(WORDING.c.sha256).where(WORDING.c.id == wording_id)).scalar_one()
    )
