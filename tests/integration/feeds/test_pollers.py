"""Two pollers at once, and pollers that are killed: no feed is asked twice, no article stored twice or lost."""

import asyncio
from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from sqlmodel import func, select

from digest.feeds import poll
from digest.feeds.attempt import attempt
from digest.feeds.exchange import Fetched, FetchRequest
from digest.feeds.models import Article, ArticleKey, Trust
from digest.feeds.outcomes import Outcome
from digest.feeds.poll import PollCounts, poll_due
from digest.feeds.settle import Result, settle
from tests.integration.feeds.conftest import Rounds, no_sleep
from tests.support.documents import news, rss
from tests.support.feedserver import FeedServer

HOUR = timedelta(hours=1)


def publish(rounds: Rounds, server: FeedServer, *, feeds: int, hosts: int) -> None:
    """Feeds on some hosts; their documents share half of their articles."""
    for number in range(feeds):
        told = [news(n, published=rounds.now - HOUR) for n in (1, 2, 3, 100 + number)]
        server.publish(f"/{number}", rss(told))
        rounds.add(server.url(f"/{number}", host=f"h{number % hosts}.example"), trust=Trust.THIRD)


async def one_poller(rounds: Rounds, seed: int) -> PollCounts:
    return await poll_due(
        rounds.db, rounds.fetcher, rounds.pool, clock=lambda: rounds.now, rng=Random(seed), sleep=no_sleep
    )


def count_articles(rounds: Rounds) -> tuple[int, int]:
    with rounds.db.read() as session:
        titles = session.exec(select(Article.title)).all()
        keys = session.exec(select(func.count()).select_from(ArticleKey)).one()
    assert len(set(titles)) == len(titles)
    return len(titles), keys


async def test_two_pollers_share_the_work_and_store_each_article_once(
    rounds: Rounds, server: FeedServer
) -> None:
    publish(rounds, server, feeds=16, hosts=8)
    both = await asyncio.gather(one_poller(rounds, 1), one_poller(rounds, 2))
    asked = Counter(request.path for request in server.requests)
    assert asked == Counter({f"/{number}": 1 for number in range(16)})
    assert sum(counts.feeds_polled for counts in both) == 16
    assert count_articles(rounds)[0] == 3 + 16


class Crowded:
    """A fetcher that watches how many requests of one host are under way at once."""

    def __init__(self, rounds: Rounds) -> None:
        self._fetcher = rounds.fetcher
        self._under_way: Counter[str] = Counter()
        self.most = 0

    async def fetch(self, request: FetchRequest, /) -> Fetched:
        host = request.url.split("/")[2]
        self._under_way[host] += 1
        self.most = max(self.most, self._under_way[host])
        try:
            await asyncio.sleep(0.01)
            return await self._fetcher.fetch(request)
        finally:
            self._under_way[host] -= 1


async def test_all_pollers_together_take_two_feeds_of_a_host(rounds: Rounds, server: FeedServer) -> None:
    publish(rounds, server, feeds=12, hosts=1)
    watched = Crowded(rounds)
    pollers = [
        poll_due(rounds.db, watched, rounds.pool, clock=lambda: rounds.now, rng=Random(seed), sleep=no_sleep)
        for seed in range(3)
    ]
    counts = await asyncio.gather(*pollers)
    assert sum(one.feeds_polled for one in counts) == 12
    assert watched.most <= 2


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("moment", ["claimed", "read", "settling", "before commit"])
async def test_killed_at_any_point_and_started_again_gives_the_same_articles(
    rounds: Rounds, server: FeedServer, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    publish(rounds, server, feeds=6, hosts=6)
    with monkeypatch.context() as patched:
        kill_at(moment, rounds, patched)
        with pytest.raises(Killed):
            await one_poller(rounds, 1)
    await one_poller(rounds, 2)
    early = Counter(request.path for request in server.requests)
    assert max(early.values(), default=0) <= 1  # nobody is asked again before its floor
    rounds.now += 2 * HOUR
    await one_poller(rounds, 3)
    rounds.now += 30 * HOUR
    await one_poller(rounds, 4)
    assert count_articles(rounds)[0] == 3 + 6
    assert all(rounds.feed(number).last_ok_at is not None for number in range(1, 7))


def kill_at(moment: str, rounds: Rounds, patched: pytest.MonkeyPatch) -> None:
    """Let the process die the third time it comes to this point."""
    times = Counter[str]()

    def pass_by(point: str) -> None:
        times[point] += 1
        if point == moment and times[point] == 3:
            raise Killed

    async def attempts(*values: object, **named: object) -> object:
        pass_by("claimed")
        result = await attempt(*values, **named)  # type: ignore[arg-type]  # passed through
        try:
            pass_by("read")
        except Killed:
            result.fetched.body.close()  # type: ignore[union-attr]  # a dead process keeps no file open
            raise
        return result

    def settles(*values: object, **named: object) -> object:
        pass_by("settling")
        settled = settle(*values, **named)  # type: ignore[arg-type]  # passed through
        pass_by("before commit")
        return settled

    patched.setattr(poll, "attempt", attempts)
    patched.setattr(poll, "settle", settles)


async def test_a_result_whose_claim_has_passed_on_is_dropped(rounds: Rounds, server: FeedServer) -> None:
    publish(rounds, server, feeds=1, hosts=1)
    feed = rounds.feed(1)
    with rounds.db.write() as session:
        session.merge(feed).claimed_until = rounds.now + HOUR
    stale = Result(feed_id=1, claimed_until=rounds.now, outcome=Outcome.GONE)
    with rounds.db.write() as session:
        assert settle(session, [stale], now=rounds.now, rng=rounds.rng, wanted_by=None) == []
    assert rounds.feed(1).last_outcome == ""
