"""Leaving is in force at once, stays in force, and can be taken back by its owner only."""

from datetime import date, datetime, timedelta
from uuid import uuid4

from digest.db import Database
from subscribers import pause, suppression, tables
from subscribers.models import SubscriberState, SuppressionReason
from subscribers.unsubscribe import LeavingReason, Source, UndoOutcome, record_reason, undo, unsubscribe
from tests.integration.subscribers.support import (
    ANN,
    HASHER,
    confirm,
    dump,
    followed,
    joined,
    kinds,
    person,
    rows,
    topics,
    wish,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def leave(db: Database, public_id, *, now: datetime, **values):
    with db.write() as session:
        return unsubscribe(session, public_id, now=now, source=Source.ONE_CLICK, **values)


def take_back(db: Database, public_id, *, now: datetime):
    with db.write() as session:
        return undo(session, public_id, now=now, hasher=HASHER)


def test_leaving_writes_one_event_however_often_it_is_pressed(db: Database, now: datetime) -> None:
    ann = joined(db, wish("ann"), now=now)
    results = [leave(db, ann, now=now + n * HOUR, is_farewelled=True) for n in range(20)]
    assert [one.is_new for one in results] == [True] + [False] * 19
    assert [one.owed.kind for one in results if one.owed] == ["goodbye"]
    assert (person(db, ann).state, person(db, ann).unsubscribed_at) == (SubscriberState.UNSUBSCRIBED, now)
    assert kinds(db) == ["confirmed", "unsubscribed"]
    assert rows(db, tables.CONSENT)[1]["source"] == "one-click"


def test_an_erased_person_can_press_too_and_nothing_is_written(db: Database, now: datetime) -> None:
    before = dump(db)
    result = leave(db, uuid4(), now=now)
    assert (result.is_new, result.subscriber_id, result.owed) == (False, None, None)
    assert dump(db) == before


def test_a_paused_person_can_leave(db: Database, now: datetime) -> None:
    ann = joined(db, wish("ann"), now=now)
    with db.write() as session:
        pause.pause(session, ann, until=date(2027, 1, 1))
    leave(db, ann, now=now)
    assert (person(db, ann).state, person(db, ann).paused_until) == (SubscriberState.UNSUBSCRIBED, None)


def test_within_a_day_undo_brings_everything_back_with_a_notice(db: Database, now: datetime) -> None:
    topics(db, "ki", now=now)
    ann = joined(db, wish("ann", "ki"), now=now, release_no=4)
    leave(db, ann, now=now)
    result = take_back(db, ann, now=now + 24 * HOUR)
    assert result.outcome is UndoOutcome.ACTIVE
    assert result.owed is not None
    assert result.owed.kind == "welcome"
    assert (person(db, ann).state, person(db, ann).last_release) == (SubscriberState.ACTIVE, 4)
    assert followed(db, ann) == {"ki"}
    assert kinds(db) == ["confirmed", "unsubscribed", "resubscribed"]
    again = take_back(db, ann, now=now + 24 * HOUR)
    assert (again.outcome, again.owed) == (UndoOutcome.ACTIVE, None)
    assert len(kinds(db)) == 3


def test_after_a_day_undo_asks_for_a_new_confirmation_of_the_former_choices(
    db: Database, now: datetime
) -> None:
    topics(db, "ki", now=now)
    ann = joined(db, wish("ann", "ki", local_time="20:00"), now=now)
    leave(db, ann, now=now)
    later = now + 2 * DAY
    result = take_back(db, ann, now=later)
    assert result.outcome is UndoOutcome.ASKED
    assert result.owed is not None
    assert (result.owed.kind, result.owed.data["topics"], result.owed.data["time"]) == (
        "confirmation",
        ["Ki"],
        "20:00",
    )
    assert person(db, ann).state is SubscriberState.UNSUBSCRIBED
    confirm(db, result.owed.data["request"], now=later)
    assert (person(db, ann).state, person(db, ann).local_time) == (SubscriberState.ACTIVE, "20:00")
    assert followed(db, ann) == {"ki"}


def test_after_30_days_it_is_too_late(db: Database, now: datetime) -> None:
    ann = joined(db, wish("ann"), now=now)
    leave(db, ann, now=now)
    before = dump(db)
    assert take_back(db, ann, now=now + 31 * DAY).outcome is UndoOutcome.TOO_LATE
    assert take_back(db, uuid4(), now=now).outcome is UndoOutcome.TOO_LATE
    assert dump(db) == before


def test_undo_lifts_no_suppression(db: Database, now: datetime) -> None:
    ann = joined(db, wish("ann"), now=now)
    leave(db, ann, now=now)
    for reason in SuppressionReason:
        with db.write() as session:
            suppression.lift(session, ANN.key, hasher=HASHER)
            suppression.suppress(session, [ANN.key], reason, now=now, hasher=HASHER)
        before = dump(db)
        assert take_back(db, ann, now=now + HOUR).outcome is UndoOutcome.TOO_LATE
        assert dump(db) == before


def test_reasons_are_counted_without_a_person(db: Database, now: datetime) -> None:
    for reason in (LeavingReason.TOO_MANY, LeavingReason.TOO_MANY, LeavingReason.OTHER):
        with db.write() as session:
            record_reason(session, reason, now=now)
    assert rows(db, tables.REASON) == [
        {"day": date(2026, 11, 22), "reason": "other", "count": 1},
        {"day": date(2026, 11, 22), "reason": "too_many", "count": 2},
    ]


def test_a_pause_ends_by_itself_on_the_readers_own_calendar(db: Database, now: datetime) -> None:
    berlin = joined(db, wish("ann", timezone="Europe/Berlin"), now=now, release_no=4)
    york = joined(db, wish("ben", timezone="America/New_York"), now=now)
    endless = joined(db, wish("cleo"), now=now)
    with db.write() as session:
        for one in (berlin, york):
            assert pause.pause(session, one, until=date(2026, 11, 23))
        pause.pause(session, endless, until=None)
    midnight = datetime.fromisoformat("2026-11-24T00:00:00+01:00")
    for moment, resumed in (
        (midnight - timedelta(seconds=1), 0),
        (midnight, 1),
        (midnight, 0),
        (midnight + 6 * HOUR, 1),
        (midnight + 400 * DAY, 0),
    ):
        with db.write() as session:
            assert pause.resume_due(session, now=moment) == resumed
    assert (person(db, berlin).state, person(db, berlin).last_release) == (SubscriberState.ACTIVE, 4)
    assert person(db, endless).state is SubscriberState.PAUSED


def test_pausing_and_resuming_change_nothing_for_somebody_who_left(db: Database, now: datetime) -> None:
    ann = joined(db, wish("ann"), now=now)
    leave(db, ann, now=now)
    before = dump(db)
    with db.write() as session:
        assert not pause.pause(session, ann, until=date(2027, 1, 1))
        assert not pause.resume(session, ann)
        assert not pause.pause(session, uuid4(), until=None)
    assert dump(db) == before
