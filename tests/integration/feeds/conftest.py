"""A server, a fetcher without patience, a parser, and a clock that goes on by hand."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import pytest
import pytest_asyncio

from digest.db import Database
from digest.feeds.exchange import Limits, Policy
from digest.feeds.fetch import Fetcher
from digest.feeds.models import Feed, Trust
from digest.feeds.poll import PollCounts, poll_due
from digest.feeds.pool import ParsePool
from digest.feeds.registry import add_feed
from tests.support.feedserver import FeedServer, LoopbackResolver

ALLOWED = Policy(allow_private=True)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    """A server that is every host ending in `.example`."""
    with FeedServer() as server:
        yield server


@pytest.fixture(scope="session")
def pool() -> Iterator[ParsePool]:
    """The real parser, one process for all tests."""
    pool = ParsePool(processes=1)
    yield pool
    pool.close()


@pytest_asyncio.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    """The real fetcher, with all its rules but the second between two starts."""
    limits = Limits(spacing=timedelta())
    async with Fetcher(
        agent="digest/test",
        policy=ALLOWED,
        limits=limits,
        resolver=LoopbackResolver(names={"nowhere.example": None}),
    ) as fetcher:
        yield fetcher


@dataclass
class Rounds:
    """Polls at moments of its own."""

    db: Database
    fetcher: Fetcher
    pool: ParsePool
    now: datetime
    rng: Random

    def add(self, url: str, *, trust: Trust = Trust.OWN, backfill: int = 0) -> int:
        """Add a feed that is due now; its id."""
        with self.db.write() as session:
            feed = add_feed(session, url, trust=trust, now=self.now, policy=ALLOWED, backfill=backfill)
            return feed.id

    async def poll(self, *, after: timedelta = timedelta(), wanted_by: datetime | None = None) -> PollCounts:
        """Let time pass, then ask whatever is due."""
        self.now += after
        return await poll_due(
            self.db,
            self.fetcher,
            self.pool,
            clock=lambda: self.now,
            rng=self.rng,
            wanted_by=wanted_by,
            sleep=no_sleep,
        )

    def feed(self, feed_id: int) -> Feed:
        """The row as it stands."""
        with self.db.read() as session:
            found = session.get(Feed, feed_id)
        assert found is not None
        return found


async def no_sleep(_seconds: float) -> None:
    """Time in tests goes by itself."""


@pytest.fixture
def rounds(db: Database, fetcher: Fetcher, pool: ParsePool, now: datetime) -> Rounds:
    """Rounds on a fresh database of each kind."""
    return Rounds(db=db, fetcher=fetcher, pool=pool, now=now, rng=Random(1))


@pytest.fixture
def light(sqlite_url: str, fetcher: Fetcher, pool: ParsePool, now: datetime) -> Iterator[Rounds]:
    """Rounds on SQLite only, for what no database decides."""
    database = Database(sqlite_url)
    yield Rounds(db=database, fetcher=fetcher, pool=pool, now=now, rng=Random(1))
    database.close()
