"""A whole round: from due feeds to articles, and every way it can go wrong."""

import itertools
from datetime import timedelta

import pytest
from sqlmodel import col, select

from digest.feeds.models import Article, ArticleState, FeedState, Trust
from digest.feeds.outcomes import Outcome
from digest.feeds.poll import poll_due
from tests.integration.feeds.conftest import Rounds, no_sleep
from tests.support.documents import news, rss
from tests.support.feedserver import FeedServer

HOUR = timedelta(hours=1)


def articles(rounds: Rounds, *states: ArticleState) -> list[Article]:
    with rounds.db.read() as session:
        found = session.exec(select(Article).order_by(col(Article.id))).all()
    return [article for article in found if not states or article.state in states]


async def test_a_new_feed_brings_seed_and_its_freshest_news(rounds: Rounds, server: FeedServer) -> None:
    server.publish("/feed", rss(news(n, published=rounds.now - HOUR * n) for n in range(40)))
    feed_id = rounds.add(server.url())
    counts = await rounds.poll()
    assert (counts.feeds_polled, counts.articles_new, counts.articles_accepted) == (1, 40, 5)
    assert len(articles(rounds, ArticleState.SEED)) == 35
    feed = rounds.feed(feed_id)
    assert feed.state is FeedState.ACTIVE
    assert feed.next_check_at > rounds.now + timedelta(minutes=13)
    assert feed.claimed_until is None


async def test_nothing_due_means_nothing_asked(rounds: Rounds, server: FeedServer) -> None:
    server.publish("/feed", rss([news(1, published=rounds.now)]))
    rounds.add(server.url())
    await rounds.poll()
    counts = await rounds.poll(after=timedelta(minutes=1))
    assert counts.feeds_polled == 0
    assert len(server.requests) == 1


async def test_an_unchanged_feed_costs_one_conditional_request(rounds: Rounds, server: FeedServer) -> None:
    server.publish(
        "/feed", rss([news(1, published=rounds.now)]), last_modified="Sun, 22 Nov 2026 05:00:00 GMT"
    )
    feed_id = rounds.add(server.url())
    await rounds.poll()
    counts = await rounds.poll(after=HOUR * 7)
    assert counts.outcomes == {feed_id: Outcome.UNCHANGED}
    assert server.requests[1].headers["if-none-match"] == rounds.feed(feed_id).etag
    assert server.requests[1].headers["if-modified-since"] == "Sun, 22 Nov 2026 05:00:00 GMT"


async def test_a_new_article_is_news_once(rounds: Rounds, server: FeedServer) -> None:
    server.publish("/feed", rss([news(1, published=rounds.now - HOUR)]))
    rounds.add(server.url())
    await rounds.poll()
    server.publish(
        "/feed", rss([news(2, published=rounds.now + HOUR * 6), news(1, published=rounds.now - HOUR)])
    )
    counts = await rounds.poll(after=HOUR * 7)
    assert (counts.articles_new, counts.articles_accepted, counts.articles_updated) == (1, 1, 0)
    assert [article.title.split()[1] for article in articles(rounds)] == ["1", "2"]


async def test_many_feeds_of_many_hosts_are_read_in_one_round(rounds: Rounds, server: FeedServer) -> None:
    for number in range(12):
        host = f"a{number // 4}.example"
        server.publish(f"/{number}", rss([news(number, published=rounds.now)]))
        rounds.add(server.url(f"/{number}", host=host), trust=Trust.THIRD)
    counts = await rounds.poll()
    assert (counts.feeds_polled, counts.articles_new) == (12, 12)


@pytest.mark.parametrize("step", [0.2, 0.3, 0.7, 1.4])
async def test_every_feed_of_a_host_has_its_turn_in_the_round_however_time_passes(
    light: Rounds, server: FeedServer, step: float
) -> None:
    """The turn of the third feed may come between a claim that was too early for it and the look at who waits."""
    for number in range(5):
        server.publish(f"/{number}", rss([news(number, published=light.now)]))
        light.add(server.url(f"/{number}", host="a.example"))
    looks = itertools.count()
    counts = await poll_due(
        light.db,
        light.fetcher,
        light.pool,
        clock=lambda: light.now + next(looks) * timedelta(seconds=step),
        rng=light.rng,
        sleep=no_sleep,
    )
    assert counts.feeds_polled == 5


async def test_a_backfill_makes_the_newest_of_the_first_document_news(
    rounds: Rounds, server: FeedServer
) -> None:
    server.publish("/feed", rss(news(n, published=rounds.now - timedelta(days=n)) for n in range(20)))
    rounds.add(server.url(), backfill=12)
    counts = await rounds.poll()
    assert counts.articles_accepted == 12
