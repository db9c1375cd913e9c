"""The worker: claims chunks for its lines, keeps their leases, shows that it lives, and gives everything back at the end.

Nothing lives here that a killed worker would take with it: whatever it held is decided by the next claimer.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError

from digest.delivery.availability import is_unavailable
from digest.delivery.beats import identity
from digest.delivery.committer import Committer
from digest.delivery.compose import Composer
from digest.delivery.ends import Ends
from digest.delivery.life import Life
from digest.delivery.line import Line, Shared
from digest.delivery.marks import Marks
from digest.delivery.options import Counts, News, Options
from digest.delivery.queue import Claim, Queue
from digest.delivery.route import Route
from digest.delivery.throttle import Throttle
from digest.delivery.witness import Witness
from digest.delivery.workload import InHand
from digest.mail.transport import Link

__all__ = ["Counts", "Options", "Worker"]

_log = structlog.get_logger(__name__)

T = TypeVar("T")
CHUNKS_IN_HAND: Final = 2
SYSTEM_CHUNKS_IN_HAND: Final = 8
"""System mails are a chunk of one each."""
BEATS_PER_REAP: Final = 3


class Worker:
    """One worker of one process. Build it inside a running event loop, run it once."""

    def __init__(
        self,
        *,
        queue: Queue,
        marks: Marks,
        composer: Composer,
        connect: Callable[[], Awaitable[Link]],
        clock: Callable[[], datetime],
        options: Options,
        witness: Witness | None = None,
    ) -> None:
        self.counts = Counts()
        self._db = queue.db
        self._queue = queue
        self._marks = marks
        self._clock = clock
        self._options = options
        self._is_once = False
        self._side_jobs: set[asyncio.Future[None]] = set()
        self._shared = self._put_together(composer, connect)
        self._committer = self._shared.committer
        self._life = self._life_of(witness or Witness(None))
        self._lines = (
            Line(self._shared, lanes=(0,), connections=1, chunks=SYSTEM_CHUNKS_IN_HAND),
            Line(self._shared, lanes=(1, 2), connections=options.connections, chunks=CHUNKS_IN_HAND),
        )

    def _put_together(self, composer: Composer, connect: Callable[[], Awaitable[Link]]) -> Shared:
        """What the lines share: one committer, one throttle, one way to the relay."""
        options, news = self._options, News()
        ends = Ends(self._db, self._queue.settlement, self.counts)
        return Shared(
            queue=self._queue,
            composer=composer,
            committer=Committer(
                self._marks, settle=ends.settle, relieved=news.tell, patience=options.patience
            ),
            throttle=Throttle(
                largest=options.connections + 1, per_second=options.rate, first=options.first_window
            ),
            route=Route(
                connect,
                now=asyncio.get_running_loop().time,
                first_backoff=options.first_backoff.total_seconds(),
            ),
            clock=self._clock,
            options=options,
            news=news,
            pause=self._pause,
            accepted=ends.accepted,
        )

    def _life_of(self, witness: Witness) -> Life:
        """What the database and the other workers know of this one."""
        return Life(
            db=self._db,
            me=identity(self._queue.owner),
            settlement=self._queue.settlement,
            throttle=self._shared.throttle,
            rate=self._options.rate,
            witness=witness,
            clock=self._clock,
            monotonic=asyncio.get_running_loop().time,
            beat_every=self._options.beat,
        )

    async def run_until_idle(self) -> Counts:
        """Send what is ready now, and stop: deferred mails wait for the next run. For `digest tick`."""
        self._is_once = True
        await self._run(asyncio.Event())
        return self.counts

    async def run_forever(self, stop: asyncio.Event) -> Counts:
        """Send until `stop` is set, then let mails past their dot land and give everything else back."""
        await self._run(stop)
        return self.counts

    def wake(self) -> None:
        """Look for work now: somebody wrote some. From another thread: `loop.call_soon_threadsafe(worker.wake)`."""
        for line in self._lines:
            line.is_dry = False
        self._shared.news.tell()

    async def _run(self, stop: asyncio.Event) -> None:
        await self._steadily(self._life.arrive)
        tasks = [asyncio.create_task(line.serve()) for line in self._lines for _ in range(line.connections)]
        claimers = [asyncio.create_task(self._claimer(line)) for line in self._lines]
        helpers = [asyncio.create_task(self._keep_leases()), asyncio.create_task(self._live(tasks))]
        stopper = asyncio.create_task(stop.wait())
        try:
            await self._until_over(claimers, [*tasks, *helpers], stopper)
        finally:
            self._shared.is_stopping = True
            self._shared.news.tell()
            await self._land(claimers, tasks)
            await _cancel([*helpers, stopper, *self._side_jobs])
            await self._give_all_back()
            self._marks.close()

    async def _until_over(
        self,
        claimers: Sequence[asyncio.Task[None]],
        others: Sequence[asyncio.Task[None]],
        stopper: asyncio.Task[Any],
    ) -> None:
        """Until told to stop, or all claimers found nothing more; the error of any task ends the worker."""
        pending = set(claimers)
        while pending and not stopper.done():
            done, _ = await asyncio.wait(
                {*pending, *others, stopper} - _ended(others), return_when=asyncio.FIRST_COMPLETED
            )
            for task in done - {stopper}:
                task.result()
            pending -= done

    async def _land(
        self, claimers: Sequence[asyncio.Task[None]], tasks: Sequence[asyncio.Task[None]]
    ) -> None:
        """Mails past their dot wait for their answer, but not for ever; a claim under way is awaited, or it would be lost.

        So is word of a pause: the other workers, and the next run, must know of it.
        """
        await asyncio.wait([*claimers, *tasks], timeout=self._options.farewell.total_seconds())
        if self._side_jobs:
            await asyncio.wait(self._side_jobs, timeout=self._options.farewell.total_seconds())
        await _cancel([*claimers, *tasks])
        async with asyncio.timeout(self._options.farewell.total_seconds()):
            await self._committer.barrier()

    async def _give_all_back(self) -> None:
        for line in self._lines:
            for chunk in list(line.work.chunks.values()):
                line.work.drop(chunk)
                await asyncio.to_thread(self._queue.give_back, chunk.claim, now=self._clock())
        await asyncio.to_thread(self._life.leave)

    # Claiming

    async def _claimer(self, line: Line) -> None:
        """Keep enough work in hand, give back what is through."""
        while not self._shared.is_stopping:
            line.shelve()
            await self._feed_careful(line)
            for chunk in line.work.through():
                line.is_dry &= await self._finish(chunk)
            if line.needs_work:
                await self._claim(line)
            elif self._is_over(line):
                return
            else:
                await self._shared.news.wait(self._options.idle_look)
                line.is_dry = False

    def _is_over(self, line: Line) -> bool:
        if not self._is_once:
            return False
        route = self._shared.route
        if route.is_given_up:
            self.counts.route_error = route.reason
        return route.is_given_up or (line.is_dry and not line.work.chunks)

    async def _claim(self, line: Line) -> None:
        at = asyncio.get_running_loop().time()
        claim = await self._steadily(partial(self._claim_and_load, line.lanes))
        if claim is None:
            line.is_dry = True
            return
        if claim.taken_over:
            _log.warning("takeover", chunk=claim.chunk_id, in_data=claim.taken_over)
        _log.debug("claimed", chunk=claim.chunk_id, edition=claim.edition_id, deliveries=len(claim.rows))
        line.work.add(claim, at=at)
        self._shared.news.tell()

    def _claim_and_load(self, lanes: tuple[int, ...]) -> Claim | None:
        claim = self._queue.claim(now=self._clock(), lanes=lanes)
        if claim is not None and claim.rows:
            if not self._life.witness.covers(max(row.id for row in claim.rows)):
                self._life.testify()
            with self._db.read() as session:
                self._shared.composer.load(session, claim.rows)
        return claim

    async def _feed_careful(self, line: Line) -> None:
        """Of a chunk that earlier owners died of, one delivery at a time is touched, each named on disk before."""
        for chunk in line.work.starving():
            row = chunk.held_back.popleft()
            if await self._steadily(partial(self._queue.suspect, chunk.claim, row.id)):
                line.work.feed(chunk, row)
                self._shared.news.tell()
            else:
                line.work.drop(chunk)

    async def _finish(self, chunk: InHand) -> bool:
        """Every mark of the chunk is on record before its lease ends. False when there is more of it to do, perhaps now."""
        await self._committer.barrier()
        give_back = partial(
            self._queue.give_back, chunk.claim, now=self._clock(), not_before=chunk.not_before
        )
        return await self._steadily(give_back)

    async def _keep_leases(self) -> None:
        """Prolong leases four times as often as they end; forget chunks that are somebody else's, or held, by now."""
        while True:
            await asyncio.sleep(self._options.lease.total_seconds() / 4)
            held = [(line, chunk) for line in self._lines for chunk in line.work.chunks.values()]
            claims = [chunk.claim for _, chunk in held]
            at = asyncio.get_running_loop().time()
            ours = await self._steadily(partial(self._queue.renew, claims)) if claims else set()
            for line, chunk in held:
                if chunk.claim.chunk_id in ours:
                    chunk.renewed_at = at
                elif not chunk.is_dropped:
                    _log.warning("lease_lost", chunk=chunk.claim.chunk_id)
                    line.work.drop(chunk)

    # Signs of life

    async def _live(self, tasks: list[asyncio.Task[None]]) -> None:
        """Beat; while sending on SQLite also bring the marks onto the disk, often."""
        is_file = self._db.is_sqlite
        beaten_at, marks, count = asyncio.get_running_loop().time(), 0, 0
        while True:
            await asyncio.sleep(min(self._options.flush, self._options.beat).total_seconds())
            self._call_spares(tasks)
            at = asyncio.get_running_loop().time()
            is_due = at - beaten_at >= self._options.beat.total_seconds()
            if is_file and self._committer.figures.commits != marks:
                marks = self._committer.figures.commits
                await self._steadily(self._life.flush)
            if is_due:
                beaten_at, count = at, count + 1
                await self._steadily(self._life.beat)
                await self._steadily(self._life.listen)
                await self._steadily(self._life.testify)
                if count % BEATS_PER_REAP == 0:
                    await self._steadily(self._life.clear_up)

    def _call_spares(self, tasks: list[asyncio.Task[None]]) -> None:
        """Where connections wait long for an answer, spare ones work meanwhile: at most as many again."""
        for line in self._lines:
            name = f"spare connection for lanes {line.lanes}"
            spares = sum(1 for task in tasks if task.get_name() == name)
            missing = min(line.waits_too_long(), line.connections) - spares
            tasks += [asyncio.create_task(line.serve(), name=name) for _ in range(missing)]

    def _pause(self, provider: str) -> None:
        """In the background, since nothing waits for it."""
        job = asyncio.ensure_future(self._steadily(partial(self._life.tell_pause, provider)))
        self._side_jobs.add(job)
        job.add_done_callback(self._side_jobs.discard)

    async def _steadily(self, job: Callable[[], T]) -> T:
        """Work on database and disk in a thread; while they do not answer, sending stops and this waits."""
        while True:
            try:
                return await asyncio.to_thread(job)
            except (DBAPIError, sqlite3.Error, psycopg.Error, OSError) as error:
                if self._shared.is_stopping or not is_unavailable(error):
                    raise
                _log.warning("storage_unavailable", error=type(error).__name__)
                await asyncio.sleep(self._options.idle_look.total_seconds())


def _ended(tasks: Sequence[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Tasks that ended in order: their end is no news any more."""
    return {task for task in tasks if task.done() and not task.cancelled() and task.exception() is None}


async def _cancel(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
