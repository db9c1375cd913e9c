"""Similar news from end to end of this room: offered, made, matched, ended and followed again."""

from datetime import datetime, timedelta
from hashlib import sha256

import pytest
from sqlmodel import Session, col, select

from digest.db import Database
from digest.feeds.keys import ALL_FEEDS
from digest.feeds.models import Article, ArticleKey, ArticleState, Feed, KeyKind
from digest.feeds.urls import url_key
from digest.matching.expiry import expire_similar
from digest.matching.match import match_new
from digest.matching.models import Match
from digest.matching.offer import SimilarOffer, similar_offer, similar_topic
from digest.matching.query import QueryError
from digest.matching.recent import RecentTitles
from digest.matching.registry import Registry
from digest.matching.stored import COLUMNS, article_texts
from subscribers import following
from subscribers.choices import Choices, OwnTopic
from subscribers.models import Subscription, Topic, TopicKind, TopicState
from tests.support.factories import make_article, make_feed, make_subscriber, make_topic

URL = "https://news.example.org/artikel/7"
DAY = timedelta(days=1)
BODY = (
    "<p>Rutte sprach in Washington über den Ukraine-Konflikt. Die Nato wartet, die Gemeinschaft hofft, der Zoll "
    "schweigt. Donald Trump sprach. Donald Trump schwieg.</p>"
)


def known(session: Session, feed: Feed, title: str, *, now: datetime, **values: object) -> Article:
    """An article whose address is among ours."""
    article = make_article(session, feed, title, now=now, **values)
    digest = sha256(url_key(article.link).encode()).hexdigest()
    key = {"scope": ALL_FEEDS, "kind": KeyKind.URL, "sha256": digest, "article_id": article.id}
    session.add(ArticleKey(**key, created_at=now))
    return article


def furnish(db: Database, now: datetime, **values: object) -> int:
    with db.write() as session:
        feed = make_feed(session, now=now)
        title = "Nato-Generalsekretär Rutte in Washington zum Ukraine-Konflikt"
        return known(session, feed, title, now=now, number=7, content_html=BODY, summary="", **values).id


def offered(db: Database, now: datetime, url: str = URL) -> SimilarOffer:
    with db.read() as session:
        offer = similar_offer(session, url, now=now)
    assert offer is not None
    return offer


def follow(db: Database, name: str, own: OwnTopic, *, now: datetime) -> None:
    with db.write() as session:
        person = make_subscriber(session, name, now=now)
        wishes = following.Follower(person.id, person.public_id, Choices(own=(own,)))
        following.follow(session, [wishes], now=now, release_no=0)


def topic(db: Database) -> Topic:
    with db.read() as session:
        return session.exec(select(Topic).where(col(Topic.kind) == TopicKind.SIMILAR)).one()


def test_an_offer_names_the_article_its_query_and_two_more_words(db: Database, now: datetime) -> None:
    article = furnish(db, now)
    offer = offered(db, now, "http://www.news.example.org/artikel/7/#top")
    assert (offer.article_id, offer.source) == (article, "Beispielfeed")
    assert offer.query.startswith("2 OF (")
    assert offer.query.endswith("lang:de")
    assert "Ukraine-Konflikt" in offer.query
    assert len(offer.more) == 2
    assert not any(word in offer.query for word in offer.more)
    assert (offer.topics, offer.nearby) == ((), ())


@pytest.mark.parametrize(
    "url", ["https://other.example.org/x", "", "javascript:alert(1)", "x" * 9000, "\x00"]
)
def test_an_address_that_is_not_ours_gets_no_offer(db: Database, now: datetime, url: str) -> None:
    furnish(db, now)
    with db.read() as session:
        assert similar_offer(session, url, now=now) is None


def test_a_withdrawn_article_gets_no_offer(db: Database, now: datetime) -> None:
    furnish(db, now, state=ArticleState.WITHDRAWN)
    with db.read() as session:
        assert similar_offer(session, URL, now=now) is None


def test_the_article_s_own_topics_are_offered_the_strongest_first(db: Database, now: datetime) -> None:
    furnish(db, now)
    with db.write() as session:
        make_topic(session, "wartet", now=now)
        make_topic(session, "rutte", now=now)
        make_topic(session, "ki", now=now)
    match_new(db, Registry(), now=now)
    assert offered(db, now).topics == ("rutte", "wartet")
    assert offered(db, now).nearby == ()


def test_an_article_without_topics_is_offered_those_of_its_nearest(db: Database, now: datetime) -> None:
    with db.write() as session:
        feed = make_feed(session, now=now)
        known(session, feed, "Rheinbrücke nach Jahren wieder offen", now=now, number=7)
        for number, title in enumerate(
            ("Bahn über die Rheinbrücke", "Rheinbrücke: Bahn feiert", "Streik der Bahn")
        ):
            make_article(session, feed, title, now=now, number=number)
        make_topic(session, "feiern", query="feiert", now=now)
        make_topic(session, "bahn", query="Bahn", now=now)
        make_topic(session, "zoo", query="Zoo", now=now)
    match_new(db, Registry(), now=now)
    assert (offered(db, now).topics, offered(db, now).nearby) == ((), ("bahn", "feiern"))


