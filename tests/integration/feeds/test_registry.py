"""What an operator does with feeds."""

from datetime import timedelta

import pytest
from sqlmodel import select

from digest.feeds.health import health
from digest.feeds.models import Article, ArticleKey, ArticleState, FeedState
from digest.feeds.netguard import BlockedUrlError
from digest.feeds.outcomes import Outcome
from digest.feeds.poll import fetch_now
from digest.feeds.registry import (
    FeedExistsError,
    RegistryError,
    UnknownFeedError,
    add_feed,
    discard_quarantined,
    expire_quarantined,
    find,
    flooded_feeds,
    pause,
    release_quarantined,
    remove,
    resume,
    spread_evenly,
)
from digest.feeds.trial import try_url
from tests.integration.feeds.conftest import Rounds, no_sleep
from tests.support.documents import news, rss
from tests.support.feedserver import FeedServer

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def test_one_address_is_one_feed_in_every_spelling(light: Rounds) -> None:
    with light.db.write() as session:
        feed = add_feed(session, "https://www.Example.org/feed/", now=light.now)
        for url in ("http://example.org/feed", "https://example.org:443/feed/?utm_source=x#top"):
            with pytest.raises(FeedExistsError) as caught:
                add_feed(session, url, now=light.now)
            assert caught.value.feed.id == feed.id
            assert find(session, url).id == feed.id
        with pytest.raises(UnknownFeedError):
            find(session, "https://example.org/other")


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "https://example.org:22/", "https://u:p@example.org/", "feed"]
)
def test_an_address_against_the_policy_is_not_added(light: Rounds, url: str) -> None:
    with light.db.write() as session, pytest.raises(BlockedUrlError):
        add_feed(session, url, now=light.now)


def test_a_backfill_has_bounds_and_an_import_is_no_stampede(light: Rounds) -> None:
    with light.db.write() as session, pytest.raises(RegistryError):
        add_feed(session, "https://example.org/feed", now=light.now, backfill=51)
    waits = spread_evenly(100)
    assert waits[0] == timedelta()
    assert waits == sorted(set(waits))
    assert waits[-1] < timedelta(minutes=5)


async def test_a_paused_feed_rests_until_it_is_resumed(light: Rounds, server: FeedServer) -> None:
    server.publish("/feed", rss([news(1, published=light.now)]))
    feed_id = light.add(server.url())
    with light.db.write() as session:
        pause(session, find(session, str(feed_id)), now=light.now)
    assert (await light.poll(after=90 * DAY)).feeds_polled == 0
    with light.db.write() as session:
        resume(session, find(session, str(feed_id)), now=light.now)
    assert (await light.poll()).outcomes == {feed_id: Outcome.CHANGED}
    assert light.feed(feed_id).state is FeedState.ACTIVE


async def test_a_removed_feed_leaves_articles_and_keys_and_nothing_comes_back(
    rounds: Rounds, server: FeedServer
) -> None:
    server.publish("/feed", rss([news(n, published=rounds.now) for n in (1, 2)]))
    feed_id = rounds.add(server.url())
    await rounds.poll()
    with rounds.db.write() as session:
        remove(session, find(session, str(feed_id)))
        assert len(session.exec(select(Article)).all()) == 2
        assert session.exec(select(ArticleKey)).first() is not None
    rounds.add(server.url())
    assert (await rounds.poll()).articles_new == 0


async def flooded(rounds: Rounds, server: FeedServer) -> int:
    server.publish("/feed", rss([news(1, published=rounds.now - HOUR)]))
    feed_id = rounds.add(server.url())
    await rounds.poll()
    rounds.now += DAY
    server.publish("/feed", rss(news(n, published=rounds.now) for n in range(2, 102)))
    counts = await rounds.poll()
    assert (counts.articles_new, counts.articles_accepted) == (100, 0)
    return feed_id


