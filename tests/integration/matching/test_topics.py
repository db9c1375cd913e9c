"""The publisher's topics: added, previewed, watched, improved and removed."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from digest.db import Database
from digest.feeds.models import Article
from digest.matching.condition import conditions
from digest.matching.errors import TopicError
from digest.matching.health import Health
from digest.matching.match import Registry, match_new
from digest.matching.models import Match
from digest.matching.preview import preview
from digest.matching.proposals import Change
from digest.matching.query import QueryError, parse_query
from digest.matching.topics import add_topic, change_topic, list_topics, remove_topic, show_topic
from subscribers.models import TopicState
from tests.support.factories import make_article, make_feed, make_subscriber, make_topic, subscribe


def test_a_topic_is_stored_in_canonical_form_and_as_typed(db: Database, now: datetime) -> None:
    with db.write() as session:
        topic = add_topic(
            session, slug="ki", name="KI", query="KI, künstliche Intelligenz", language="de-AT", now=now
        )
    assert topic.query == "(Intelligenz künstliche OR KI) lang:de"
    assert (topic.typed, topic.language) == ("KI, künstliche Intelligenz", "de")


@pytest.mark.parametrize("slug", ["", "KI", "k--i", "ki-", "künstlich", "k i", "a" * 121])
def test_a_slug_that_cannot_stand_in_an_address_is_refused(db: Database, now: datetime, slug: str) -> None:
    with db.write() as session, pytest.raises(TopicError, match="is no slug"):
        add_topic(session, slug=slug, name="KI", query="KI", now=now)


def test_a_slug_is_taken_once_and_an_unknown_one_is_said_to_be_unknown(db: Database, now: datetime) -> None:
    with db.write() as session:
        add_topic(session, slug="ki", name="KI", query="KI", now=now)
        with pytest.raises(TopicError, match="There is a topic ki already"):
            add_topic(session, slug="ki", name="KI", query="KI", now=now)
        with pytest.raises(TopicError, match="There is no topic nato"):
            remove_topic(session, "nato")
        with pytest.raises(QueryError, match="Only exclusions"):
            change_topic(session, "ki", query="-Sport", now=now)


def test_a_changed_query_brings_a_broken_topic_back(db: Database, now: datetime) -> None:
    with db.write() as session:
        make_topic(session, "ki", query="(", now=now)
    match_new(db, Registry(), now=now)
    furnish_one(db, now)
    match_new(db, Registry(), now=now)
    with db.write() as session:
        assert show_topic(session, "ki", now=now).state is TopicState.BROKEN
        change_topic(session, "ki", query="KI", now=now)
    with db.read() as session:
        assert show_topic(session, "ki", now=now).state is TopicState.ACTIVE


def furnish_one(db: Database, now: datetime) -> None:
    with db.write() as session:
        make_article(session, make_feed(session, now=now), "KI im Alltag", now=now)


def test_removing_a_topic_takes_its_subscriptions_along(db: Database, now: datetime) -> None:
    with db.write() as session:
        topic = make_topic(session, "ki", now=now)
        for name in ("ann", "ben"):
            subscribe(session, make_subscriber(session, name, now=now), topic, now=now)
    with db.write() as session:
        assert remove_topic(session, "ki") == 2
        assert list_topics(session, now=now) == []


def test_a_preview_shows_what_the_topic_would_have_had(db: Database, now: datetime) -> None:
    words = ("KI-Chips", "Wetter am Montag", "Bundestagswahl in Sicht", "Streik der Bahn", "Neues von der KI")
    with db.write() as session:
        feed = make_feed(session, now=now)
        for number in range(60):
            moment = now - timedelta(hours=number)
            make_article(
                session, feed, f"{words[number % 5]} {number}", now=now, effective_at=moment, number=number
            )
    queries = (
        "KI",
        "Wetter Montag",
        "*wahl*",
        '"Streik der"',
        "KI OR Bahn -Streik",
        "source:Beispielfeed",
        "2 OF (KI, Neues, Bahn)",
    )
    for query in queries:
        with db.write() as session:
            topic = make_topic(session, f"t{abs(hash(query))}", query=str(parse_query(query)), now=now)
            session.execute(update(Article).values(matched_at=None))
        match_new(db, Registry(), now=now)
        with db.read() as session:
            seen = preview(session, parse_query(query), now=now, limit=100)
            stored = session.exec(select(Match.article_id).where(col(Match.topic_id) == topic.id)).all()
        assert [one.article_id for one in seen.newest] == sorted(stored)
        assert seen.hits == len(stored) > 0
        assert seen.per_week == pytest.approx(len(stored) / 2)


def test_a_preview_names_words_that_hold_the_word_inside(db: Database, now: datetime) -> None:
    with db.write() as session:
        feed = make_feed(session, now=now)
        for number, title in enumerate(("Wahl am Sonntag", "Bundestagswahl am Sonntag", "Wahlkampf beginnt")):
            make_article(session, feed, title, now=now, number=number)
    with db.read() as session:
        seen = preview(session, parse_query("Wahl"), now=now)
    assert seen.hits == 1
    (inside,) = seen.inside
    assert (inside.proposal, inside.articles, inside.examples) == (
        "*Wahl*",
        2,
        ("bundestagswahl", "wahlkampf"),
    )


def test_a_sample_is_renewed_after_ten_minutes(db: Database, now: datetime) -> None:
    furnish_one(db, now)
    with db.read() as session:
        assert preview(session, parse_query("KI"), now=now).hits == 1
    with db.write() as session:
        make_article(session, make_feed(session, "https://feed.example.org/2", now=now), "Mehr KI", now=now)
    with db.read() as session:
        assert preview(session, parse_query("KI"), now=now + timedelta(minutes=9)).hits == 1
        assert preview(session, parse_query("KI"), now=now + timedelta(minutes=11)).hits == 2


def test_a_silent_topic_gets_proposals_that_find_something(db: Database, now: datetime) -> None:
    with db.write() as session:
        feed = make_feed(session, now=now)
        for number in range(3):
            title = f"Verhandlungsstrategie der Nato {number}"
            deep = f"<p>{'Noch ein Wort dazu. ' * 15}Auch in Husum war es {number} Grad warm.</p>"
            make_article(session, feed, title, now=now, content_html=deep)
        for slug, query in (
            ("eins", "Nato Bahnhof"),
            ("zwei", '"Nato Verhandlungsstrategie"'),
            ("drei", "Verhandlung"),
            ("vier", "Husum"),
        ):
            topic = make_topic(session, slug, query=query, now=now)
            topic.created_at = now - timedelta(days=31)
    match_new(db, Registry(), now=now)
    with db.read() as session:
        listed = {one.slug: one for one in list_topics(session, now=now)}
    assert all(one.health is Health.SILENT for one in listed.values())
    offered = {
        slug: {(one.change, one.query) for one in listing.proposals} for slug, listing in listed.items()
    }
    assert (Change.RAREST_DROPPED, "Nato") in offered["eins"]
    assert (Change.PHRASE_AS_WORDS, "Nato Verhandlungsstrategie") in offered["zwei"]
    assert (Change.STAR_ADDED, "Verhandlung*") in offered["drei"]
    assert (Change.IN_ALL, "Husum in:all") in offered["vier"]


def test_a_noisy_topic_gets_proposals_that_find_less(db: Database, now: datetime) -> None:
    with db.write() as session:
        feed = make_feed(session, now=now)
        make_topic(session, "ki", now=now)
        for number in range(210):
            title = ("KI in der Medizin", "Forscher über Chips", "Wetter")[number % 3]
            summary = f"Es geht in {number} Sätzen um KI." if number % 3 == 1 else ""
            make_article(session, feed, f"{title} {number}", now=now, summary=summary, number=number)
    match_new(db, Registry(), now=now)
    with db.read() as session:
        (listed,) = list_topics(session, now=now)
    assert (listed.week, listed.health) == (140, Health.NOISY)
    assert {one.change: one.per_week for one in listed.proposals} == {
        Change.IN_TITLE: pytest.approx(35),
        Change.COMPANION_ADDED: pytest.approx(35),
    }
    assert listed.proposals[-1].query == "KI Medizin"


def test_a_young_topic_is_not_called_silent(db: Database, now: datetime) -> None:
    with db.write() as session:
        make_topic(session, "ki", now=now)
        (listed,) = list_topics(session, now=now)
    assert (listed.health, listed.month, listed.followers) == (Health.GOOD, 0, 0)


def test_a_readers_page_and_the_publishers_list_are_told_the_same_condition(
    db: Database, now: datetime
) -> None:
    with db.write() as session:
        feed = make_feed(session, now=now)
        make_article(session, feed, "Nato-Treffen", now=now)
        topic = make_topic(session, "alt", query="Nato Bahnhof", now=now)
        topic.created_at = now - timedelta(days=31)
        young = make_topic(session, "jung", query="Nato", now=now)
    match_new(db, Registry(), now=now)
    with db.read() as session:
        found = conditions(session, [topic.id, young.id, 4711], now=now)
        listed = {one.slug: one for one in list_topics(session, now=now)}
        assert show_topic(session, "alt", now=now) == listed["alt"]
    assert found.keys() == {topic.id, young.id}
    assert found[topic.id].proposals == listed["alt"].proposals
    assert found[topic.id].sentence("de") == "Kein Artikel in 30 Tagen."
    assert found[topic.id].proposals[0].sentence("de") == "Ohne das seltenste Wort: Nato (etwa 0 pro Woche)"
    assert found[young.id].sentence() == "Articles in 7 days: 1."
