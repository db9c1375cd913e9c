"""How long anything about people is kept, and the job that ends it: idempotent, a few hundred rows a transaction.

| data | kept | then |
|---|---|---|
| SignupRequest, confirmed or not | 7 days | deleted |
| MailAllowance | 30 days after the last mail | deleted |
| Consent, network part | 30 days | removed |
| topics, settings, mutes after leaving | 30 days | deleted |
| Subscriber row and Consent, person part after leaving | to the end of the third calendar year | removed |
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from subscribers import consent, joining, privacy
from subscribers.choices import Choices
from subscribers.hashing import AddressHasher
from subscribers.models import Subscriber, SubscriberState, SuppressionReason
from subscribers.privacy import Withdraw
from subscribers.tables import ALLOWANCE, REQUEST, SUBSCRIBER


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How long things are kept; `leavers_years` counts whole calendar years after the one of leaving."""

    requests: timedelta = timedelta(days=7)
    allowances: timedelta = timedelta(days=30)
    networks: timedelta = timedelta(days=30)
    choices: timedelta = timedelta(days=30)
    leavers_years: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What one transaction ended; `unconfirmed` are requests whose waiting deliveries are for the caller to delete."""

    requests: int = 0
    allowances: int = 0
    networks: int = 0
    choices: int = 0
    people: int = 0
    unconfirmed: tuple[UUID, ...] = ()

    @property
    def total(self) -> int:
        """All rows; 0 means that nothing is due any more."""
        return self.requests + self.allowances + self.networks + self.choices + self.people


def sweep(
    session: Session,
    *,
    now: datetime,
    hasher: AddressHasher,
    withdraw: Withdraw,
    periods: Periods | None = None,
    limit: int = 1000,
) -> Swept:
    """End what is due, at most `limit` rows of each kind; repeat in new transactions until `total` is 0."""
    kept = periods or Periods()
    ended, unconfirmed = _requests(session, before=now - kept.requests, limit=limit)
    return Swept(
        requests=ended,
        unconfirmed=unconfirmed,
        allowances=_allowances(session, before=now - kept.allowances, now=now, limit=limit),
        networks=consent.forget_networks(session, before=now - kept.networks, limit=limit),
        choices=_choices(session, before=now - kept.choices, now=now, limit=limit),
        people=_people(session, _year_start(now, kept.leavers_years), now, hasher, withdraw, limit),
    )


def _requests(session: Session, *, before: datetime, limit: int) -> tuple[int, tuple[UUID, ...]]:
    c = REQUEST.c
    due = select(c.id).where(c.requested_at <= before).order_by(c.id).limit(limit)
    gone = session.execute(delete(REQUEST).where(c.id.in_(due)).returning(c.public_id, c.confirmed_at)).all()
    return len(gone), tuple(row.public_id for row in gone if row.confirmed_at is None)


def _allowances(session: Session, *, before: datetime, now: datetime, limit: int) -> int:
    c = ALLOWANCE.c
    is_open = or_(c.closed_until.is_(None), c.closed_until <= now)
    due = select(c.address_hash, c.kind).where(c.updated_at <= before, is_open).limit(limit)
    keys = [tuple(row) for row in session.execute(due)]
    for address_hash, kind in keys:
        session.execute(delete(ALLOWANCE).where(c.address_hash == address_hash, c.kind == kind))
    return len(keys)


def _choices(session: Session, *, before: datetime, now: datetime, limit: int) -> int:
    c = SUBSCRIBER.c
    due = (
        select(c.id)
        .where(
            c.state == SubscriberState.UNSUBSCRIBED,
            c.unsubscribed_at <= before,
            c.choices_erased_at.is_(None),
        )
        .order_by(c.id)
        .limit(limit)
        .with_for_update()
    )
    ids = list(session.execute(due).scalars())
    if ids:
        joining.forget_choices(session, ids)
        plain = joining.settings(Choices()) | {"choices_erased_at": now}
        del plain["locale"]  # pages still speak this person's language
        session.execute(update(SUBSCRIBER).where(c.id.in_(ids)).values(plain))
    return len(ids)


def _people(
    session: Session,
    before: datetime,
    now: datetime,
    hasher: AddressHasher,
    withdraw: Withdraw,
    limit: int,
) -> int:
    due = select(Subscriber).where(
        col(Subscriber.state) == SubscriberState.UNSUBSCRIBED, col(Subscriber.unsubscribed_at) < before
    )
    people = session.scalars(due.order_by(col(Subscriber.id)).limit(limit).with_for_update()).all()
    for person in people:
        privacy.forget(
            session, person, SuppressionReason.UNSUBSCRIBED, now=now, hasher=hasher, withdraw=withdraw
        )
    return len(people)


def _year_start(now: datetime, years: int) -> datetime:
    """Whoever left before this moment has been kept to the end of so many calendar years."""
    return datetime(now.astimezone(UTC).year - years, 1, 1, tzinfo=UTC)
