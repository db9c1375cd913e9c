"""A person's own data: handed out whole, or erased for good.

After an erasure the address stands in no column of any table; a keyed hash remains, so that no import revives it. The
price: nothing can be proved about that person any more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_
from sqlalchemy.orm import Session

from subscribers import consent, joining, proof, register, suppression
from subscribers.addresses import Address
from subscribers.consent import Event
from subscribers.hashing import AddressHasher
from subscribers.models import ConsentKind, Subscriber, SuppressionReason
from subscribers.tables import REQUEST, SUBSCRIBER

Withdraw = Callable[[int | None, str], None]
"""Told a subscriber's id (None for somebody who never confirmed) and address while the rows still stand: cancels the
deliveries that have not ended and empties the person in all others."""


@dataclass(frozen=True, slots=True)
class Erased:
    """Who is gone."""

    subscriber_id: int | None
    public_id: UUID | None


def export(session: Session, public_id: UUID, *, hasher: AddressHasher) -> dict[str, Any] | None:
    """Everything we hold about a person, as JSON; the caller adds `deliveries`. None if nobody is here."""
    person = register.by_public_id(session, public_id)
    if person is None:
        return None
    stopped = suppression.reasons(session, [person.address_key], hasher=hasher).get(person.address_key)
    return {
        "profile": register.profile(person),
        "topics": register.topics(session, person.id),
        "mutes": register.muted(session, person.id),
        "requests": register.requests(session, person),
        "consent": proof.events(session, person.public_id),
        "suppression": None
        if stopped is None
        else {"reason": stopped.reason.value, "since": stopped.since.isoformat(), "note": stopped.note},
    }


def erase(
    session: Session,
    public_id: UUID,
    *,
    now: datetime,
    hasher: AddressHasher,
    source: str,
    withdraw: Withdraw,
) -> Erased | None:
    """Erase a person; None if there is nobody (any more)."""
    person = register.locked(session, public_id)
    if person is None:
        return None
    erased = Erased(person.id, person.public_id)
    forget(session, person, SuppressionReason.ERASED, now=now, hasher=hasher, withdraw=withdraw)
    consent.append(session, [Event(kind=ConsentKind.ERASED, subject=public_id, source=source)], now=now)
    return erased


def erase_address(
    session: Session,
    address: Address,
    *,
    now: datetime,
    hasher: AddressHasher,
    source: str,
    withdraw: Withdraw,
) -> Erased:
    """Erase whatever is held under an address, also of somebody who never confirmed; it stays unmailed."""
    person = register.find(session, address)
    erased = person and erase(
        session, person.public_id, now=now, hasher=hasher, source=source, withdraw=withdraw
    )
    if erased:
        return erased
    withdraw(None, address.address)
    session.execute(delete(REQUEST).where(REQUEST.c.address_key == address.key))
    suppression.suppress(session, [address.key], SuppressionReason.ERASED, now=now, hasher=hasher)
    return Erased(None, None)


def forget(
    session: Session,
    person: Subscriber,
    reason: SuppressionReason,
    *,
    now: datetime,
    hasher: AddressHasher,
    withdraw: Withdraw,
) -> None:
    """Delete a locked person's rows and empty the proofs about them; the address stays suppressed by its hash."""
    withdraw(person.id, person.address)
    consent.forget_person(session, [person.public_id])
    joining.forget_choices(session, [person.id])
    is_theirs = or_(REQUEST.c.address_key == person.address_key, REQUEST.c.subscriber_id == person.id)
    session.execute(delete(REQUEST).where(is_theirs))
    suppression.suppress(session, [person.address_key], reason, now=now, hasher=hasher)
    session.execute(delete(SUBSCRIBER).where(SUBSCRIBER.c.id == person.id))
    session.expunge(person)
