"""The register of people: finding one row, locked where it is to change, and showing or listing people to the operator."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from subscribers import proof, suppression
from subscribers.addresses import Address
from subscribers.hashing import AddressHasher
from subscribers.models import Subscriber, SubscriberState
from subscribers.tables import MUTE, REQUEST, SUBSCRIBER, SUBSCRIPTION, TOPIC
from subscribers.tokens import MAX_VERSION


def find(session: Session, address: Address) -> Subscriber | None:
    """The person behind an address, in whatever state."""
    return session.scalars(select(Subscriber).where(col(Subscriber.address_key) == address.key)).first()


def by_public_id(session: Session, public_id: UUID) -> Subscriber | None:
    """The person a token names, in whatever state; None once erased."""
    return session.scalars(select(Subscriber).where(col(Subscriber.public_id) == public_id)).first()


def locked(session: Session, public_id: UUID) -> Subscriber | None:
    """The person a token names, fresh from the database and locked until the transaction ends."""
    row = select(Subscriber).where(col(Subscriber.public_id) == public_id).with_for_update()
    return session.scalars(row.execution_options(populate_existing=True)).first()


def required(session: Session, public_id: UUID) -> Subscriber:
    """The locked row of a person whose row this transaction has just written or seen."""
    person = locked(session, public_id)
    if person is None:
        raise LookupError("the row is gone within its own transaction")
    return person


def next_version(version: int) -> int:
    """The version that makes a person's former links worthless; two bytes, as a token holds it."""
    return (version + 1) & MAX_VERSION


def show(session: Session, person: Subscriber, *, hasher: AddressHasher) -> dict[str, Any]:
    """What the operator sees of one person; the caller adds `deliveries`."""
    stopped = suppression.reasons(session, [person.address_key], hasher=hasher)
    return {
        "email": person.address,
        "state": "suppressed" if stopped else person.state.value,
        "topics": [one["slug"] for one in topics(session, person.id)],
        "cadence": person.cadence.value,
        "weekday": person.weekday,
        "time": person.local_time,
        "timezone": person.timezone,
        "language": person.locale,
        "paused_until": _text(person.paused_until),
        "confirmed_at": _text(person.confirmed_at),
        "consent": proof.events(session, person.public_id),
    }


def page(
    session: Session, *, state: SubscriberState | None = None, after: int = 0, limit: int = 1000
) -> list[dict[str, Any]]:
    """The next people by id, `after` being the last id seen: a list of any length in flat memory."""
    c = SUBSCRIBER.c
    rows = select(c.id, c.address, c.state, c.cadence, c.local_time, c.timezone, c.locale, c.created_at)
    rows = rows.where(c.id > after).order_by(c.id).limit(limit)
    if state is not None:
        rows = rows.where(c.state == state)
    return [
        {
            "id": row.id,
            "email": row.address,
            "state": row.state.value,
            "cadence": row.cadence.value,
            "time": row.local_time,
            "timezone": row.timezone,
            "language": row.locale,
            "created_at": _text(row.created_at),
        }
        for row in session.execute(rows)
    ]


def profile(person: Subscriber) -> dict[str, Any]:
    """Every column about the person themselves, as JSON."""
    columns = person.model_dump(exclude={"id", "address_key"}, mode="json")
    return dict(sorted(columns.items()))


def topics(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
    """What somebody follows, in their order."""
    t, s = TOPIC.c, SUBSCRIPTION.c
    rows = (
        select(t.slug, t.name, t.kind, t.query, t.typed, s.since_release, s.muted_until, s.created_at)
        .join(SUBSCRIPTION, s.topic_id == t.id)
        .where(s.subscriber_id == subscriber_id)
        .order_by(s.position, t.id)
    )
    return [_plain(row) for row in session.execute(rows)]


def muted(session: Session, subscriber_id: int) -> list[dict[str, Any]]:
    """What somebody muted, also what has ended."""
    c = MUTE.c
    rows = select(c.kind, c.value, c.label, c.until, c.created_at).where(c.subscriber_id == subscriber_id)
    return [_plain(row) for row in session.execute(rows.order_by(c.id))]


def requests(session: Session, person: Subscriber) -> list[dict[str, Any]]:
    """The sign-ups and address changes of the last days."""
    c = REQUEST.c
    rows = select(c.kind, c.address, c.choices, c.source, c.page, c.network, c.requested_at, c.confirmed_at)
    is_theirs = or_(c.address_key == person.address_key, c.subscriber_id == person.id)
    return [_plain(row) for row in session.execute(rows.where(is_theirs).order_by(c.id))]


def _plain(row: Any) -> dict[str, Any]:
    return {
        name: _text(value) if isinstance(value, date | datetime) else value
        for name, value in row._mapping.items()  # noqa: SLF001 - the documented view of a row
    }


def _text(moment: date | datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
