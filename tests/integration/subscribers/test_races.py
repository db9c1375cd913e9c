"""Several processes at once: keys and row locks decide, and the result is that of some order."""

from datetime import datetime, timedelta

from digest.db import Database
from subscribers import admission, moving, privacy, tables
from subscribers.addresses import canonical
from subscribers.admission import Admission, Newcomer
from subscribers.choices import Choices
from subscribers.confirmation import Outcome
from subscribers.models import SubscriberState
from subscribers.signup import Origin
from subscribers.unsubscribe import Source, unsubscribe
from subscribers.verification import verify
from tests.integration.subscribers.support import (
    ANN,
    HASHER,
    at_once,
    confirm,
    joined,
    kinds,
    person,
    rows,
    sign_up,
    topics,
    wish,
)


def test_many_presses_at_once_make_one_subscriber_and_one_event(db: Database, now: datetime) -> None:
    owed = sign_up(db, wish("ann"), now=now)
    assert owed is not None
    results = at_once(*[lambda: confirm(db, owed.data["request"], now=now).outcome] * 8)
    assert sorted(results) == ["already"] * 7 + ["confirmed"]
    assert len(rows(db, tables.SUBSCRIBER)) == 1
    assert kinds(db) == ["confirmed"]


def test_one_address_signed_up_everywhere_is_one_request_and_one_mail(db: Database, now: datetime) -> None:
    results = at_once(*[lambda n=n: sign_up(db, wish("ann", f"topic-{n}"), now=now) for n in range(8)])
    assert len([one for one in results if one]) == 1
    request, *others = rows(db, tables.REQUEST)
    assert not others
    assert len(request["choices"]["topics"]) == 8


def test_twenty_one_clicks_at_once_are_one_event(db: Database, now: datetime) -> None:
    ann = joined(db, wish("ann"), now=now)

    def click() -> bool:
        with db.write() as session:
            return unsubscribe(session, ann, now=now, source=Source.ONE_CLICK).is_new

    assert sorted(at_once(*[click] * 20)) == [False] * 19 + [True]
    assert kinds(db) == ["confirmed", "unsubscribed"]


def test_leaving_and_erasing_at_once_end_in_an_erasure(db: Database, now: datetime) -> None:
    ann = joined(db, wish("ann"), now=now)

    def leave() -> None:
        with db.write() as session:
            unsubscribe(session, ann, now=now, source=Source.ONE_CLICK)

    def erase() -> None:
        with db.write() as session:
            privacy.erase(session, ann, now=now, hasher=HASHER, source="page", withdraw=lambda *_: None)

    assert at_once(*[leave, erase] * 4) == [None] * 8
    assert not rows(db, tables.SUBSCRIBER)
    assert kinds(db).count("erased") == 1
    assert not any(row["person"] for row in rows(db, tables.CONSENT))


def test_somebody_imported_twice_at_once_is_there_once(db: Database, now: datetime) -> None:
    topics(db, "ki", now=now)

    def let_in() -> list[Admission]:
        people = [
            Newcomer(address=canonical(f"r{n}@example.org"), choices=Choices(topics=("ki",)))
            for n in range(20)
        ]
        with db.write() as session:
            return admission.add(session, people, note="Messe", now=now, release_no=1, hasher=HASHER)

    results = [one for result in at_once(*[let_in] * 4) for one in result]
    assert results.count(Admission.ADDED) == 20
    assert results.count(Admission.PRESENT) == 60
    assert len(rows(db, tables.SUBSCRIBER)) == len(rows(db, tables.SUBSCRIPTION)) == len(kinds(db)) == 20
    with db.read() as session:
        assert verify(session).ok


def test_a_move_and_a_sign_up_to_one_address_at_once_leave_one_active_person(
    db: Database, now: datetime
) -> None:
    for number in range(4):
        old, new = f"old{number}", f"new{number}@example.org"
        public_id = joined(db, wish(old), now=now)
        with db.write() as session:
            move = moving.request_change(
                session, public_id, canonical(new), now=now, hasher=HASHER, origin=Origin()
            )
        asked = sign_up(db, wish(new), now=now)
        assert move is not None
        assert asked is not None
        results = at_once(
            lambda move=move: confirm(db, move.data["request"], now=now).outcome,
            lambda asked=asked: confirm(db, asked.data["request"], now=now).outcome,
        )
        assert results == [Outcome.CHANGED, Outcome.CONFIRMED]
        here = [row for row in rows(db, tables.SUBSCRIBER) if row["address_key"] == new]
        assert [row["state"] for row in here] == [SubscriberState.ACTIVE]
    assert (
        person(db, joined(db, wish(ANN.address), now=now + timedelta(days=1))).state is SubscriberState.ACTIVE
    )
