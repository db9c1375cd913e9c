"""The proof of consent: events are appended, never changed; each seals the one before.

Two processes may append at once: UNIQUE(prev_hash) lets one win, the other re-reads the end and repeats. To keep waits
short, append last in a transaction. Only `forget_person` and `forget_networks` take anything away.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from subscribers import chain
from subscribers.chain import Anchor
from subscribers.models import ConsentKind
from subscribers.tables import CONSENT
from subscribers.upsert import insert


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a person did. `topics` are curated slugs; own queries, the address and notes belong in `person`."""

    kind: ConsentKind
    subject: UUID
    source: str = ""
    wording_id: int | None = None
    wording_sha256: str = ""
    locale: str = ""
    topics: tuple[str, ...] = ()
    cadence: str = ""
    requested_at: datetime | None = None
    person: dict[str, Any] | None = None
    network: dict[str, Any] | None = None


def head(session: Session) -> Anchor:
    """The end of the chain."""
    c = CONSENT.c
    row = session.execute(select(c.seq, c.hash).order_by(c.seq.desc()).limit(1)).first()
    return chain.START if row is None else Anchor(row.seq, row.hash)


def append(session: Session, events: Sequence[Event], *, now: datetime) -> list[int]:
    """Append events in their order and return their numbers."""
    if not events:
        return []
    rows = _linked(head(session), events, now)
    while not _has_won(session, rows[0]):
        rows = _linked(head(session), events, now)
    # Nobody can know the hash we have just won with, so the rest cannot collide.
    if rows[1:]:
        session.execute(CONSENT.insert(), rows[1:])
    return [row["seq"] for row in rows]


def forget_person(session: Session, subjects: Iterable[UUID]) -> int:
    """Remove the person and network parts, with their salts, of all events of these people; how many events."""
    gone = {"person": None, "person_salt": None, "network": None, "network_salt": None}
    rows = update(CONSENT).where(CONSENT.c.subject.in_(list(subjects))).values(gone)
    return int(session.execute(rows).rowcount)  # type: ignore[attr-defined]  # an UPDATE always has one


def forget_networks(session: Session, *, before: datetime, limit: int) -> int:
    """Remove the network parts of at most `limit` events older than `before`; how many."""
    c = CONSENT.c
    due = select(c.seq).where(c.network_salt.is_not(None), c.at < before).order_by(c.seq).limit(limit)
    rows = update(CONSENT).where(c.seq.in_(due)).values(network=None, network_salt=None)
    return int(session.execute(rows).rowcount)  # type: ignore[attr-defined]  # an UPDATE always has one


def count(session: Session, subject: UUID) -> int:
    """How many events a person has."""
    rows = select(func.count()).select_from(CONSENT).where(CONSENT.c.subject == subject)
    return session.execute(rows).scalar_one()


def _has_won(session: Session, row: dict[str, Any]) -> bool:
    put = insert(session, CONSENT).values(row).on_conflict_do_nothing().returning(CONSENT.c.seq)
    return session.execute(put).first() is not None


def _linked(last: Anchor, events: Sequence[Event], now: datetime) -> list[dict[str, Any]]:
    rows = []
    for event in events:
        row = _row(event, seq=last.seq + 1, now=now)
        row["prev_hash"] = last.hash
        row["hash"] = chain.event_hash(last.hash, row)
        last = Anchor(row["seq"], row["hash"])
        rows.append(row)
    return rows


def _row(event: Event, *, seq: int, now: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {
        "seq": seq,
        "at": now,
        "kind": event.kind,
        "subject": event.subject,
        "source": event.source,
        "wording_id": event.wording_id,
        "wording_sha256": event.wording_sha256,
        "locale": event.locale,
        "topics": list(event.topics),
        "cadence": event.cadence,
        "requested_at": event.requested_at,
    }
    return row | _sealed("person", event.person) | _sealed("network", event.network)


def _sealed(name: str, part: dict[str, Any] | None) -> dict[str, Any]:
    """An erasable part with the salt that makes its hash unguessable."""
    if not part:
        return {name: None, f"{name}_salt": None, f"{name}_hash": ""}
    salt = secrets.token_bytes(chain.SALT_BYTES)
    return {name: part, f"{name}_salt": salt, f"{name}_hash": chain.part_hash(part, salt)}
