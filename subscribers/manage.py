"""Links with full rights: mailed to whom they concern, never shown. And what a reader may do with them alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers import allowance, register, suppression, unsubscribe
from subscribers.addresses import Address
from subscribers.allowance import AllowanceKind
from subscribers.hashing import AddressHasher
from subscribers.models import SubscriberState
from subscribers.owed import OwedMail
from subscribers.tables import SUBSCRIBER
from subscribers.welcoming import welcome

LINK_LIFE = timedelta(minutes=15)
"""How long a mailed link with full rights works; its mail is not worth sending later either."""


def request_links(
    session: Session, addresses: Sequence[Address], *, now: datetime, hasher: AddressHasher
) -> list[OwedMail | None]:
    """The mail `manage` for each address of somebody we know, in whatever state; None for all others and over the limit."""
    known = _known(session, sorted({one.key for one in addresses}), hasher)
    taken = allowance.claim(session, AllowanceKind.MANAGE, known, now=now)
    owed = {known[one].address_key: _mail(known[one], now) for one in taken}
    return [owed.pop(one.key, None) for one in addresses]


def request_own_link(
    session: Session, public_id: UUID, *, now: datetime, hasher: AddressHasher
) -> OwedMail | None:
    """The same for somebody who is here with a link of less power."""
    person = register.by_public_id(session, public_id)
    if person is None:
        return None
    address = Address(person.address, person.address_key)
    return request_links(session, [address], now=now, hasher=hasher)[0]


def resubscribe(
    session: Session, public_id: UUID, *, now: datetime, release_no: int, hasher: AddressHasher
) -> OwedMail | None:
    """Start again from a link with full rights, with what is left of the former choices; the welcome mail it owes.

    None if nobody is here, nobody had left, or the address is suppressed.
    """
    person = register.locked(session, public_id)
    if person is None or person.state is not SubscriberState.UNSUBSCRIBED:
        return None
    if suppression.reasons(session, [person.address_key], hasher=hasher):
        return None
    person.last_release, person.choices_erased_at = release_no, None
    unsubscribe.return_to(session, person, now=now, source=unsubscribe.Source.PAGE)
    return welcome(session, person, now=now)


def invalidate_links(session: Session, public_id: UUID) -> bool:
    """Make all links of this person worthless but those to leave; False if nobody is here."""
    person = register.locked(session, public_id)
    if person is None:
        return False
    person.token_version = register.next_version(person.token_version)
    person.feed_version = register.next_version(person.feed_version)
    session.flush()
    return True


def renew_feed(session: Session, public_id: UUID) -> bool:
    """Give the personal feed a new address; the former one ends. False if nobody is here."""
    person = register.locked(session, public_id)
    if person is None:
        return False
    person.feed_version = register.next_version(person.feed_version)
    session.flush()
    return True


def _known(session: Session, keys: Sequence[str], hasher: AddressHasher) -> dict[str, Any]:
    """People behind these addresses who may be mailed, by address hash."""
    c = SUBSCRIBER.c
    rows = session.execute(
        select(c.id, c.address, c.address_key, c.locale, c.timezone).where(c.address_key.in_(keys))
    ).all()
    stopped = suppression.reasons(session, keys, hasher=hasher)
    return {hasher.hash(row.address_key): row for row in rows if row.address_key not in stopped}


def _mail(person: Any, now: datetime) -> OwedMail:
    ends = now + LINK_LIFE
    return OwedMail(
        kind="manage",
        address=person.address,
        subscriber_id=person.id,
        locale=person.locale,
        data={"expires_at": ends.isoformat(), "timezone": person.timezone},
        expires_at=ends,
    )
