"""The mailed link makes a subscriber, once, whoever presses how often and from where."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from digest.db import Database
from subscribers import confirmation, signup, suppression, tables, wording
from subscribers.choices import OwnTopic
from subscribers.confirmation import Outcome
from subscribers.evidence import MailEvidence
from subscribers.models import Cadence, SubscriberState, SuppressionReason
from subscribers.signup import Origin, SignUp
from subscribers.unsubscribe import Source, unsubscribe
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
    sign_up,
    topics,
    wish,
)
from tests.support.factories import make_subscriber

DAY = timedelta(days=1)


def test_confirming_makes_a_subscriber_with_all_that_was_asked_for(db: Database, now: datetime) -> None:
    topics(db, "ki", "ukraine", now=now)
    asked = wish(
        "Ann@Example.org",
        "ki",
        "ukraine",
        cadence=Cadence.WEEKLY,
        weekday=4,
        local_time="18:30",
        timezone="America/New_York",
        locale="en",
        own=(
            OwnTopic(query="A -B", typed="a -b"),
            OwnTopic(query="2 OF (X, Y)", name="Ein Artikel", article=17),
        ),
    )
    public_id = joined(db, asked, now=now, release_no=41)
    ann = person(db, public_id)
    assert (ann.address, ann.address_key) == ("Ann@example.org", "ann@example.org")
    assert (ann.state, ann.last_release, ann.confirmed_at) == (SubscriberState.ACTIVE, 41, now)
    assert (ann.cadence, ann.weekday, ann.local_time) == (Cadence.WEEKLY, 4, "18:30")
    assert (ann.timezone, ann.locale) == ("America/New_York", "en")
    own = {row["slug"]: row for row in rows(db, tables.TOPIC) if row["kind"] != "curated"}
    personal, similar = sorted(own)
    assert followed(db, public_id) == {"ki", "ukraine", personal, similar}
    assert own[personal]["owner_id"] == ann.id
    assert own[personal]["name"] == "a -b"
    assert (own[similar]["owner_id"], own[similar]["seed_article"], own[similar]["name"]) == (
        None,
        17,
        "Ein Artikel",
    )
    assert {row["since_release"] for row in rows(db, tables.SUBSCRIPTION)} == {41}


def test_consent_holds_time_form_words_and_networks(db: Database, now: datetime) -> None:
    topics(db, "ki", now=now)
    with db.write() as session:
        words = wording.ensure(session, language="de", text="Du bestellst …", now=now)
        origin = Origin(
            source="form-1", page="https://news.example.org/", network="192.0.2.0/24", wording_id=words
        )
        asked = SignUp(address=ANN, choices=wish("ann", own=(OwnTopic(query="A"),)).choices, origin=origin)
        owed = signup.sign_up(session, [asked], now=now, hasher=HASHER)[0]
    assert owed is not None
    mail = MailEvidence("<s.abc@example.org>", now + DAY, "250 2.0.0 queued")
    confirm(db, owed.data["request"], now=now + 2 * DAY, evidence=mail)
    event = rows(db, tables.CONSENT)[0]
    assert (event["kind"], event["source"], event["locale"], event["cadence"]) == (
        "confirmed",
        "form-1",
        "de",
        "daily",
    )
    assert (event["at"], event["requested_at"]) == (now + 2 * DAY, now)
    assert event["wording_id"] == words
    assert event["wording_sha256"] == wording.digest("Du bestellst …")
    assert event["topics"] == ["ki"]
    assert event["network"] == {"request": "192.0.2.0/24", "confirmation": "198.51.100.0/24"}
    assert event["person"] == {
        "address": "ann@example.org",
        "page": "https://news.example.org/",
        "queries": ["A"],
        "mail": {
            "message_id": "<s.abc@example.org>",
            "at": "2026-11-23T06:00:00.000000+00:00",
            "reply": "250 2.0.0 queued",
        },
    }


def test_a_form_that_names_no_wording_of_ours_is_recorded_as_external(db: Database, now: datetime) -> None:
    joined(db, wish("ann"), now=now)
    assert rows(db, tables.CONSENT)[0]["wording_sha256"] == "external"


def test_confirming_twice_changes_nothing_and_owes_no_second_mail(db: Database, now: datetime) -> None:
    owed = sign_up(db, wish("ann"), now=now)
    assert owed is not None
    first = confirm(db, owed.data["request"], now=now)
    before = dump(db)
    second = confirm(db, owed.data["request"], now=now + DAY)
    assert (first.outcome, second.outcome) == (Outcome.CONFIRMED, Outcome.ALREADY)
    assert second.public_id == first.public_id
    assert [mail.kind for mail in first.owed] == ["welcome"]
    assert second.owed == ()
    assert dump(db) == before


def test_the_welcome_mail_says_what_was_chosen_and_can_be_switched_off(db: Database, now: datetime) -> None:
    topics(db, "ki", now=now)
    for name, is_welcomed in (("ann", True), ("ben", False)):
        owed = sign_up(db, wish(name, "ki", own=(OwnTopic(query="A"),)), now=now)
        assert owed is not None
        result = confirm(db, owed.data["request"], now=now, is_welcomed=is_welcomed)
        assert len(result.owed) == is_welcomed
    assert confirm(db, uuid4(), now=now).outcome is Outcome.GONE


def test_looking_shows_what_will_start_and_writes_nothing(db: Database, now: datetime) -> None:
    topics(db, "ki", now=now)
    owed = sign_up(db, wish("ann", "ki", "no-such"), now=now)
    assert owed is not None
    before = dump(db)
    with db.read() as session:
        shown = confirmation.look(session, UUID(owed.data["request"]), now=now)
        assert confirmation.look(session, UUID(owed.data["request"]), now=now + 7 * DAY) is None
    assert shown is not None
    assert (shown.address, shown.topic_names, shown.is_confirmed) == ("ann@example.org", ("Ki",), False)
    assert dump(db) == before


def test_a_request_older_than_a_week_is_gone(db: Database, now: datetime) -> None:
    owed = sign_up(db, wish("ann"), now=now)
    assert owed is not None
    before = dump(db)
    for age in (7 * DAY, 30 * DAY):
        assert confirm(db, owed.data["request"], now=now + age).outcome is Outcome.GONE
    assert dump(db) == before


def test_saying_it_was_not_me_forgets_the_request_and_stops_mail_for_30_days(
    db: Database, now: datetime
) -> None:
    owed = sign_up(db, wish("ann"), now=now)
    assert owed is not None
    request = UUID(owed.data["request"])
    with db.write() as session:
        cancelled = confirmation.cancel(session, request, now=now, hasher=HASHER)
        again = confirmation.cancel(session, request, now=now, hasher=HASHER)
    assert (cancelled.outcome, cancelled.address) == (Outcome.CANCELLED, "ann@example.org")
    assert again.outcome is Outcome.GONE
    assert confirm(db, request, now=now).outcome is Outcome.GONE
    assert not rows(db, tables.REQUEST)
    assert sign_up(db, wish("ann"), now=now + 29 * DAY) is None
    assert sign_up(db, wish("ann"), now=now + 30 * DAY) is not None


def test_a_confirmed_request_cannot_be_cancelled(db: Database, now: datetime) -> None:
    owed = sign_up(db, wish("ann"), now=now)
    assert owed is not None
    confirm(db, owed.data["request"], now=now)
    with db.write() as session:
        result = confirmation.cancel(session, UUID(owed.data["request"]), now=now, hasher=HASHER)
    assert result.outcome is Outcome.ALREADY
    assert len(rows(db, tables.SUBSCRIBER)) == 1


def test_coming_back_starts_afresh_with_the_newest_release(db: Database, now: datetime) -> None:
    topics(db, "ki", "ukraine", now=now)
    public_id = joined(db, wish("ann", "ki", own=(OwnTopic(query="OLD"),)), now=now, release_no=3)
    with db.write() as session:
        unsubscribe(session, public_id, now=now, source=Source.PAGE)
    assert (
        joined(db, wish("ann", "ukraine", local_time="20:00"), now=now + 2 * DAY, release_no=9) == public_id
    )
    ann = person(db, public_id)
    assert (ann.state, ann.last_release, ann.local_time, ann.unsubscribed_at) == (
        SubscriberState.ACTIVE,
        9,
        "20:00",
        None,
    )
    assert followed(db, public_id) == {"ukraine"}
    assert not [row for row in rows(db, tables.TOPIC) if row["query"] == "OLD"]
    assert kinds(db) == ["confirmed", "unsubscribed", "confirmed"]


def test_confirming_by_somebody_who_is_here_adds_topics_and_keeps_the_window(
    db: Database, now: datetime
) -> None:
    topics(db, "ki", now=now)
    owed = sign_up(db, wish("ann", "ki", local_time="20:00"), now=now)
    assert owed is not None
    with db.write() as session:
        make_subscriber(session, "ann", now=now, last_release=2)
    result = confirm(db, owed.data["request"], now=now, release_no=9)
    assert result.public_id is not None
    ann = person(db, result.public_id)
    assert (ann.last_release, ann.local_time, result.owed) == (2, "07:00", ())
    assert rows(db, tables.SUBSCRIPTION)[0]["since_release"] == 9


def test_a_confirmation_lifts_what_the_person_may_lift_and_nothing_else(db: Database, now: datetime) -> None:
    final = {SuppressionReason.COMPLAINT, SuppressionReason.MANUAL}
    for reason in SuppressionReason:
        owed = sign_up(db, wish(reason.value), now=now)
        assert owed is not None
        with db.write() as session:
            suppression.suppress(session, [owed.address], reason, now=now, hasher=HASHER)
        result = confirm(db, owed.data["request"], now=now)
        assert result.outcome is (Outcome.GONE if reason in final else Outcome.CONFIRMED)
    assert {row["reason"] for row in rows(db, tables.SUPPRESSION)} == final
    assert len(rows(db, tables.SUBSCRIBER)) == len(SuppressionReason) - len(final)


def test_nobody_can_follow_a_strangers_own_topic_by_its_slug(db: Database, now: datetime) -> None:
    joined(db, wish("ann", own=(OwnTopic(query="SECRET"),)), now=now)
    slug = next(row["slug"] for row in rows(db, tables.TOPIC) if row["query"] == "SECRET")
    ben = joined(db, wish("ben", slug), now=now)
    assert followed(db, ben) == set()


def test_two_people_share_one_similar_topic_and_none_of_their_own(db: Database, now: datetime) -> None:
    for name in ("ann", "ben"):
        joined(db, wish(name, own=(OwnTopic(query="Q", article=5), OwnTopic(query="Q"))), now=now)
    assert sorted(row["kind"].value for row in rows(db, tables.TOPIC)) == ["personal", "personal", "similar"]
