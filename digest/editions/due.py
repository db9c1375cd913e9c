"""Which editions are due, and the rows that open them: one for each slot, whoever asks."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from digest.db import Database
from digest.editions import calendar
from digest.editions.calendar import Group, Slot
from digest.editions.models import Edition, EditionState
from digest.editions.releases import has_unreleased, newest_release
from subscribers.models import Cadence, Subscriber, SubscriberState

EXPIRES = timedelta(hours=24)
INSTANT_EXPIRES = timedelta(hours=6)


def open_edition(session: Session, slot: Slot, *, now: datetime, reason: str = "") -> int | None:
    """Insert the Edition of a slot; None if somebody has it. With a reason it is born skipped."""
    if session.execute(select(col(Edition.id)).where(*slot_of(slot))).first() is not None:
        return None
    edition = Edition(
        cadence=slot.cadence,
        local_time=slot.local_time,
        timezone=slot.timezone,
        local_date=slot.local_date,
        due_at=slot.due_at,
        expires_at=slot.due_at + (INSTANT_EXPIRES if slot.cadence is Cadence.INSTANT else EXPIRES),
        release_no=newest_release(session),
        state=EditionState.SKIPPED if reason else EditionState.PLANNED,
        reason=reason,
        is_planned=bool(reason),
        created_at=now,
        finished_at=now if reason else None,
    )
    try:
        with session.begin_nested():
            session.add(edition)
    except IntegrityError:
        return None
    return edition.id


def slot_of(slot: Slot | Edition) -> tuple[Any, ...]:
    """What finds the Edition row of a slot."""
    return (
        col(Edition.cadence) == slot.cadence,
        col(Edition.local_time) == slot.local_time,
        col(Edition.timezone) == slot.timezone,
        col(Edition.local_date) == slot.local_date,
    )


def groups(session: Session) -> list[Group]:
    """The distinct wishes of all active people of scheduled cadences."""
    waits_since = func.coalesce(
        col(Subscriber.last_edition_at), col(Subscriber.confirmed_at), col(Subscriber.created_at)
    )
    wish = (
        col(Subscriber.cadence),
        col(Subscriber.weekday),
        col(Subscriber.local_time),
        col(Subscriber.timezone),
    )
    rows = session.execute(
        select(*wish, func.min(waits_since))
        .where(col(Subscriber.state) == SubscriberState.ACTIVE, col(Subscriber.cadence) != Cadence.INSTANT)
        .group_by(*wish)
    )
    return [Group(*row) for row in rows]


def due_slots(db: Database, *, now: datetime, catch_up: timedelta) -> tuple[list[Slot], int]:
    """The slots to plan, oldest first, and how many older ones were written down as missed."""
    with db.read() as session:
        due = [
            calendar.split_due(calendar.slots(now, group), now=now, catch_up=catch_up)
            for group in groups(session)
        ]
        newest = newest_release(session) + has_unreleased(session)
        has_alerts = session.execute(_alerts_waiting(newest)).first() is not None
    missed = {slot for _, older in due for slot in older}
    wanted = {slot for slot, _ in due if slot is not None}
    written = _write_missed(db, missed - wanted, now=now)
    if has_alerts:
        wanted.add(calendar.instant_slot(now))
    to_plan = sorted(_not_opened(db, wanted), key=lambda slot: (slot.due_at, slot.timezone, slot.local_time))
    return to_plan, written


def _write_missed(db: Database, slots: set[Slot], *, now: datetime) -> int:
    if not slots:
        return 0
    with db.write() as session:
        return sum(open_edition(session, slot, now=now, reason="missed") is not None for slot in slots)


def _not_opened(db: Database, wanted: set[Slot]) -> list[Slot]:
    if not wanted:
        return []
    with db.read() as session:
        rows = session.execute(
            select(
                col(Edition.cadence), col(Edition.local_time), col(Edition.timezone), col(Edition.local_date)
            ).where(col(Edition.due_at) >= min(slot.due_at for slot in wanted) - timedelta(days=1))
        )
        opened = {tuple(row) for row in rows}
    return [s for s in wanted if (s.cadence, s.local_time, s.timezone, s.local_date) not in opened]


def _alerts_waiting(newest: int) -> Any:
    """Somebody who asked for instant alerts and has not been given everything up to `newest`."""
    return (
        select(col(Subscriber.id))
        .where(
            col(Subscriber.state) == SubscriberState.ACTIVE,
            col(Subscriber.cadence) == Cadence.INSTANT,
            col(Subscriber.last_release) < newest,
        )
        .limit(1)
    )
