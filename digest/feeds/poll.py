"""The shell of a round: claim due feeds, ask, read, decide, write. Async at the rim, database work in a thread.

Any number of pollers may run at once, and any of them may be killed at any point: the claim is committed before the
first byte leaves, and everything a document means is one transaction. No exception of one feed ends a round.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session

from digest.db import Database
from digest.feeds import claim
from digest.feeds.attempt import Fetches, Parses, attempt
from digest.feeds.models import Feed
from digest.feeds.outcomes import Outcome
from digest.feeds.settle import Result, Settled, prune_fetches, settle

CONCURRENT: Final = 32
_LONGEST_WAIT: Final = timedelta(seconds=5)
_TRIES: Final = 5
_log = structlog.get_logger(__name__)
_T = TypeVar("_T")


@dataclass(slots=True)
class PollCounts:
    """What a round did. `outcomes` names each feed that was asked with how it ended."""

    feeds_polled: int = 0
    feeds_changed: int = 0
    feeds_failed: int = 0
    articles_new: int = 0
    articles_updated: int = 0
    articles_accepted: int = 0
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def add(self, settled: Settled) -> None:
        """Count one attempt."""
        self.feeds_polled += 1
        self.feeds_changed += settled.outcome is Outcome.CHANGED
        self.feeds_failed += not settled.outcome.is_ok
        self.articles_new += settled.new
        self.articles_updated += settled.updated
        self.articles_accepted += settled.accepted
        self.outcomes[settled.feed_id] = settled.outcome


async def poll_due(
    db: Database,
    fetcher: Fetches,
    pool: Parses,
    *,
    clock: Callable[[], datetime],
    rng: Random,
    wanted_by: datetime | None = None,
    sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
) -> PollCounts:
    """Ask every feed that is due and store what it says; returns when none is left.

    `wanted_by` is the moment of the next edition: in the quarter of an hour before it, feeds that were not read for
    half an hour are asked too. A `clock` that stands still is moved on by the time slept between two turns.
    """
    if wanted_by is not None:
        moment = wanted_by

        def pull() -> None:
            with db.write() as session:
                claim.pull_forward(session, wanted_by=moment, now=clock())

        await asyncio.to_thread(pull)
    return await _Round(db, fetcher, pool, clock=clock, rng=rng, wanted_by=wanted_by, sleep=sleep).run(None)


async def fetch_now(
    db: Database,
    fetcher: Fetches,
    pool: Parses,
    *,
    feed_ids: Collection[int],
    clock: Callable[[], datetime],
    rng: Random,
    sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
) -> PollCounts:
    """Ask these feeds once, due or not, in any state; a host's rest and another poller's claim still hold."""
    chosen = _Round(db, fetcher, pool, clock=clock, rng=rng, wanted_by=None, sleep=sleep)
    return await chosen.run(set(feed_ids))


class _Round:
    """One round: at most 32 feeds under way, results written in batches before more are claimed."""

    def __init__(
        self,
        db: Database,
        fetcher: Fetches,
        pool: Parses,
        *,
        clock: Callable[[], datetime],
        rng: Random,
        wanted_by: datetime | None,
        sleep: Callable[[float], Awaitable[Any]],
    ) -> None:
        self._db, self._fetcher, self._pool = db, fetcher, pool
        self._clock, self._sleep = clock, sleep
        self._rng, self._wanted_by = rng, wanted_by
        self._not_earlier = self._claimed_at = clock()
        self._writing = asyncio.Lock()
        self._waiting: list[Result] = []
        self._left: set[int] | None = None
        self._resting: set[str] = set()
        self._counts = PollCounts()

    async def run(self, feed_ids: set[int] | None) -> PollCounts:
        """Go on until nothing is due, under way or waiting for its turn."""
        self._left = feed_ids
        running: set[asyncio.Task[None]] = set()
        try:
            while True:
                if len(running) <= CONCURRENT // 2:
                    feeds = await self._write_and_claim(CONCURRENT - len(running))
                    running |= {asyncio.create_task(self._attend(feed)) for feed in feeds}
                if running:
                    done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
                elif not self._waiting and not await self._wait_for_turn():
                    if self._counts.outcomes:
                        await self._transaction(self._prune)
                    return self._counts
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _prune(self, session: Session) -> None:
        prune_fetches(session, list(self._counts.outcomes))

    def _now(self) -> datetime:
        return max(self._clock(), self._not_earlier)

    async def _wait_for_turn(self) -> bool:
        """Sleep until a feed that waits only for its host's next start may go; False if there is none.

        What waited is judged by the moment of the last claim: its turn may have come since, and that claim missed it.
        """
        wanted, at = self._wanted(), self._claimed_at

        def look() -> datetime | None:
            with self._db.read() as session:
                return claim.next_turn(session, wanted, now=at)

        turn = await asyncio.to_thread(look)
        if turn is None or turn - at > _LONGEST_WAIT:
            return False
        await self._sleep(max(turn - self._now(), timedelta()).total_seconds())
        self._not_earlier = max(turn, self._not_earlier)
        return True

    def _wanted(self) -> claim.Wanted:
        return claim.Wanted(None if self._left is None else frozenset(self._left))

    async def _write_and_claim(self, limit: int) -> list[Feed]:
        """Write what came in, then take more, and learn which hosts rest."""
        await self._write()
        now, wanted = self._now(), self._wanted()
        self._claimed_at = now

        def take(session: Session) -> list[Feed]:
            self._resting |= set(claim.resting(session, now=now))
            feeds = claim.claim(session, wanted, now=now, limit=limit)
            session.expunge_all()
            return feeds

        feeds = await self._transaction(take)
        if self._left is not None:
            self._left -= {feed.id for feed in feeds}
        return feeds

    async def _attend(self, feed: Feed) -> None:
        """Ask one feed; a document is written at once, everything else with the next batch."""
        try:
            result = await attempt(feed, self._fetcher, self._pool, now=self._now(), rests=self._is_resting)
        except Exception:  # noqa: BLE001  # the rim: no feed may end the round
            _log.exception("feed_failed", feed_id=feed.id)
            result = Result(feed_id=feed.id, claimed_until=feed.claimed_until, outcome=Outcome.INTERNAL)
        if result.fetched is not None and result.fetched.body is not None:
            result.fetched.body.close()
        self._waiting.append(result)
        if result.outcome is Outcome.THROTTLED and result.fetched is not None:
            self._resting.add(result.fetched.host)  # at once: the second feed of the host may be on its way
        if result.document is not None or result.outcome is Outcome.THROTTLED:
            await self._write()

    def _is_resting(self, host: str) -> bool:
        return host in self._resting

    async def _write(self) -> None:
        results, self._waiting = self._waiting, []
        documents = [result for result in results if result.document is not None]
        others = [result for result in results if result.document is None]
        for batch in [*([result] for result in documents), others]:
            if batch:
                await self._write_safely(batch)

    async def _write_safely(self, batch: Sequence[Result]) -> None:
        """Write a batch; a result our own code fails on still becomes an outcome and a next attempt."""
        try:
            await self._write_batch(batch)
        except Exception:
            _log.exception("settling_failed", feed_ids=[result.feed_id for result in batch])
            if len(batch) > 1:
                for result in batch:
                    await self._write_safely([result])
            elif batch[0].outcome is Outcome.INTERNAL:
                raise
            else:
                await self._write_batch([_failed(batch[0])])

    async def _write_batch(self, batch: Sequence[Result]) -> None:
        now = self._now()

        def write(session: Session) -> list[Settled]:
            return settle(session, batch, now=now, rng=self._rng, wanted_by=self._wanted_by)

        for settled in await self._transaction(write):
            self._counts.add(settled)
            _tell(settled)

    async def _transaction(self, work: Callable[[Session], _T]) -> _T:
        """Run `work` in a thread and one transaction; again if another poller was faster with the same key."""

        def attempt_it() -> _T:
            with self._db.write() as session:
                return work(session)

        async with self._writing:
            for _ in range(_TRIES - 1):
                try:
                    return await asyncio.to_thread(attempt_it)
                except (IntegrityError, OperationalError) as error:
                    _log.info("poll_write_again", reason=type(error.orig).__name__)
            return await asyncio.to_thread(attempt_it)


def _failed(result: Result) -> Result:
    """The same attempt after our own mistake: it stored nothing, so no validator may be kept either."""
    return Result(feed_id=result.feed_id, claimed_until=result.claimed_until, outcome=Outcome.INTERNAL)


def _tell(settled: Settled) -> None:
    if settled.news is not None:
        _log.warning(
            "feed_state", feed_id=settled.feed_id, state=settled.news.value, outcome=settled.outcome.value
        )
    if settled.is_flood:
        _log.warning("feed_flood", feed_id=settled.feed_id, articles=settled.new)