@pytest.mark.parametrize(
    ("decision", "state", "reason"),
    [
        ("release", ArticleState.ELIGIBLE, ""),
        ("discard", ArticleState.WITHDRAWN, "discarded"),
        ("nothing", ArticleState.SEED, "expired"),
    ],
)
async def test_a_flood_waits_for_a_person(
    rounds: Rounds, server: FeedServer, decision: str, state: ArticleState, reason: str
) -> None:
    feed_id = await flooded(rounds, server)
    with rounds.db.write() as session:
        assert [line.quarantined for line in health(session, now=rounds.now)] == [100]
        assert flooded_feeds(session) == 1
        feed = find(session, str(feed_id))
        assert expire_quarantined(session, now=rounds.now + 13 * DAY) == 0
        decided = {"release": release_quarantined, "discard": discard_quarantined}.get(decision)
        count = decided(session, feed) if decided else expire_quarantined(session, now=rounds.now + 14 * DAY)
    assert count == 100
    with rounds.db.read() as session:
        rows = session.exec(select(Article.state, Article.state_reason).where(Article.id != 1)).all()
        assert flooded_feeds(session) == 0
    assert set(rows) == {(state, reason)}


async def test_a_feed_is_explained_in_one_line(light: Rounds, server: FeedServer) -> None:
    server.publish("/feed", rss(news(n, published=light.now - n * DAY) for n in range(14)))
    light.add(server.url())
    for _ in range(4):
        await light.poll(after=7 * HOUR)
    with light.db.read() as session:
        line = health(session, now=light.now, lang="de")[0]
    assert (line.state, line.outcome, line.error_count) == (FeedState.ACTIVE, "unchanged", 0)
    assert line.sentence == "Der Feed ist seit dem letzten Mal unverändert."
    assert line.unchanged_ratio == 0.75
    assert 6 < line.articles_per_week < 8
    assert line.next_check_at is not None
    assert line.next_check_at > light.now


async def test_asking_by_hand_skips_only_the_schedule(light: Rounds, server: FeedServer) -> None:
    server.publish("/feed", rss([news(1, published=light.now)]))
    feed_id = light.add(server.url())
    await light.poll()
    counts = await fetch_now(
        light.db,
        light.fetcher,
        light.pool,
        feed_ids=[feed_id],
        clock=lambda: light.now,
        rng=light.rng,
        sleep=no_sleep,
    )
    assert counts.outcomes == {feed_id: Outcome.UNCHANGED}
    assert len(server.requests) == 2


async def test_trying_an_address_tells_all_and_stores_nothing(light: Rounds, server: FeedServer) -> None:
    server.redirect("/old", "/feed")
    server.publish("/feed", rss(news(n, published=light.now - n * HOUR) for n in range(8)))
    trial = await try_url(light.db, light.fetcher, light.pool, server.url("/old"), now=light.now)
    assert (trial.outcome, trial.url, len(trial.hops)) == (Outcome.CHANGED, server.url("/feed"), 1)
    assert [entry.state for entry in trial.entries].count(ArticleState.ELIGIBLE) == 5
    assert {entry.reason for entry in trial.entries if entry.state is ArticleState.SEED} == {"baseline"}
    with light.db.read() as session:
        assert session.exec(select(Article)).first() is None
    light.add(server.url("/feed"))
    await light.poll()
    again = await try_url(light.db, light.fetcher, light.pool, server.url("/feed"), now=light.now)
    assert again.is_known
    assert all(entry.article_id for entry in again.entries)


async def test_trying_a_page_names_what_stands_there(light: Rounds, server: FeedServer) -> None:
    page = '<!doctype html><html><head><link rel="alternate" type="application/rss+xml" href="/feed"></head></html>'
    server.publish("/", page, content_type="text/html")
    trial = await try_url(light.db, light.fetcher, light.pool, server.url("/"), now=light.now, lang="de")
    assert trial.outcome is Outcome.NOT_A_FEED
    assert "verweist auf Feeds" in trial.sentence
