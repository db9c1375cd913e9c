"""A week as the servers see it: every validator comes back, nobody is asked early, nobody is crowded."""

import heapq
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random

import pytest
from sqlmodel import func, select

from digest.db import Database
from digest.feeds.exchange import Policy
from digest.feeds.models import Article, Feed, FeedState, HostState
from digest.feeds.outcomes import Outcome
from digest.feeds.poll import poll_due
from digest.feeds.registry import add_feed
from digest.feeds.schedule import FLOORS, floor, health, next_check, rest
from tests.integration.feeds.conftest import no_sleep
from tests.support.history import own_feed
from tests.support.world import Killed, World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def live(db: Database, world: World, *, now: datetime, length: timedelta, every: timedelta) -> int:
    """Poll the world in rounds, many of which are killed, until the first breach; the number of articles in the end."""
    with db.write() as session:
        for site in world.sites.values():
            add_feed(session, site.url, trust=site.trust, now=now, policy=Policy(allow_private=True))
    rng = Random(3)
    while world.now < now + length:
        with suppress(Killed):
            await poll_due(db, world, world, clock=world.clock, rng=rng, sleep=no_sleep)
        assert not world.breaches, world.now
        world.now += every
    with db.read() as session:
        return session.exec(select(func.count()).select_from(Article)).one()


async def test_days_with_sudden_ends_break_no_manners(db: Database, now: datetime) -> None:
    world = World(start=now, rng=Random(7))
    world.build(10)
    count = await live(db, world, now=now, length=30 * HOUR, every=2 * HOUR)
    assert world.killed > 0
    assert world.unchanged > world.requests / 4
    assert count == sum(site.told + 1 for site in world.sites.values())


@pytest.mark.soak
@pytest.mark.timeout(7200)
async def test_a_week_of_five_hundred_feeds_breaks_no_manners(db: Database, now: datetime) -> None:
    world = World(start=now, rng=Random(11))
    world.build(500)
    await live(db, world, now=now, length=7 * DAY, every=timedelta(minutes=10))
    assert world.requests > 500 * 7 * 4
    with db.read() as session:
        told = session.exec(select(Article.link)).all()
    numbers = [(link.rpartition("/")[0], int(link.rpartition("/")[2])) for link in told]
    newest = dict(sorted(numbers))
    assert sorted(numbers) == [(url, number) for url in sorted(newest) for number in range(newest[url] + 1)]


@pytest.mark.parametrize("count", [100, pytest.param(500, marks=pytest.mark.soak)])
def test_the_plan_of_a_week_keeps_floor_and_rest(now: datetime, count: int) -> None:
    """The same week by the schedule alone, every minute of it."""
    rng = Random(5)
    breaches, requests = Counter[str](), 0
    shared = count * 2 // 5
    hosts = {f"h{number}": HostState(host=f"h{number}") for number in range(shared)}
    due: list[tuple[datetime, int, Feed]] = []
    for number in range(count):
        feed = own_feed(now, id=number, host=f"h{number % shared}", median_gap=HOUR * rng.choice([1, 4, 30]))
        heapq.heappush(due, (now, number, feed))
    asked: dict[int, datetime] = {}
    while due[0][0] < now + 7 * DAY:
        at, number, feed = heapq.heappop(due)
        host = hosts[feed.host]
        requests += 1
        if host.not_before is not None and at < host.not_before:
            heapq.heappush(due, (host.not_before, number, feed))  # what the claim does
            continue
        if number in asked and at - asked[number] < floor(feed):
            breaches["before the floor"] += 1
        asked[number] = at
        outcome = rng.choices([Outcome.UNCHANGED, Outcome.TIMEOUT, Outcome.THROTTLED], [90, 7, 3])[0]
        if outcome is Outcome.THROTTLED:
            silence = rest(host, rng.choice([None, HOUR, 9 * HOUR]), now=at)
            host.not_before, host.strikes, host.strikes_at = silence.not_before, silence.strikes, at
        after = health(feed, outcome, now=at)
        feed.state, feed.error_count = after.state, after.error_count
        feed.last_ok_at = at if outcome.is_ok else feed.last_ok_at
        following = next_check(feed, host, outcome, now=at, rng=rng)
        if host.not_before is not None and following < host.not_before:
            breaches["planned into a rest"] += 1
        heapq.heappush(due, (following, number, feed))
    assert not breaches
    assert requests > count * 7 * 4
    assert {feed.state for _, _, feed in due} <= {
        FeedState.ACTIVE,
        FeedState.RETRYING,
        FeedState.NEW,
        FeedState.BROKEN,
    }


async def test_an_article_is_eligible_soon_after_its_publication(sqlite_url: str, now: datetime) -> None:
    """Feeds at their floor, polled every minute: the wait from publication to a row."""
    db = Database(sqlite_url)
    world = World(start=now, rng=Random(2), is_calm=True)
    world.build(4)
    for site in world.sites.values():
        site.gap = timedelta(minutes=20)
    with db.write() as session:
        for site in world.sites.values():
            add_feed(session, site.url, trust=site.trust, now=now)
    while world.now < now + 4 * HOUR:
        await poll_due(db, world, world, clock=world.clock, rng=Random(1), sleep=no_sleep)
        world.now += timedelta(minutes=1)
    with db.read() as session:
        rows = session.exec(select(Article, Feed).where(Article.feed_id == Feed.id)).all()
    for trust, shortest in FLOORS.items():
        waits = sorted(
            article.first_seen_at - article.effective_at
            for article, feed in rows
            if feed.trust is trust and article.first_seen_at > now + 2 * HOUR  # the rhythm is known by then
        )
        assert waits[len(waits) * 95 // 100] <= shortest + timedelta(minutes=2)
    db.close()
