"""One Save that changes only what its form showed."""

from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from digest.db import Database
from subscribers import mutes, preferences, tables
from subscribers.choices import OwnTopic
from subscribers.errors import RefusedError
from subscribers.models import Cadence, MailFormat, MailLength, MuteKind, SubscriberState
from subscribers.mutes import MuteWish
from subscribers.preferences import Changes, Preferences, Saved, Settings
from subscribers.unsubscribe import Source, unsubscribe
from tests.integration.subscribers.support import (
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

DAY = timedelta(days=1)


def load(db: Database, public_id: UUID, *, now: datetime, add: UUID | None = None) -> Preferences:
    with db.read() as session:
        found = preferences.load(session, public_id, now=now, add=add)
    assert found is not None
    return found


def save(db: Database, public_id: UUID, *, now: datetime, release_no: int = 9, **values) -> Saved:
    with db.write() as session:
        return preferences.save(session, public_id, Changes(**values), now=now, release_no=release_no)


@pytest.fixture
def ann(db: Database, now: datetime) -> UUID:
    topics(db, "ki", "ukraine", "sport", now=now)
    return joined(
        db, wish("ann", "ki", "ukraine", own=(OwnTopic(query="OWN", typed="own"),)), now=now, release_no=3
    )


def own_slug(db: Database) -> str:
    return next(row["slug"] for row in rows(db, tables.TOPIC) if row["query"] == "OWN")


def test_the_page_shows_what_is_chosen_first_and_offers_the_rest(
    db: Database, now: datetime, ann: UUID
) -> None:
    shown = load(db, ann, now=now)
    assert [(one.slug, one.is_chosen) for one in shown.topics] == [
        ("ki", True),
        ("ukraine", True),
        (own_slug(db), True),
        ("sport", False),
    ]
    assert (shown.masked_address, shown.state) == ("a•••@example.org", SubscriberState.ACTIVE)
    with db.read() as session:
        assert preferences.load(session, uuid4(), now=now) is None


def test_only_what_the_form_showed_changes(db: Database, now: datetime, ann: UUID) -> None:
    topics(db, "news", now=now)
    save(db, ann, now=now, shown=frozenset({"news"}), chosen=frozenset({"news"}))
    topics(db, "hidden", now=now)
    chosen = frozenset({"sport", "ukraine", "hidden"})
    saved = save(db, ann, now=now, shown=frozenset({"ki", "sport"}), chosen=chosen)
    assert saved == Saved(are_topics_changed=True, has_topics=True)
    assert followed(db, ann) == {"ukraine", "sport", "news", own_slug(db)}
    since = {row["topic_id"]: row["since_release"] for row in rows(db, tables.SUBSCRIPTION)}
    assert sorted(since.values()) == [3, 3, 9, 9]
    assert kinds(db) == ["confirmed", "topics_changed", "topics_changed"]
    assert rows(db, tables.CONSENT)[2]["topics"] == ["news", "sport", "ukraine"]


def test_a_save_that_changes_no_topic_writes_no_event(db: Database, now: datetime, ann: UUID) -> None:
    settings = Settings(
        cadence=Cadence.WEEKLY,
        weekday=2,
        local_time="20:30",
        timezone="Asia/Tokyo",
        locale="en",
        format=MailFormat.TEXT,
        length=MailLength.LONG,
    )
    both = frozenset({"ki", "ukraine"})
    for _ in range(2):
        assert not save(db, ann, now=now, shown=both, chosen=both, settings=settings).are_topics_changed
    assert load(db, ann, now=now).settings == settings
    assert person(db, ann).last_release == 3
    assert kinds(db) == ["confirmed"]


def test_an_own_topic_goes_with_its_tick_and_new_ones_come(db: Database, now: datetime, ann: UUID) -> None:
    slug = own_slug(db)
    save(db, ann, now=now, shown=frozenset({slug}), new=(OwnTopic(query="NEW", typed="new"),))
    assert [row["query"] for row in rows(db, tables.TOPIC) if row["kind"] == "personal"] == ["NEW"]


def test_an_eleventh_own_topic_is_refused_and_nothing_is_saved(
    db: Database, now: datetime, ann: UUID
) -> None:
    before = dump(db)
    with pytest.raises(RefusedError, match="too_many"):
        save(db, ann, now=now, new=tuple(OwnTopic(query=f"Q{n}") for n in range(10)))
    assert dump(db) == before


def test_no_topic_left_is_said_but_no_error(db: Database, now: datetime, ann: UUID) -> None:
    every = frozenset({"ki", "ukraine", own_slug(db)})
    assert save(db, ann, now=now, shown=every) == Saved(are_topics_changed=True, has_topics=False)


def test_what_a_mail_already_brings_stands_ticked_but_is_not_saved(
    db: Database, now: datetime, ann: UUID
) -> None:
    owed = sign_up(
        db, wish("ann", "sport", own=(OwnTopic(query="MORE"), OwnTopic(query="OWN"))), now=now + 2 * DAY
    )
    assert owed is not None
    shown = load(db, ann, now=now + 2 * DAY, add=UUID(owed.data["request"]))
    assert [one.slug for one in shown.topics if one.is_asked] == ["sport"]
    assert [one.query for one in shown.asked_queries] == ["MORE"]
    assert "sport" not in followed(db, ann)


def test_another_persons_request_adds_nothing(db: Database, now: datetime, ann: UUID) -> None:
    owed = sign_up(db, wish("ben", "sport", own=(OwnTopic(query="EVIL"),)), now=now)
    assert owed is not None
    shown = load(db, ann, now=now, add=UUID(owed.data["request"]))
    assert not [one for one in shown.topics if one.is_asked]
    assert shown.asked_queries == ()
    assert load(db, ann, now=now, add=uuid4()) == load(db, ann, now=now)


def test_somebody_who_left_cannot_save(db: Database, now: datetime, ann: UUID) -> None:
    with db.write() as session:
        unsubscribe(session, ann, now=now, source=Source.PAGE)
    for one, code in ((ann, "unsubscribed"), (uuid4(), "gone")):
        with pytest.raises(RefusedError, match=code):
            save(db, one, now=now, shown=frozenset({"ki"}))


def test_an_expired_similar_topic_can_be_followed_again(db: Database, now: datetime, ann: UUID) -> None:
    save(db, ann, now=now, new=(OwnTopic(query="S", article=4),))
    slug = next(row["slug"] for row in rows(db, tables.TOPIC) if row["kind"] == "similar")
    with db.write() as session:
        session.execute(tables.TOPIC.update().where(tables.TOPIC.c.slug == slug).values(state="expired"))
    with db.write() as session:
        assert preferences.follow_again(session, ann, slug, now=now)
        assert not preferences.follow_again(session, ann, slug, now=now)
        assert not preferences.follow_again(session, ann, "no-such", now=now)
        assert not preferences.follow_again(session, uuid4(), slug, now=now)


def test_muted_words_are_exactly_those_saved(db: Database, now: datetime, ann: UUID) -> None:
    with db.write() as session:
        mutes.mute(session, ann, MuteWish(kind=MuteKind.SOURCE, value="Beispiel"), now=now)
    save(db, ann, now=now, words=("A", "B", "A"))
    save(db, ann, now=now, words=("B", "C"))
    save(db, ann, now=now)
    found = {(one.kind, one.value) for one in load(db, ann, now=now).mutes}
    assert found == {(MuteKind.WORD, "B"), (MuteKind.WORD, "C"), (MuteKind.SOURCE, "Beispiel")}


def test_a_mute_holds_through_its_day_on_the_readers_calendar(db: Database, now: datetime, ann: UUID) -> None:
    with db.write() as session:
        for days, value in ((-1, "yesterday"), (0, "today")):
            wished = MuteWish(kind=MuteKind.STORY, value=value, until=date(2026, 11, 22) + days * DAY)
            assert mutes.mute(session, ann, wished, now=now)
    assert [one.value for one in load(db, ann, now=now).mutes] == ["today"]
    assert [one.value for one in load(db, ann, now=now.replace(hour=22, minute=59)).mutes] == ["today"]
    assert not load(db, ann, now=now.replace(hour=23)).mutes


def test_the_newest_wish_about_one_thing_counts_and_can_be_taken_back(
    db: Database, now: datetime, ann: UUID
) -> None:
    source = {"kind": MuteKind.SOURCE, "value": "Beispiel"}
    with db.write() as session:
        mutes.mute(session, ann, MuteWish(**source, until=date(2026, 12, 1)), now=now)
        mutes.mute(session, ann, MuteWish(**source), now=now)
        assert [one.until for one in mutes.active(session, [1], now=now)[1]] == [None]
        assert mutes.unmute(session, ann, **source)
        assert not mutes.unmute(session, ann, **source)
        assert mutes.active(session, [1], now=now) == {}


def test_nobody_fills_the_table_with_mutes(db: Database, now: datetime, ann: UUID) -> None:
    with db.write() as session:
        less = {"subscriber_id": 1, "kind": MuteKind.LESS, "created_at": now}
        session.execute(tables.MUTE.insert(), [less | {"value": str(n)} for n in range(mutes.MAX_MUTES)])
        with pytest.raises(RefusedError, match="too_many"):
            mutes.mute(session, ann, MuteWish(kind=MuteKind.LESS, value="one more"), now=now)


def test_a_topic_can_be_muted_for_a_while_or_dropped_from_the_mail(
    db: Database, now: datetime, ann: UUID
) -> None:
    with db.write() as session:
        assert mutes.mute_topic(session, ann, "ki", until=date(2026, 12, 1))
        assert not mutes.mute_topic(session, ann, "sport", until=date(2026, 12, 1))
    assert load(db, ann, now=now).topics[0].muted_until == date(2026, 12, 1)
    with db.write() as session:
        assert mutes.mute_topic(session, ann, "ki", until=None)
        assert mutes.drop_topic(session, ann, "ki", now=now)
        assert not mutes.drop_topic(session, ann, "ki", now=now)
    assert "ki" not in followed(db, ann)
    assert kinds(db) == ["confirmed", "topics_changed"]


def test_nobody_mutes_for_somebody_who_left(db: Database, now: datetime, ann: UUID) -> None:
    with db.write() as session:
        unsubscribe(session, ann, now=now, source=Source.PAGE)
    before = dump(db)
    with db.write() as session:
        for one in (ann, uuid4()):
            assert not mutes.mute(session, one, MuteWish(kind=MuteKind.STORY, value="1"), now=now)
            assert not mutes.unmute(session, one, MuteKind.STORY, "1")
            assert not mutes.mute_topic(session, one, "ki", until=None)
            assert not mutes.drop_topic(session, one, "ki", now=now)
    assert dump(db) == before
