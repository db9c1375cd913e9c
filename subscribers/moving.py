"""A person moves to another address: asked for under full rights, done only by a link mailed to the new address.

If the new address is a subscriber already, the two become one there: topics are united, the former row is unsubscribed.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from subscribers import allowance, consent, history, joining, register, suppression
from subscribers.addresses import Address
from subscribers.allowance import AllowanceKind
from subscribers.consent import Event
from subscribers.hashing import AddressHasher
from subscribers.models import ConsentKind, RequestKind, SignupRequest, Subscriber, SubscriberState
from subscribers.owed import SYSTEM_MAIL_LIFE, OwedMail
from subscribers.signup import REQUEST_LIFE, Origin
from subscribers.tables import MUTE, REQUEST
from subscribers.types import new_public_id
from subscribers.upsert import insert


@dataclass(frozen=True, slots=True)
class Moved:
    """Who has the new address now, the notice to the old one, and the row that was merged away, if any."""

    person: Subscriber
    notice: OwedMail
    withdrawn_id: int | None = None


def request_change(
    session: Session,
    public_id: UUID,
    address: Address,
    *,
    now: datetime,
    hasher: AddressHasher,
    origin: Origin,
) -> OwedMail | None:
    """Ask the new address to confirm; None (and nothing written) where no mail may go there now.

    Asking again for the same address makes the former link worthless: row and newest mail always agree.
    """
    person = register.locked(session, public_id)
    if person is None or person.state is SubscriberState.UNSUBSCRIBED or person.address_key == address.key:
        return None
    stopped = suppression.reasons(session, [address.key], hasher=hasher).get(address.key)
    if not suppression.may_ask(stopped, now=now):
        return None
    if not allowance.claim(session, AllowanceKind.ADDRESS_CHANGE, [hasher.hash(address.key)], now=now):
        return None
    request_id = _note(session, person, address, origin, now)
    return OwedMail(
        kind="address_change",
        address=address.address,
        subscriber_id=person.id,
        locale=person.locale,
        data={
            "request": str(request_id),
            "expires_at": (now + REQUEST_LIFE).isoformat(),
            "timezone": person.timezone,
        },
        expires_at=now + SYSTEM_MAIL_LIFE,
    )


def move(session: Session, request: SignupRequest, seen: dict[str, str], *, now: datetime) -> Moved | None:
    """Give the person of a locked request the new address; None if they have left meanwhile."""
    person = session.get(Subscriber, request.subscriber_id, with_for_update=True, populate_existing=True)
    if person is None or person.state is SubscriberState.UNSUBSCRIBED:
        return None
    notice = _notice(person, now)
    address = Address(request.address, request.address_key)
    if _has_renamed(session, person, address):
        consent.append(
            session, [_event(session, person, ConsentKind.ADDRESS_CHANGED, request, seen)], now=now
        )
        return Moved(person, notice)
    other = register.find(session, address)
    if other is None:  # the other row was erased between the two looks; the link can be used again
        return None
    survivor = _merge(session, person, register.required(session, other.public_id), now=now)
    events = [_event(session, one, ConsentKind.MERGED, request, seen) for one in (person, survivor)]
    consent.append(session, events, now=now)
    return Moved(survivor, notice, person.id)


def _note(session: Session, person: Subscriber, address: Address, origin: Origin, now: datetime) -> UUID:
    row = {
        "public_id": new_public_id(),
        "address": address.address,
        "subscriber_id": person.id,
        "choices": {},
        "source": origin.source[:64],
        "page": origin.page[:512],
        "network": origin.network[:64],
        "requested_at": now,
        "expires_at": now + REQUEST_LIFE,
        "confirmed_at": None,
    }
    put = insert(session, REQUEST).values(kind=RequestKind.ADDRESS_CHANGE, address_key=address.key, **row)
    c = REQUEST.c
    put = put.on_conflict_do_update(index_elements=[c.address_key, c.kind], set_=row).returning(c.public_id)
    return UUID(str(session.execute(put).scalar_one()))


def _has_renamed(session: Session, person: Subscriber, address: Address) -> bool:
    """Write the new address, unless UNIQUE says that somebody has it."""
    try:
        with session.begin_nested():
            person.address, person.address_key = address.address, address.key
            person.token_version = register.next_version(person.token_version)
    except IntegrityError:
        return False
    return True


def _merge(session: Session, person: Subscriber, other: Subscriber, *, now: datetime) -> Subscriber:
    """Unite two rows in `other`; `person` leaves. Nothing either of them has had comes again."""
    choices = joining.choices_of(session, person)
    if other.state is SubscriberState.UNSUBSCRIBED:
        address = Address(other.address, other.address_key)
        row = joining.new_row(address, choices, now=now, release_no=person.last_release)
        joining.restart(session, other, row)
    joining.add_topics(
        session, other, choices, now=now, release_no=max(person.last_release, other.last_release)
    )
    _copy_mutes(session, person.id, other.id)
    person.state, person.unsubscribed_at, person.paused_until = SubscriberState.UNSUBSCRIBED, now, None
    person.token_version = register.next_version(person.token_version)
    session.flush()
    return other


def _copy_mutes(session: Session, from_id: int, to_id: int) -> None:
    names = ["kind", "value", "label", "until", "created_at"]
    rows = select(literal(to_id), *(MUTE.c[name] for name in names)).where(MUTE.c.subscriber_id == from_id)
    put = insert(session, MUTE).from_select(["subscriber_id", *names], rows, include_defaults=False)
    session.execute(put.on_conflict_do_nothing())


def _event(
    session: Session, person: Subscriber, kind: ConsentKind, request: SignupRequest, seen: dict[str, str]
) -> Event:
    return history.event(
        session, person, kind, source=request.source, requested_at=request.requested_at, network=seen
    )


def _notice(person: Subscriber, now: datetime) -> OwedMail:
    """The mail to the address that is left behind."""
    return OwedMail(
        kind="address_changed",
        address=person.address,
        subscriber_id=person.id,
        locale=person.locale,
        data={"changed_at": now.isoformat(), "timezone": person.timezone},
        expires_at=now + SYSTEM_MAIL_LIFE,
    )
