"""What can be shown to somebody who asks how they got on the list: all events, the words agreed to, and how to check."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers import chain, consent
from subscribers.addresses import Address
from subscribers.chain import Anchor
from subscribers.tables import CONSENT, SUBSCRIBER, WORDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The events of one person, each with UTC and local time, and the end of the chain they stand in."""

    address: str
    subject: UUID
    events: list[dict[str, Any]]
    head: Anchor


def proof(session: Session, address: Address, *, timezone: str) -> Proof | None:
    """The proof of a person's consent, times also on the site's clock (`timezone`, IANA); None for nobody we know."""
    c = SUBSCRIBER.c
    row = session.execute(select(c.public_id, c.address).where(c.address_key == address.key)).first()
    if row is None:
        return None
    zone = ZoneInfo(timezone)
    found = [
        one | {"local_at": datetime.fromisoformat(one["at"]).astimezone(zone).isoformat()}
        for one in events(session, row.public_id)
    ]
    return Proof(address=row.address, subject=row.public_id, events=found, head=consent.head(session))


def events(session: Session, subject: UUID) -> list[dict[str, Any]]:
    """All events of a person as JSON: every chained column, hashes, salts in hex, and the text of the wording."""
    c = CONSENT.c
    rows = session.execute(
        select(CONSENT, WORDING.c.text.label("wording"))
        .outerjoin(WORDING, WORDING.c.id == c.wording_id)
        .where(c.subject == subject)
        .order_by(c.seq)
    )
    return [_event(dict(row._mapping)) for row in rows]  # noqa: SLF001 - the documented view of a row


def _event(row: dict[str, Any]) -> dict[str, Any]:
    shown = {
        name: row[name] for name in (*chain.CHAINED, "person", "network", "wording", "prev_hash", "hash")
    }
    shown |= {name: value.hex() for name in ("person_salt", "network_salt") if (value := row[name])}
    shown["kind"] = row["kind"].value
    shown["subject"] = str(row["subject"])
    for name in ("at", "requested_at"):
        shown[name] = chain.utc(row[name]) if row[name] else None
    return shown
