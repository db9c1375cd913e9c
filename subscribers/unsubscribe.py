"""Leaving: in force when we answer, undone within a day by one press, and asked for its reason without a person in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from subscribers import consent, history, joining, register, signup, suppression
from subscribers.addresses import Address
from subscribers.departures import Departure, Way, note
from subscribers.hashing import AddressHasher
from subscribers.models import ConsentKind, Subscriber, SubscriberState
from subscribers.owed import SYSTEM_MAIL_LIFE, OwedMail
from subscribers.signup import Origin, SignUp
from subscribers.tables import REASON
from subscribers.upsert import insert
from subscribers.welcoming import welcome

UNDO_AT_ONCE = timedelta(hours=24)
UNDO_BY_MAIL = timedelta(days=30)


class Source(StrEnum):
    """How somebody left; the source in the event of consent."""

    ONE_CLICK = "one-click"
    PAGE = "page"
    MAILTO = "mailto"
    CLI = "cli"
    RESTORE = "restore"


class LeavingReason(StrEnum):
    """Why somebody left, if they said so."""

    TOO_MANY = "too_many"
    NOT_FOR_ME = "not_for_me"
    NEVER_SIGNED_UP = "never_signed_up"
    TECHNICAL = "technical"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """The result of leaving; `is_new` is False on every repetition, `subscriber_id` None for an erased person.

    The caller withdraws this person's waiting deliveries in the same transaction.
    """

    is_new: bool
    subscriber_id: int | None = None
    owed: OwedMail | None = None


class UndoOutcome(StrEnum):
    """What pressing "a mistake?" did."""

    ACTIVE = "active"
    ASKED = "asked"
    TOO_LATE = "too_late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """The result of an undo, and the mail it owes."""

    outcome: UndoOutcome
    owed: OwedMail | None = None


def unsubscribe(
    session: Session, public_id: UUID, *, now: datetime, source: Source, is_farewelled: bool = False
) -> Left:
    """Send this person nothing any more. Again, or after erasure: the same, without a second event."""
    person = register.locked(session, public_id)
    if person is None or person.state is SubscriberState.UNSUBSCRIBED:
        return Left(is_new=False, subscriber_id=person.id if person else None)
    person.state, person.unsubscribed_at, person.paused_until = SubscriberState.UNSUBSCRIBED, now, None
    session.flush()
    note(session, Departure(Way.LEFT, person.public_id.hex, now))
    consent.append(
        session, [history.event(session, person, ConsentKind.UNSUBSCRIBED, source=source)], now=now
    )
    goodbye = _goodbye(person, now) if is_farewelled else None
    return Left(is_new=True, subscriber_id=person.id, owed=goodbye)


def undo(session: Session, public_id: UUID, *, now: datetime, hasher: AddressHasher) -> Undone:
    """Take leaving back: at once within a day, by a new confirmation within 30 days. Lifts no suppression."""
    person = register.locked(session, public_id)
    if person is None or (person.state is SubscriberState.UNSUBSCRIBED and not _is_undoable(person, now)):
        return Undone(outcome=UndoOutcome.TOO_LATE)
    if person.state is not SubscriberState.UNSUBSCRIBED:
        return Undone(outcome=UndoOutcome.ACTIVE)
    if now - left_at(person) > UNDO_AT_ONCE:
        return Undone(outcome=UndoOutcome.ASKED, owed=_ask(session, person, now=now, hasher=hasher))
    if suppression.reasons(session, [person.address_key], hasher=hasher):
        return Undone(outcome=UndoOutcome.TOO_LATE)
    return_to(session, person, now=now, source=Source.PAGE)
    return Undone(outcome=UndoOutcome.ACTIVE, owed=welcome(session, person, now=now))


def return_to(session: Session, person: Subscriber, *, now: datetime, source: str) -> None:
    """Make somebody who left active again with all they had, and prove it."""
    person.state, person.unsubscribed_at = SubscriberState.ACTIVE, None
    session.flush()
    note(session, Departure(Way.RETURNED, person.public_id.hex, now))
    consent.append(
        session, [history.event(session, person, ConsentKind.RESUBSCRIBED, source=source)], now=now
    )


def left_at(person: Subscriber) -> datetime:
    """When somebody who is unsubscribed left; a row without that time counts as the oldest."""
    return person.unsubscribed_at or person.created_at


def record_reason(session: Session, reason: LeavingReason, *, now: datetime) -> None:
    """Count one more person who left today (UTC) for this reason; nothing says who."""
    row = insert(session, REASON).values(day=now.date(), reason=reason, count=1)
    c = REASON.c
    session.execute(
        row.on_conflict_do_update(index_elements=[c.day, c.reason], set_={"count": REASON.c["count"] + 1})
    )


def _is_undoable(person: Subscriber, now: datetime) -> bool:
    return person.choices_erased_at is None and now - left_at(person) <= UNDO_BY_MAIL


def _ask(session: Session, person: Subscriber, *, now: datetime, hasher: AddressHasher) -> OwedMail | None:
    """A request with the former choices: it needs its confirmation like any other."""
    address = Address(person.address, person.address_key)
    again = SignUp(
        address=address, choices=joining.choices_of(session, person), origin=Origin(source=Source.PAGE)
    )
    return signup.sign_up(session, [again], now=now, hasher=hasher)[0]


def _goodbye(person: Subscriber, now: datetime) -> OwedMail:
    return OwedMail(
        kind="goodbye",
        address=person.address,
        subscriber_id=person.id,
        locale=person.locale,
        expires_at=now + SYSTEM_MAIL_LIFE,
    )