def test_the_proposal_as_it_stands_is_one_topic_for_all_and_an_edited_one_is_personal(
    db: Database, now: datetime
) -> None:
    article = furnish(db, now)
    offer = offered(db, now)
    typed = f"2 VON {offer.query.removeprefix('2 OF ')}"
    for name, text in (("ann", offer.query), ("ben", typed)):
        follow(db, name, similar_topic(offer, text), now=now)
    follow(db, "cleo", similar_topic(offer, f"({offer.query}) -Sport"), now=now)
    assert topic(db).slug.startswith(f"similar-{article}-")
    assert topic(db).name == offer.title
    with db.read() as session:
        kinds = sorted(session.exec(select(Topic.kind)).all())
        followers = len(session.exec(select(Subscription)).all())
    assert (kinds, followers) == ([TopicKind.PERSONAL, TopicKind.SIMILAR], 3)
    with pytest.raises(QueryError):
        similar_topic(offer, "-Sport")


def test_a_similar_topic_finds_articles_that_come_after_it(db: Database, now: datetime) -> None:
    furnish(db, now)
    follow(db, "ann", similar_topic(offered(db, now), offered(db, now).query), now=now)
    with db.write() as session:
        feed = make_feed(session, "https://feed.example.org/2", now=now)
        like = make_article(session, feed, "Rutte spricht in Washington", now=now, number=1).id
        make_article(session, feed, "Rutte macht Ferien", now=now, number=2)
    match_new(db, Registry(), now=now)
    with db.read() as session:
        found = session.exec(select(Match.article_id).where(col(Match.topic_id) == topic(db).id)).all()
    assert like in found
    assert len(found) == 2  # it and the article itself


@pytest.mark.parametrize(
    ("made", "matched", "again", "reason"),
    [
        (20, None, None, ""),
        (21, None, None, "no article in 21 days"),
        (40, 20, None, ""),
        (40, 21, None, "no article in 21 days"),
        (179, 1, None, ""),
        (180, 1, None, "180 days old"),
        (200, 40, 20, ""),
    ],
)
def test_a_similar_topic_ends_after_21_silent_days_or_after_180(
    db: Database, now: datetime, made: int, matched: int | None, again: int | None, reason: str
) -> None:
    with db.write() as session:
        one = make_topic(session, "similar-1-x", kind=TopicKind.SIMILAR, now=now)
        other = make_topic(session, "own-1", kind=TopicKind.PERSONAL, now=now)
        one.created_at = other.created_at = now - made * DAY
        one.last_match_at = now - matched * DAY if matched else None
        one.changed_at = now - again * DAY if again else None
        one.expires_at = now - (again or made) * DAY + following.SIMILAR_LIFE
    with db.write() as session:
        assert expire_similar(session, now=now) == bool(reason)
    ended = topic(db)
    assert (ended.state, ended.state_reason) == (
        TopicState.EXPIRED if reason else TopicState.ACTIVE,
        reason,
    )


def test_an_ended_topic_no_longer_matches_until_it_is_followed_again(db: Database, now: datetime) -> None:
    furnish(db, now)
    follow(db, "ann", similar_topic(offered(db, now), "Rutte"), now=now)
    follow(db, "ben", similar_topic(offered(db, now), offered(db, now).query), now=now)
    later = now + 30 * DAY
    registry = Registry()
    with db.write() as session:
        assert expire_similar(session, now=later) == 1
    assert match_new(db, registry, now=later).matches == 1
    with db.write() as session:
        ben = session.exec(
            select(Subscription.subscriber_id).where(col(Subscription.topic_id) == topic(db).id)
        ).one()
        assert following.revive(session, ben, topic(db).slug, now=later)
        assert expire_similar(session, now=later) == 0
        make_article(
            session,
            make_feed(session, "https://feed.example.org/2", now=now),
            "Rutte in Washington",
            now=later,
        )
    assert match_new(db, registry, now=later).matches == 2


def test_recent_titles_take_in_what_is_new_and_let_go_what_is_old(db: Database, now: datetime) -> None:
    recent = RecentTitles()
    with db.write() as session:
        feed = make_feed(session, now=now)
        asked = make_article(session, feed, "Neue Brücke über den Rhein", now=now, number=1)
        old = make_article(
            session, feed, "Brücke über den Rhein", now=now, number=2, effective_at=now - 29 * DAY
        ).id

    def nearest(at: datetime) -> list[int]:
        with db.read() as session:
            row = session.execute(select(*COLUMNS).where(col(Article.id) == asked.id)).one()
            text = article_texts(session, [row])[0].text
            return recent.nearest(session, text, limit=5, now=at)

    assert nearest(now) == [old]
    with db.write() as session:
        feed = make_feed(session, "https://feed.example.org/2", now=now)
        new = make_article(session, feed, "Die Rheinbrücke über den Rhein", now=now, number=3).id
    assert nearest(now + timedelta(minutes=9)) == [old]
    assert sorted(nearest(now + timedelta(minutes=11))) == [old, new]
    assert nearest(now + 2 * DAY) == [new]
