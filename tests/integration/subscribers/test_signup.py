"""A form that anybody can fill in: wishes are noted, mails are rare, and nobody becomes a subscriber by it."""

from datetime import datetime, timedelta

from digest.db import Database
from subscribers import signup, suppression, tables
from subscribers.choices import OwnTopic
from subscribers.models import SuppressionReason
from tests.integration.subscribers.support import (
    HASHER,
    count,
    joined,
    rows,
    sign_up,
    topics,
    wish,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_a_new_address_gets_a_confirmation_and_no_row_that_could_be_mailed(
    db: Database, now: datetime
) -> None:
    topics(db, "ki", "ukraine", now=now)
    owed = sign_up(db, wish("ann", "ki", "ukraine", "no-such"), now=now)
    assert owed is not None
    assert (owed.kind, owed.address, owed.subscriber_id) == ("confirmation", "ann@example.org", None)
    assert owed.expires_at == now + DAY
    request = rows(db, tables.REQUEST)[0]
    assert owed.data == {
        "request": str(request["public_id"]),
        "topics": ["Ki", "Ukraine"],
        "own_topics": 0,
        "cadence": "daily",
        "weekday": None,
        "time": "07:00",
        "timezone": "Europe/Berlin",
        "requested_at": now.isoformat(),
        "expires_at": (now + 7 * DAY).isoformat(),
        "article": None,
    }
    assert not rows(db, tables.SUBSCRIBER)
    assert not rows(db, tables.CONSENT)


def test_the_mail_carries_no_word_that_a_stranger_typed(db: Database, now: datetime) -> None:
    own = OwnTopic(query="EVIL", typed="visit evil.example", name="visit evil.example")
    owed = sign_up(db, wish("ann", own=(own,)), now=now)
    assert owed is not None
    assert owed.data["own_topics"] == 1
    assert "evil" not in str(owed).lower()


def test_signing_up_again_unites_the_topics_and_sends_no_second_mail(db: Database, now: datetime) -> None:
    first = sign_up(db, wish("ann", "ki", own=(OwnTopic(query="A"),)), now=now)
    again = wish("ANN@Example.org", "ukraine", own=(OwnTopic(query="B"),), local_time="18:00")
    assert sign_up(db, again, now=now + HOUR) is None
    row, *others = rows(db, tables.REQUEST)
    assert not others
    assert first is not None
    assert str(row["public_id"]) == first.data["request"]
    assert row["choices"]["topics"] == ["ki", "ukraine"]
    assert [one["query"] for one in row["choices"]["own"]] == ["A", "B"]
    assert row["choices"]["local_time"] == "18:00"
    assert row["expires_at"] == now + HOUR + 7 * DAY


def test_one_batch_with_the_same_address_twice_is_one_request_and_one_mail(
    db: Database, now: datetime
) -> None:
    topics(db, "ki", "ukraine", now=now)
    batch = [wish("ann", "ki"), wish("ben", "ki"), wish("Ann", "ukraine")]
    with db.write() as session:
        owed = signup.sign_up(session, batch, now=now, hasher=HASHER)
    assert [one and one.address for one in owed] == ["Ann@example.org", "ben@example.org", None]
    assert owed[0] is not None
    assert owed[0].data["topics"] == ["Ki", "Ukraine"]
    assert len(rows(db, tables.REQUEST)) == 2


def test_an_empty_batch_is_no_error(db: Database, now: datetime) -> None:
    with db.write() as session:
        assert signup.sign_up(session, [], now=now, hasher=HASHER) == []


def test_a_subscriber_is_told_so_at_the_stored_address_in_their_language(db: Database, now: datetime) -> None:
    topics(db, "ki", "ukraine", now=now)
    joined(db, wish("Ann@example.org", "ki", locale="en"), now=now - 2 * DAY)
    owed = sign_up(db, wish("aNN@example.org", "ukraine"), now=now)
    assert owed is not None
    assert (owed.kind, owed.address, owed.locale) == ("already", "Ann@example.org", "en")
    assert owed.subscriber_id is not None
    assert owed.data == {"request": owed.data["request"], "topics": ["Ukraine"], "own_topics": 0}


def test_a_thousand_sign_ups_of_one_address_send_one_mail_a_day_and_three_a_month(
    db: Database, now: datetime
) -> None:
    sent = []
    for hour in range(0, 24 * 30, 8):
        with db.write() as session:
            batch = signup.sign_up(session, [wish("ann")] * 12, now=now + hour * HOUR, hasher=HASHER)
        sent += [hour for owed in batch if owed]
    assert sent == [0, 24, 48]
    assert sign_up(db, wish("ann"), now=now + 30 * DAY) is not None


def test_the_limit_counts_already_and_confirmation_together(db: Database, now: datetime) -> None:
    joined(db, wish("ann"), now=now)
    assert sign_up(db, wish("ann"), now=now + 23 * HOUR) is None
    owed = sign_up(db, wish("ann"), now=now + 24 * HOUR)
    assert owed is not None
    assert owed.kind == "already"


ASKED_AGAIN = [
    (SuppressionReason.HARD_BOUNCE, 29 * DAY, False),
    (SuppressionReason.HARD_BOUNCE, 30 * DAY, True),
    (SuppressionReason.COMPLAINT, 400 * DAY, False),
    (SuppressionReason.MANUAL, 400 * DAY, False),
    (SuppressionReason.ERASED, HOUR, True),
    (SuppressionReason.UNSUBSCRIBED, HOUR, True),
]


def test_a_suppressed_address_is_asked_only_where_its_owner_may_lift_it(db: Database, now: datetime) -> None:
    wishes = [wish(f"r{number}") for number in range(len(ASKED_AGAIN))]
    with db.write() as session:
        for one, (reason, age, _) in zip(wishes, ASKED_AGAIN, strict=True):
            suppression.suppress(session, [one.address.key], reason, now=now - age, hasher=HASHER)
        owed = signup.sign_up(session, wishes, now=now, hasher=HASHER)
    assert [mail is not None for mail in owed] == [is_asked for _, _, is_asked in ASKED_AGAIN]
    assert len(rows(db, tables.REQUEST)) == len(ASKED_AGAIN)


def test_a_wish_that_is_used_up_or_too_old_is_replaced_with_its_link(db: Database, now: datetime) -> None:
    sign_up(db, wish("ann", "ki"), now=now)
    first = rows(db, tables.REQUEST)[0]
    sign_up(db, wish("ann", "ukraine"), now=now + 7 * DAY)
    second = rows(db, tables.REQUEST)[0]
    assert second["public_id"] != first["public_id"]
    assert second["choices"]["topics"] == ["ukraine"]


def test_a_batch_takes_the_same_few_statements_whatever_its_size(db: Database, now: datetime) -> None:
    from sqlalchemy import event

    topics(db, "ki", now=now)
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    sizes = {}
    for size in (1, 200):
        statements.clear()
        with db.write() as session:
            signup.sign_up(session, [wish(f"r{size}-{n}") for n in range(size)], now=now, hasher=HASHER)
            assert count(session, tables.ALLOWANCE) >= size
        sizes[size] = len([one for one in statements if "count(" not in one])
    assert sizes[200] == sizes[1] <= 1 + 6, "BEGIN and six"
