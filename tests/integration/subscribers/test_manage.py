"""Links with full rights go by mail, to people we know, three a day at most; an address moves only by its own yes."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from digest.db import Database
from subscribers import manage, moving, mutes, suppression, tables
from subscribers.addresses import canonical
from subscribers.choices import OwnTopic
from subscribers.confirmation import Outcome
from subscribers.models import MuteKind, SubscriberState, SuppressionReason
from subscribers.mutes import MuteWish
from subscribers.owed import OwedMail
from subscribers.register import next_version
from subscribers.signup import Origin
from subscribers.tokens import MAX_VERSION
from subscribers.unsubscribe import Source, unsubscribe
from tests.integration.subscribers.support import (
    ANN,
    BEN,
    CLEO,
    HASHER,
    confirm,
    dump,
    followed,
    joined,
    kinds,
    person,
    rows,
    sign_up,
    topics,
    wish,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def ask_to_move(db: Database, public_id: UUID, address: str, *, now: datetime) -> OwedMail | None:
    with db.write() as session:
        return moving.request_change(
            session, public_id, canonical(address), now=now, hasher=HASHER, origin=Origin(source="page")
        )


def moved(db: Database, public_id: UUID, address: str, *, now: datetime):
    owed = ask_to_move(db, public_id, address, now=now)
    assert owed is not None
    return confirm(db, owed.data["request"], now=now, release_no=20)


def test_a_link_goes_to_whom_we_know_and_to_nobody_else(db: Database, now: datetime) -> None:
    ann, ben = (joined(db, wish(name), now=now) for name in ("Ann@Example.org", "ben"))
    with db.write() as session:
        unsubscribe(session, ben, now=now, source=Source.PAGE)
        suppression.suppress(session, [CLEO.key], SuppressionReason.MANUAL, now=now, hasher=HASHER)
        owed = manage.request_links(session, [CLEO, ANN, BEN, ANN], now=now, hasher=HASHER)
    assert [mail and mail.address for mail in owed] == [None, "Ann@example.org", "ben@example.org", None]
    assert owed[1] is not None
    assert owed[1].data == {"expires_at": (now + 15 * MINUTE).isoformat(), "timezone": "Europe/Berlin"}
    assert owed[1].expires_at == now + 15 * MINUTE
    assert owed[1].subscriber_id == person(db, ann).id


def test_a_suppressed_subscriber_gets_no_link(db: Database, now: datetime) -> None:
    ann = joined(db, wish("ann"), now=now)
    with db.write() as session:
        suppression.suppress(session, [ANN.key], SuppressionReason.COMPLAINT, now=now, hasher=HASHER)
        assert manage.request_own_link(session, ann, now=now, hasher=HASHER) is None
        assert manage.request_own_link(session, uuid4(), now=now, hasher=HASHER) is None


def test_one_link_in_15_minutes_and_three_a_day(db: Database, now: datetime) -> None:
    ann = joined(db, wish("ann"), now=now)
    sent = []
    day = 24 * 60
    for minute in (0, 14, 15, 29, 30, 45, 600, day - 1, day, day + 1, day + 15, day + 29, day + 30, day + 45):
        with db.write() as session:
            mail = manage.request_own_link(session, ann, now=now + minute * MINUTE, hasher=HASHER)
        sent += [minute] if mail else []
    assert sent == [0, 15, 30, day, day + 15, day + 30]


def test_old_links_end_at_a_word_and_versions_fit_a_token(db: Database, now: datetime) -> None:
    ann = joined(db, wish("ann"), now=now)
    with db.write() as session:
        assert manage.invalidate_links(session, ann)
        assert manage.renew_feed(session, ann)
        assert not manage.invalidate_links(session, uuid4())
        assert not manage.renew_feed(session, uuid4())
    assert (person(db, ann).token_version, person(db, ann).feed_version) == (1, 2)
    assert next_version(MAX_VERSION) == 0


def test_somebody_who_left_starts_again_from_a_full_link(db: Database, now: datetime) -> None:
    topics(db, "ki", now=now)
    ann = joined(db, wish("ann", "ki"), now=now, release_no=3)
    with db.write() as session:
        again = {"now": now, "release_no": 9, "hasher": HASHER}
        assert manage.resubscribe(session, ann, **again) is None
        unsubscribe(session, ann, now=now, source=Source.PAGE)
        suppression.suppress(session, [ANN.key], SuppressionReason.COMPLAINT, now=now, hasher=HASHER)
        assert manage.resubscribe(session, ann, **again) is None
        suppression.lift(session, ANN.key, hasher=HASHER)
        welcome = manage.resubscribe(session, ann, **again)
        assert manage.resubscribe(session, uuid4(), **again) is None
    assert welcome is not None
    assert welcome.data["topics"] == ["Ki"]
    assert (person(db, ann).state, person(db, ann).last_release) == (SubscriberState.ACTIVE, 9)
    assert kinds(db) == ["confirmed", "unsubscribed", "resubscribed"]


def test_an_address_moves_when_the_new_one_confirms(db: Database, now: datetime) -> None:
    ann = joined(db, wish("ann"), now=now, release_no=3)
    owed = ask_to_move(db, ann, "Ann@Neu.example", now=now)
    assert owed is not None
    assert (owed.kind, owed.address, owed.subscriber_id) == (
        "address_change",
        "Ann@neu.example",
        person(db, ann).id,
    )
    assert person(db, ann).address == "ann@example.org"
    result = confirm(db, owed.data["request"], now=now)
    assert (result.outcome, result.public_id, result.withdrawn_id) == (Outcome.CHANGED, ann, None)
    assert [(mail.kind, mail.address) for mail in result.owed] == [("address_changed", "ann@example.org")]
    after = person(db, ann)
    assert (after.address, after.address_key) == ("Ann@neu.example", "ann@neu.example")
    assert (after.token_version, after.last_release) == (1, 3)
    assert kinds(db) == ["confirmed", "address_changed"]
    assert rows(db, tables.CONSENT)[1]["person"]["address"] == "Ann@neu.example"
    assert confirm(db, owed.data["request"], now=now).outcome is Outcome.ALREADY
    assert len(kinds(db)) == 2


def test_moving_onto_a_subscriber_unites_the_two_and_repeats_nothing(db: Database, now: datetime) -> None:
    topics(db, "ki", "ukraine", "sport", now=now)
    ann = joined(db, wish("ann", "ki", "sport", own=(OwnTopic(query="OWN"),)), now=now, release_no=3)
    ben = joined(db, wish("ben", "ukraine", "sport"), now=now, release_no=5)
    with db.write() as session:
        mutes.mute(session, ann, MuteWish(kind=MuteKind.WORD, value="W"), now=now)
    result = moved(db, ann, "ben@example.org", now=now)
    assert (result.outcome, result.public_id, result.withdrawn_id) == (
        Outcome.CHANGED,
        ben,
        person(db, ann).id,
    )
    assert person(db, ann).state is SubscriberState.UNSUBSCRIBED
    assert person(db, ben).last_release == 5
    slugs = {row["id"]: row["slug"] for row in rows(db, tables.TOPIC)}
    of_ben = [row for row in rows(db, tables.SUBSCRIPTION) if row["subscriber_id"] == person(db, ben).id]
    since = {slugs[row["topic_id"]].split("-")[0]: row["since_release"] for row in of_ben}
    assert since == {"ukraine": 5, "sport": 5, "ki": 5, "own": 5}
    assert {(row["subscriber_id"], row["value"]) for row in rows(db, tables.MUTE)} == {(1, "W"), (2, "W")}
    assert kinds(db) == ["confirmed", "confirmed", "merged", "merged"]
    assert {row["subject"] for row in rows(db, tables.CONSENT)[2:]} == {ann, ben}


def test_moving_onto_somebody_who_left_makes_them_the_one(db: Database, now: datetime) -> None:
    topics(db, "ki", "ukraine", now=now)
    ann = joined(db, wish("ann", "ki", local_time="20:00"), now=now, release_no=3)
    ben = joined(db, wish("ben", "ukraine"), now=now, release_no=5)
    with db.write() as session:
        unsubscribe(session, ben, now=now, source=Source.PAGE)
    assert moved(db, ann, "ben@example.org", now=now).public_id == ben
    after = person(db, ben)
    assert (after.state, after.local_time, after.last_release) == (SubscriberState.ACTIVE, "20:00", 3)
    assert followed(db, ben) == {"ki"}


def test_no_mail_goes_to_an_address_that_may_have_none(db: Database, now: datetime) -> None:
    ann, ben = (joined(db, wish(name), now=now) for name in ("ann", "ben"))
    with db.write() as session:
        unsubscribe(session, ben, now=now, source=Source.PAGE)
        suppression.suppress(session, [CLEO.key], SuppressionReason.COMPLAINT, now=now, hasher=HASHER)
    before = dump(db)
    for public_id, address in (
        (ann, "cleo@example.org"),
        (ann, "ANN@example.org"),
        (ben, "new@example.org"),
        (uuid4(), "new@example.org"),
    ):
        assert ask_to_move(db, public_id, address, now=now) is None
    assert dump(db) == before


def test_the_newest_request_for_an_address_is_the_only_one_and_one_a_day(db: Database, now: datetime) -> None:
    ann, ben = (joined(db, wish(name), now=now) for name in ("ann", "ben"))
    first = ask_to_move(db, ann, "new@example.org", now=now)
    assert ask_to_move(db, ben, "new@example.org", now=now + HOUR) is None
    second = ask_to_move(db, ben, "new@example.org", now=now + DAY)
    assert first is not None
    assert second is not None
    assert confirm(db, first.data["request"], now=now + DAY).outcome is Outcome.GONE
    assert confirm(db, second.data["request"], now=now + DAY).public_id == ben
    assert person(db, ann).address == "ann@example.org"


def test_somebody_who_left_meanwhile_does_not_move(db: Database, now: datetime) -> None:
    ann = joined(db, wish("ann"), now=now)
    owed = ask_to_move(db, ann, "new@example.org", now=now)
    assert owed is not None
    with db.write() as session:
        unsubscribe(session, ann, now=now, source=Source.PAGE)
    before = dump(db)
    assert confirm(db, owed.data["request"], now=now).outcome is Outcome.GONE
    assert dump(db) == before


def test_a_sign_up_and_a_move_to_one_address_wait_side_by_side(db: Database, now: datetime) -> None:
    ann = joined(db, wish("ann"), now=now)
    move = ask_to_move(db, ann, "new@example.org", now=now)
    asked = sign_up(db, wish("new@example.org"), now=now)
    assert move is not None
    assert asked is not None
    assert confirm(db, asked.data["request"], now=now).outcome is Outcome.CONFIRMED
    assert confirm(db, move.data["request"], now=now).outcome is Outcome.CHANGED
    assert len([row for row in rows(db, tables.SUBSCRIBER) if row["state"] == "active"]) == 1
