"""From "it is seven o'clock" to rows: releases are cut, editions opened, and people written down in slices.

Each step is one transaction and can be killed and repeated: the UNIQUE keys of Release, Edition, Content and Delivery
decide, never a lock. Deliveries belong to a higher room, so planning is handed a `Ledger` that writes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from digest.db import Database, changed, in_batches
from digest.editions import calendar, selection
from digest.editions.calendar import Group, Slot
from digest.editions.models import Content, Edition, EditionState, Release
from digest.feeds.models import Article, ArticleState
from subscribers.models import Cadence, Subscriber, SubscriberState

SLICE = 1000
EXPIRES = timedelta(hours=24)
INSTANT_EXPIRES = timedelta(hours=6)


class PlannedDelivery(NamedTuple):
    """One mail of an edition that is owed to one person; its window is (since, release_no]."""

    subscriber_id: int
    content_id: int
    since: int
    release_no: int


class Alerts(NamedTuple):
    """What a person has had of instant alerts: is one still open, how many today."""

    is_open: bool
    today: int


class Ledger(Protocol):
    """What planning needs of the deliveries; every method works in the caller's transaction."""

    def write(
        self, session: Session, edition_id: int, rows: Sequence[PlannedDelivery], *, now: datetime
    ) -> None:
        """Write down rows, ordered by content, in chunks that expire with the edition."""

    def merge_open(
        self, session: Session, subscriber_ids: Sequence[int], *, edition_id: int, now: datetime
    ) -> Mapping[int, int]:
        """End what an earlier edition still owes these people (`skipped`, `merged`); the `since` each gets back."""

    def last_contents(self, session: Session, subscriber_ids: Sequence[int]) -> Mapping[int, int]:
        """The content of each person's last delivery whose window did not come back."""

    def alerts(
        self, session: Session, subscriber_ids: Sequence[int], *, since: datetime
    ) -> Mapping[int, Alerts]:
        """The instant alerts of each person since a moment."""


@dataclass(frozen=True, slots=True)
class InstantRules:
    """When an instant alert may come."""

    gap: timedelta = timedelta(minutes=15)
    per_day: int = 10
    quiet: str = "22:00-07:00"


@dataclass(slots=True)
class PlanCounts:
    """What one planning run wrote."""

    editions: int = 0
    deliveries: int = 0
    contents: int = 0
    missed: int = 0


def plan_due(
    db: Database,
    ledger: Ledger,
    *,
    now: datetime,
    catch_up: timedelta,
    instant: InstantRules,
    slice_size: int = SLICE,
) -> PlanCounts:
    """Plan everything that is due at `now`; any number of planners may do so at once."""
    counts = PlanCounts()
    due = _due_slots(db, now=now, catch_up=catch_up, counts=counts)
    if due:
        cut_release(db, now=now)
        for slot in due:
            with db.write() as session:
                open_edition(session, slot, now=now)
    for edition_id in _unplanned(db):
        _plan_edition(db, ledger, edition_id, now=now, instant=instant, size=slice_size, counts=counts)
    return counts


def cut_release(db: Database, *, now: datetime) -> int | None:
    """Give every eligible, matched article without a number the next one; None if none waits or another cut won."""
    try:
        with db.write() as session:
            return cut(session, now=now)
    except IntegrityError:  # another planner took the number: its cut is ours
        return None


def cut(session: Session, *, now: datetime) -> int | None:
    """`cut_release` in the caller's transaction; raises IntegrityError when another cut won."""
    if not _has_unreleased(session):
        return None
    number = newest_release(session) + 1
    session.execute(insert(Release).values(no=number, cut_at=now, articles=0))
    taken = changed(session, update(Article).where(*_waiting()).values(release_no=number))
    session.execute(update(Release).where(col(Release.no) == number).values(articles=taken))
    return number


def newest_release(session: Session) -> int:
    """The highest release number, 0 before the first."""
    return session.execute(select(func.max(col(Release.no)))).scalar_one() or 0


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


