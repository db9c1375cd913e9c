"""The matching stage on real databases: what is written, once, whatever happens."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from digest.db import Database
from digest.feeds.models import Article, ArticleState
from digest.matching.match import Registry, match_new
from digest.matching.models import Match, MatchStage
from digest.matching.text import ANALYZER_VERSION
from subscribers.models import Topic, TopicKind, TopicState
from tests.support.factories import make_article, make_feed, make_subscriber, make_topic, subscribe


@dataclass
class House:
    """Two topics, one feed and three articles."""

    ki: int
    nato: int
    articles: list[int]


def furnish(db: Database, now: datetime) -> House:
    with db.write() as session:
        feed = make_feed(session, now=now)
        ki = make_topic(session, "ki", now=now)
        nato = make_topic(session, "nato", query='Nato "Mark Rutte"', now=now)
        titles = ("KI-Chips werden knapp", "Mark Rutte spricht für die Nato", "Wetter am Montag")
        articles = [make_article(session, feed, title, now=now) for title in titles]
        return House(ki.id, nato.id, [article.id for article in articles])


def rows(db: Database) -> set[tuple[int, int, str, str, float]]:
    with db.read() as session:
        found = session.exec(select(Match)).all()
    return {(row.article_id, row.topic_id, row.field, row.term, row.score) for row in found}


def article(session: Session, article_id: int) -> Article:
    return session.exec(select(Article).where(col(Article.id) == article_id)).one()


def test_an_article_gets_one_row_for_each_topic_with_its_reason(db: Database, now: datetime) -> None:
    house = furnish(db, now)

    counts = match_new(db, Registry(), now=now)

    assert (counts.articles, counts.matches) == (3, 2)
    assert rows(db) == {
        (house.articles[0], house.ki, "title", "KI", 3.0),
        (house.articles[1], house.nato, "title", "Mark Rutte, Nato", 6.0),
    }
    with db.read() as session:
        assert all(article(session, one).matched_at == now for one in house.articles)
        topic = session.exec(select(Topic).where(col(Topic.id) == house.ki)).one()
        assert topic.last_match_at == now


def test_matching_again_finds_nothing_to_do(db: Database, now: datetime) -> None:
    furnish(db, now)
    registry = Registry()
    match_new(db, registry, now=now)
    before = rows(db)

    assert match_new(db, registry, now=now + timedelta(hours=1)).articles == 0
    assert rows(db) == before


def test_an_article_that_changed_before_its_release_gets_new_rows_instead_of_the_old(
    db: Database, now: datetime
) -> None:
    house = furnish(db, now)
    registry = Registry()
    match_new(db, registry, now=now)
    with db.write() as session:
        changed = article(session, house.articles[0])
        changed.title, changed.summary = "Nato und Mark Rutte", ""
        changed.changed_at, changed.matched_at = now, None
        session.add(changed)

    match_new(db, registry, now=now)

    assert {row[1] for row in rows(db) if row[0] == house.articles[0]} == {house.nato}


def test_small_batches_write_what_one_large_batch_writes(db: Database, now: datetime) -> None:
    house = furnish(db, now)
    counts = match_new(db, Registry(), now=now, batch_size=1)
    assert (counts.articles, counts.matches) == (3, 2)
    assert {row[:2] for row in rows(db)} == {(house.articles[0], house.ki), (house.articles[1], house.nato)}


def test_a_topic_nobody_follows_is_not_matched_unless_it_is_the_publishers(
    db: Database, now: datetime
) -> None:
    house = furnish(db, now)
    with db.write() as session:
        ann = make_subscriber(session, "ann", now=now)
        own = make_topic(session, "wetter", now=now, kind=TopicKind.PERSONAL, owner_id=ann.id)
        left = make_topic(session, "montag", now=now, kind=TopicKind.PERSONAL, owner_id=ann.id)
        subscribe(session, ann, own, now=now)
    match_new(db, Registry(), now=now)
    assert {row[1] for row in rows(db)} == {house.ki, house.nato, own.id}
    assert left.id not in {row[1] for row in rows(db)}


def test_topics_added_changed_and_left_count_from_the_next_batch_on(db: Database, now: datetime) -> None:
    house = furnish(db, now)
    registry = Registry()
    match_new(db, registry, now=now)
    with db.write() as session:
        make_topic(session, "wetter", now=now)
        nato = session.exec(select(Topic).where(col(Topic.id) == house.nato)).one()
        nato.query, nato.changed_at = "Montag", now
        session.add(nato)
        session.delete(session.exec(select(Topic).where(col(Topic.id) == house.ki)).one())
        feed = make_feed(session, "https://feed.example.org/zwei", now=now)
        late = make_article(session, feed, "KI und Wetter am Montag mit Mark Rutte, Nato", now=now).id

    match_new(db, registry, now=now)

    with db.read() as session:
        slugs = dict(session.exec(select(Topic.id, Topic.slug)).all())
    assert {slugs[row[1]] for row in rows(db) if row[0] == late} == {"nato", "wetter"}
    assert {row[0] for row in rows(db) if row[1] == house.nato} == {house.articles[1], late}


def test_a_query_that_cannot_be_read_switches_only_its_own_topic_off(db: Database, now: datetime) -> None:
    house = furnish(db, now)
    with db.write() as session:
        broken = make_topic(session, "kaputt", query="-Sport", now=now).id

    match_new(db, Registry(), now=now)

    assert {row[1] for row in rows(db)} == {house.ki, house.nato}
    with db.read() as session:
        topic = session.exec(select(Topic).where(col(Topic.id) == broken)).one()
        assert (topic.state, topic.state_reason) == (
            TopicState.BROKEN,
            "Only exclusions: please also write what must occur.",
        )


def test_a_feeds_rules_sort_articles_out_before_any_topic_is_asked(db: Database, now: datetime) -> None:
    with db.write() as session:
        feed = make_feed(session, now=now, block_query="Gewinnspiel", keep_query="KI, Nato")
        make_topic(session, "ki", now=now)
        titles = ("KI im Alltag", "KI-Gewinnspiel der Woche", "Wetter am Montag")
        kept, blocked, other = [make_article(session, feed, title, now=now).id for title in titles]

    counts = match_new(db, Registry(), now=now)

    assert (counts.articles, counts.filtered) == (1, 2)
    assert {row[0] for row in rows(db)} == {kept}
    with db.read() as session:
        assert article(session, blocked).state is ArticleState.FILTERED
        assert article(session, blocked).state_reason == "blocked by the feed's rule: Gewinnspiel"
        assert article(session, other).state_reason == "not kept by the feed's rule: KI, Nato"


def test_withdrawn_articles_stay_unmatched_and_held_ones_do_not(db: Database, now: datetime) -> None:
    with db.write() as session:
        feed = make_feed(session, now=now)
        make_topic(session, "ki", now=now)
        held = make_article(session, feed, "KI eins", now=now, state=ArticleState.HELD).id
        make_article(session, feed, "KI zwei", now=now, state=ArticleState.WITHDRAWN)
    match_new(db, Registry(), now=now)
    assert {row[0] for row in rows(db)} == {held}


def test_what_a_feed_repeats_around_its_articles_matches_nothing(db: Database, now: datetime) -> None:
    box = "<ul><li>Die besten KI-News kostenlos</li><li>Mehr zu „{title}“ und KI</li></ul><p>KI-Jobs</p>"
    with db.write() as session:
        feed = make_feed(session, now=now)
        make_topic(session, "ki", now=now)
        for title in ("Streik bei der Bahn", "Regen im Norden", "Chips werden knapp"):
            make_article(
                session,
                feed,
                title,
                now=now,
                content_html=f"<p>Text zu {title}.</p>" + box.format(title=title),
            )
        real = make_article(session, feed, "KI hilft Ärzten", now=now, content_html="<p>Neues.</p>" + box).id
    match_new(db, Registry(), now=now)
    assert {row[0] for row in rows(db)} == {real}


def test_stories_are_told_once_and_never_changed(db: Database, now: datetime) -> None:
    house = furnish(db, now)

    class Counting:
        def __init__(self) -> None:
            self.asked: list[int] = []

        def assign(self, article: object, at: datetime) -> int:
            self.asked.append(article.id)  # type: ignore[attr-defined]
            return 7_000 + len(self.asked)

    stories = Counting()
    match_new(db, Registry(), now=now, stories=stories)
    assert stories.asked == house.articles
    with db.write() as session:
        changed = article(session, house.articles[0])
        changed.matched_at, changed.changed_at = None, now
        session.add(changed)
    match_new(db, Registry(), now=now, stories=stories)
    with db.read() as session:
        assert [article(session, one).story_id for one in house.articles] == [7_001, 7_002, 7_003]


def test_another_analyzer_is_remembered_and_old_matches_stay(db: Database, now: datetime) -> None:
    furnish(db, now)
    match_new(db, Registry(), now=now)
    before = rows(db)
    with db.write() as session:
        session.execute(update(MatchStage).values(analyzer_version="0+old"))
        make_article(session, make_feed(session, "https://feed.example.org/2", now=now), "Mehr KI", now=now)
    match_new(db, Registry(), now=now)
    with db.read() as session:
        assert session.exec(select(MatchStage.analyzer_version)).one() == ANALYZER_VERSION
    assert before < rows(db)
