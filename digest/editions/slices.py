"""One slice of an edition: the next people are written down with their contents, deliveries and moved windows.

One transaction, whose locks are held for a fraction of a second; killed, it is done again from `planned_up_to`.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, func, insert, select, update
from sqlmodel import Session, col

from digest.db import in_batches
from digest.editions import calendar, selection
from digest.editions.ledger import Alerts, InstantRules, Ledger, PlannedDelivery
from digest.editions.models import Content, Edition, EditionState
from digest.editions.news import EditionNews
from subscribers.models import Cadence, Subscriber, SubscriberState


class SliceCounts(NamedTuple):
    """What one slice wrote, and whether it was the edition's last."""

    is_last: bool
    people: int = 0
    deliveries: int = 0
    contents: int = 0


def plan_slice(
    session: Session,
    ledger: Ledger,
    edition_id: int,
    *,
    now: datetime,
    instant: InstantRules,
    size: int,
    news: EditionNews,
) -> SliceCounts:
    """Write down the next people of an edition, at most `size`."""
    edition = session.get(Edition, edition_id, with_for_update=True)
    if (
        edition is None
        or edition.is_planned
        or edition.state not in (EditionState.PLANNED, EditionState.SENDING)
    ):
        return SliceCounts(is_last=True)
    people = [Person(*row) for row in session.execute(_next(edition, size).with_for_update())]
    chosen = _taking_part(session, ledger, edition, people, now=now, instant=instant)
    rows, contents = _write_contents(session, ledger, edition, chosen, now=now, news=news)
    if rows:
        ledger.write(session, edition.id, rows, now=now)
        edition.state = EditionState.SENDING
    if edition.cadence is Cadence.INSTANT and len(chosen) < len(people):
        edition.reason = "kept_back"
    if people:
        edition.planned_up_to = people[-1].id
    if len(people) == size:
        session.add(edition)
        return SliceCounts(is_last=False, people=size, deliveries=len(rows), contents=contents)
    _finish_planning(session, edition, now=now)
    return SliceCounts(is_last=True, people=len(people), deliveries=len(rows), contents=contents)


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


def warm(session: Session, edition: Edition, *, size: int, news: EditionNews) -> None:
    """Read the news for the next people, so that the first slice need not do so while it holds locks."""
    people = [Person(*row) for row in session.execute(_next(edition, size))]
    selection.gather(session, people, edition=edition, carried={}, news=news)


def _next(edition: Edition, size: int) -> Select[Any]:
    """The people who are not yet written down, at most `size`."""
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
    return select(*columns).where(*conditions).order_by(col(Subscriber.id)).limit(size)


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
    session: Session,
    ledger: Ledger,
    edition: Edition,
    people: list[Person],
    *,
    now: datetime,
    news: EditionNews,
) -> tuple[list[PlannedDelivery], int]:
    """The distinct selections of these people, stored once each, and one planned delivery a person with news."""
    wishes = selection.gather(
        session,
        people,
        edition=edition,
        news=news,
        had=ledger.promos_had(session, [one.id for one in people]) if news.has_caps(session) else {},
        carried=selection.carried_by(session, ledger.last_contents(session, [one.id for one in people])),
    )
    known = _known_contents(session, edition.id, list(wishes.by_key))
    fresh = [
        {"edition_id": edition.id, "created_at": now, **wishes.compose(key)}
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