def _due_slots(db: Database, *, now: datetime, catch_up: timedelta, counts: PlanCounts) -> list[Slot]:
    """The slots to plan, oldest first; missed ones are written down with their reason."""
    with db.read() as session:
        due = [
            calendar.split_due(calendar.slots(now, group), now=now, catch_up=catch_up)
            for group in groups(session)
        ]
        newest = newest_release(session) + _has_unreleased(session)
        has_alerts = session.execute(_alerts_waiting(newest)).first() is not None
    missed = {slot for _, older in due for slot in older}
    wanted = {slot for slot, _ in due if slot is not None}
    if missed - wanted:
        with db.write() as session:
            counts.missed = sum(
                open_edition(session, slot, now=now, reason="missed") is not None for slot in missed - wanted
            )
    if has_alerts:
        wanted.add(calendar.instant_slot(now))
    return sorted(_not_opened(db, wanted), key=lambda slot: (slot.due_at, slot.timezone, slot.local_time))


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


def _has_unreleased(session: Session) -> bool:
    return session.execute(select(col(Article.id)).where(*_waiting()).limit(1)).first() is not None


def _waiting() -> tuple[Any, ...]:
    """What makes an article part of the next release."""
    return (
        col(Article.state) == ArticleState.ELIGIBLE,
        col(Article.matched_at).is_not(None),
        col(Article.release_no).is_(None),
    )


def _unplanned(db: Database) -> list[int]:
    with db.read() as session:
        rows = session.execute(
            select(col(Edition.id))
            .where(
                col(Edition.is_planned).is_(False),
                col(Edition.state).in_([EditionState.PLANNED, EditionState.SENDING]),
            )
            .order_by(col(Edition.due_at), col(Edition.id))
        )
        return list(rows.scalars())


def _plan_edition(
    db: Database,
    ledger: Ledger,
    edition_id: int,
    *,
    now: datetime,
    instant: InstantRules,
    size: int,
    counts: PlanCounts,
) -> None:
    is_done = False
    counts.editions += 1
    while not is_done:
        with db.write() as session:
            is_done, deliveries, contents = plan_slice(
                session, ledger, edition_id, now=now, instant=instant, size=size
            )
        counts.deliveries += deliveries
        counts.contents += contents


def plan_slice(
    session: Session,
    ledger: Ledger,
    edition_id: int,
    *,
    now: datetime,
    instant: InstantRules,
    size: int = SLICE,
) -> tuple[bool, int, int]:
    """Write down the next people of an edition: (is the edition planned, deliveries, new contents)."""
    edition = session.get(Edition, edition_id, with_for_update=True)
    if (
        edition is None
        or edition.is_planned
        or edition.state not in (EditionState.PLANNED, EditionState.SENDING)
    ):
        return True, 0, 0
    people = _next_people(session, edition, size)
    chosen = _taking_part(session, ledger, edition, people, now=now, instant=instant)
    rows, contents = _write_contents(session, ledger, edition, chosen, now=now)
    if rows:
        ledger.write(session, edition.id, rows, now=now)
        edition.state = EditionState.SENDING
    if edition.cadence is Cadence.INSTANT and len(chosen) < len(people):
        edition.reason = "kept_back"
    if people:
        edition.planned_up_to = people[-1].id
    if len(people) == size:
        session.add(edition)
        return False, len(rows), contents
    _finish_planning(session, edition, now=now)
    return True, len(rows), contents


class Person(NamedTuple):
    """What planning reads of a subscriber."""

    id: int
    timezone: str
    locale: str
    format: str
    length: str
    last_release: int
    last_edition_on: Any
    last_edition_at: datetime | None


def _next_people(session: Session, edition: Edition, size: int) -> list[Person]:
    conditions = [
        col(Subscriber.id) > edition.planned_up_to,
        col(Subscriber.state) == SubscriberState.ACTIVE,
        col(Subscriber.cadence) == edition.cadence,
    ]
    if edition.cadence is not Cadence.INSTANT:
        conditions += [
            col(Subscriber.local_time) == edition.local_time,
            col(Subscriber.timezone) == edition.timezone,
        ]
    if edition.cadence is Cadence.WEEKLY:
        conditions.append(func.coalesce(col(Subscriber.weekday), 0) == edition.local_date.weekday())
    columns = [getattr(Subscriber, name) for name in Person._fields]
    rows = session.execute(
        select(*columns).where(*conditions).order_by(col(Subscriber.id)).limit(size).with_for_update()
    )
    return [Person(*row) for row in rows]


def _taking_part(
    session: Session,
    ledger: Ledger,
    edition: Edition,
    people: list[Person],
    *,
    now: datetime,
    instant: InstantRules,
) -> list[Person]:
    """Those for whom there is room for this edition; what an earlier one still owes them is merged into it."""
    if edition.cadence is Cadence.INSTANT:
        return _ready_for_alert(session, ledger, people, now=now, rules=instant)
    ready = [
        one
        for one in people
        if calendar.takes_part(
            local_date=edition.local_date,
            due=edition.due_at,
            last_on=one.last_edition_on,
            last_at=one.last_edition_at,
        )
    ]
    returned = ledger.merge_open(session, [one.id for one in ready], edition_id=edition.id, now=now)
    return [
        one._replace(last_release=min(one.last_release, returned.get(one.id, one.last_release)))
        for one in ready
    ]


def _ready_for_alert(
    session: Session, ledger: Ledger, people: list[Person], *, now: datetime, rules: InstantRules
) -> list[Person]:
    had = ledger.alerts(session, [one.id for one in people], since=now - timedelta(days=1))
    nothing = Alerts(is_open=False, today=0)
    return [
        one
        for one in people
        if not had.get(one.id, nothing).is_open
        and had.get(one.id, nothing).today < rules.per_day
        and (one.last_edition_at is None or now - one.last_edition_at >= rules.gap)
        and not calendar.is_quiet(now, quiet=rules.quiet, timezone=one.timezone)
    ]


def _write_contents(
    session: Session, ledger: Ledger, edition: Edition, people: list[Person], *, now: datetime
) -> tuple[list[PlannedDelivery], int]:
    """The distinct selections of these people, stored once each, and one planned delivery a person with news."""
    wishes = selection.gather(
        session,
        people,
        release_no=edition.release_no,
        local_date=edition.local_date,
        carried=selection.carried_by(session, ledger.last_contents(session, [one.id for one in people])),
    )
    known = _known_contents(session, edition.id, list(wishes.by_key))
    fresh = [
        {"edition_id": edition.id, "created_at": now, **wishes.compose(key, now=edition.due_at)}
        for key in wishes.by_key
        if key not in known
    ]
    if fresh:
        inserted = session.execute(
            insert(Content).returning(col(Content.key), col(Content.id), col(Content.item_count)), fresh
        )
        known.update({key: (content_id, items) for key, content_id, items in inserted})
    rows = [
        PlannedDelivery(person.id, known[key][0], person.last_release, edition.release_no)
        for key, group in wishes.by_key.items()
        if known[key][1]
        for person in group
    ]
    rows.sort(key=lambda row: (row.content_id, row.subscriber_id))
    _move_windows(session, edition, [one.id for group in wishes.by_key.values() for one in group])
    if edition.cadence is Cadence.INSTANT:
        _skip_windows(session, edition, wishes.without_news)
    return rows, len(fresh)


def _known_contents(session: Session, edition_id: int, keys: list[str]) -> dict[str, tuple[int, int]]:
    """Of each key that is stored already: the content's id and how many articles it shows."""
    known: dict[str, tuple[int, int]] = {}
    for batch in in_batches(keys):
        rows = session.execute(
            select(col(Content.key), col(Content.id), col(Content.item_count)).where(
                col(Content.edition_id) == edition_id, col(Content.key).in_(batch)
            )
        )
        known.update({key: (content_id, items) for key, content_id, items in rows})
    return known


def _move_windows(session: Session, edition: Edition, ids: list[int]) -> None:
    """Everybody whose window held something: what was shown, carried, folded, expired or muted is settled by now."""
    for batch in in_batches(ids):
        session.execute(
            update(Subscriber)
            .where(col(Subscriber.id).in_(batch))
            .values(
                last_release=edition.release_no,
                last_edition_on=edition.local_date,
                last_edition_at=edition.due_at,
            )
        )


def _skip_windows(session: Session, edition: Edition, ids: list[int]) -> None:
    """Move empty windows on, so that the next alert, five minutes later, need not look at them again."""
    for batch in in_batches(ids):
        session.execute(
            update(Subscriber).where(col(Subscriber.id).in_(batch)).values(last_release=edition.release_no)
        )


def _finish_planning(session: Session, edition: Edition, *, now: datetime) -> None:
    """Everybody is written down. An alert nobody has news for leaves no row behind."""
    edition.is_planned = True
    if edition.state is EditionState.PLANNED:
        if edition.cadence is Cadence.INSTANT and not edition.reason:
            session.delete(edition)
            return
        edition.state = EditionState.SKIPPED
        edition.reason = edition.reason or "no_news"
        edition.finished_at = now
    session.add(edition)
