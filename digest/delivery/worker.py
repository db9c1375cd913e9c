"""The worker: claims chunks, feeds connections, lets dots go and groups marks, until told to stop or nothing is due.

Two lines of work run side by side: system mails on a connection of their own, editions on all the others, so that a
confirmation never waits behind a million mails. Nothing lives here that a killed worker would take with it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy.exc import OperationalError

from digest.db import Database
from digest.delivery.committer import Committer, Ended
from digest.delivery.compose import Composer
from digest.delivery.marks import Marks, SentMark, StartMark
from digest.delivery.models import DeliveryState
from digest.delivery.queue import Claim, Queue
from digest.delivery.retry import is_throttling
from digest.delivery.route import Route
from digest.delivery.settlement import Settlement
from digest.delivery.throttle import Throttle
from digest.delivery.workload import Flight, InHand, Workload
from digest.mail.outcome import Outcome, Outgoing, Phase, Verdict
from digest.mail.transport import Link, LinkGoneError, pump

_log = structlog.get_logger(__name__)

CHUNKS_IN_HAND: Final = 2
LOW_WATER: Final = 100
SYSTEM_LANES: Final = (0,)
EDITION_LANES: Final = (1, 2)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a worker works; durations are for tests to shorten."""

    connections: int = 8
    rate: float = 0.0
    lease: timedelta = timedelta(seconds=120)
    idle_look: timedelta = timedelta(seconds=1)
    idle_link: timedelta = timedelta(seconds=20)
    throttled_look: timedelta = timedelta(milliseconds=100)
    patience: timedelta = timedelta(seconds=60)
    farewell: timedelta = timedelta(seconds=30)
    first_window: int = 2
    first_backoff: float = 5.0
    """Seconds between the first two tries to connect."""


@dataclass(slots=True)
class Counts:
    """What a run of the worker brought about."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    unknown: int = 0
    route_error: str = ""


@dataclass(slots=True)
class _Line:
    """One set of lanes with its own work and connections."""

    lanes: tuple[int, ...]
    work: Workload = field(default_factory=Workload)
    is_dry: bool = False
    """Nothing was ready at the last look."""


class Worker:
    """One worker of one process. Build it inside a running event loop, run it once."""

    def __init__(
        self,
        *,
        db: Database,
        queue: Queue,
        settlement: Settlement,
        marks: Marks,
        composer: Composer,
        connect: Callable[[], Awaitable[Link]],
        clock: Callable[[], datetime],
        options: Options,
    ) -> None:
        self.counts = Counts()
        self._db = db
        self._queue = queue
        self._settlement = settlement
        self._marks = marks
        self._composer = composer
        self._clock = clock
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._route = Route(connect, now=self._loop.time, first_backoff=options.first_backoff)
        self._committer = Committer(marks, settle=self._settle_ended, patience=options.patience)
        self._throttle = Throttle(
            largest=options.connections + 1, per_second=options.rate, first=options.first_window
        )
        self._flights: dict[int, Flight] = {}
        self._news = asyncio.Event()
        self._is_stopping = False
        self._is_once = False
        self._lines = (_Line(SYSTEM_LANES), _Line(EDITION_LANES))

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
        """Look for work now: somebody wrote some."""
        for line in self._lines:
            line.is_dry = False
        self._notify()

    async def _run(self, stop: asyncio.Event) -> None:
        senders = [self._sender(self._lines[0])]
        senders += [self._sender(self._lines[1]) for _ in range(self._options.connections)]
        claimers = [asyncio.create_task(self._claimer(line)) for line in self._lines]
        tasks = [asyncio.create_task(sender) for sender in senders]
        keeper = asyncio.create_task(self._keep_leases())
        stopper = asyncio.create_task(stop.wait())
        try:
            await self._until_over(claimers, stopper)
        finally:
            self._is_stopping = True
            self._notify()
            await self._land_all(tasks)
            await _cancel([*claimers, keeper, stopper])
            await self._return_all()
            self._marks.close()

    async def _until_over(self, claimers: list[asyncio.Task[None]], stopper: asyncio.Task[bool]) -> None:
        """Until told to stop, or all claimers found nothing more; a claimer's own error ends the worker."""
        pending: set[asyncio.Task[None]] = set(claimers)
        while pending and not stopper.done():
            done, _ = await asyncio.wait({*pending, stopper}, return_when=asyncio.FIRST_COMPLETED)
            for task in pending & done:
                task.result()
            pending -= done

    async def _land_all(self, tasks: list[asyncio.Task[None]]) -> None:
        _, late = await asyncio.wait(tasks, timeout=self._options.farewell.total_seconds())
        await _cancel(list(late))
        await self._committer.barrier()

    async def _return_all(self) -> None:
        for line in self._lines:
            for chunk in list(line.work.chunks.values()):
                line.work.drop(chunk)
                await asyncio.to_thread(self._queue.give_back, chunk.claim, now=self._clock())
            line.work.chunks.clear()

    # Claiming

    async def _claimer(self, line: _Line) -> None:
        """Keep enough work in hand, give back what is through."""
        while not self._is_stopping:
            self._shelve(line)
            for chunk in line.work.through():
                await self._finish(chunk)
            if self._needs_work(line):
                await self._claim(line)
            elif self._is_over(line):
                return
            else:
                await self._wait_for_news(self._options.idle_look)
                line.is_dry = False

    def _needs_work(self, line: _Line) -> bool:
        has_room = len(line.work.chunks) < CHUNKS_IN_HAND and line.work.waiting < LOW_WATER
        return has_room and not line.is_dry and not self._route.is_down

    def _is_over(self, line: _Line) -> bool:
        is_through = line.is_dry and not line.work.chunks
        return self._is_once and (is_through or self._route.is_given_up)

    async def _claim(self, line: _Line) -> None:
        claim = await self._steadily(partial(self._claim_and_load, line.lanes))
        if claim is None:
            line.is_dry = True
            return
        _log.debug("claimed", chunk=claim.chunk_id, deliveries=len(claim.rows), taken_over=claim.taken_over)
        line.work.add(claim)
        self._notify()

    def _claim_and_load(self, lanes: tuple[int, ...]) -> Claim | None:
        claim = self._queue.claim(now=self._clock(), lanes=lanes)
        if claim is not None and claim.rows:
            with self._db.read() as session:
                self._composer.load(session, claim.rows)
        return claim

    def _shelve(self, line: _Line) -> None:
        """Chunks of which all that is left must wait for their providers go back until then."""
        at = self._loop.time()
        pauses = [until - at for _, until in self._throttle.paused(at=at)]
        if pauses and line.work.waiting and not line.work.flying and not line.work.can_pick(self._may_send):
            for chunk in line.work.chunks.values():
                chunk.not_before = self._clock() + timedelta(seconds=min(pauses))
                line.work.drop(chunk)

    async def _finish(self, chunk: InHand) -> None:
        """Every mark of the chunk is on record before its lease ends."""
        await self._committer.barrier()
        give_back = partial(
            self._queue.give_back, chunk.claim, now=self._clock(), not_before=chunk.not_before
        )
        await self._steadily(give_back)

    async def _keep_leases(self) -> None:
        """Prolong leases four times as often as they end; forget chunks that somebody else has by now."""
        while True:
            await asyncio.sleep(self._options.lease.total_seconds() / 4)
            held = [(line, chunk) for line in self._lines for chunk in line.work.chunks.values()]
            claims = [chunk.claim for _, chunk in held]
            ours = await self._steadily(partial(self._queue.renew, claims)) if claims else set()
            for line, chunk in held:
                if chunk.claim.chunk_id not in ours and not chunk.is_dropped:
                    _log.warning("lease_lost", chunk=chunk.claim.chunk_id)
                    line.work.drop(chunk)

    async def _steadily(self, job: Callable[[], T]) -> T:
        """Database work in a thread; while the database does not answer, sending stops and this waits."""
        while True:
            try:
                return await asyncio.to_thread(job)
            except OperationalError as error:
                if self._is_stopping:
                    raise
                _log.warning("database_unavailable", error=type(error.orig).__name__)
                await asyncio.sleep(self._options.idle_look.total_seconds())

    # Sending

    async def _sender(self, line: _Line) -> None:
        """One connection's life after another, as long as there is work."""
        link: Link | None = None
        while not self._is_stopping:
            if not self._has_work(line):
                link = await self._idle(line, link)
                continue
            link = link or await self._open()
            if link is not None:
                link = await self._send(line, link)
        if link is not None:
            await link.quit()

    async def _open(self) -> Link | None:
        link = await self._route.open()
        if link is None:
            await self._wait_for_news(timedelta(seconds=self._route.wait()))
            if self._is_once and self._route.is_given_up:
                self.counts.route_error = self._route.reason
                self._is_stopping = True
        return link

    async def _send(self, line: _Line, link: Link) -> Link | None:
        """Send over a link while there is something to take; the link, if it can be used again."""
        try:
            await pump(
                link,
                take=lambda: self._take(line),
                start=self._start,
                settle=lambda mail, outcome: self._settle(line, mail, outcome),
            )
        except LinkGoneError:
            return None
        if link.is_spent(at=self._loop.time()):
            await link.quit()
            return None
        return link

    async def _idle(self, line: _Line, link: Link | None) -> Link | None:
        """Wait for work; a link that is idle too long says goodbye."""
        if line.work.waiting:  # there is work, but its provider or the rate must wait
            await self._wait_for_news(self._options.throttled_look)
            return link
        has_news = await self._wait_for_news(self._options.idle_link)
        if has_news or link is None:
            return link
        await link.quit()
        return None

    def _has_work(self, line: _Line) -> bool:
        if self._throttle.rate.wait(self._loop.time()) > 0:
            return False
        return line.work.waiting > 0 and line.work.can_pick(self._may_send)

    def _may_send(self, provider: str) -> bool:
        return self._throttle.may_send(provider, at=self._loop.time())

    def _take(self, line: _Line) -> Outgoing | None:
        while not self._is_stopping and self._throttle.rate.wait(self._loop.time()) <= 0:
            picked = line.work.pick(self._may_send)
            if picked is None:
                return None
            row, chunk, provider = picked
            now = self._clock()
            dated_at = row.dated_at if row.resends and row.dated_at else now.replace(microsecond=0)
            flight = Flight(row, chunk, provider, dated_at)
            try:
                mail = self._composer.compose(row, dated_at=dated_at)
            except Exception as error:  # noqa: BLE001  # a row that raises fails alone
                _log.warning("compose_failed", delivery=row.id, error=type(error).__name__)
                self._end(line, flight, Outcome(Verdict.REFUSED, Phase.LOCAL, text=type(error).__name__))
                continue
            self._flights[row.id] = flight
            self._throttle.took_off(provider)
            return mail
        return None

    def _start(self, mail: Outgoing) -> Awaitable[bool]:
        flight = self._flights[mail.delivery_id]
        asked_at = self._loop.time()
        if self._is_stopping or flight.chunk.is_dropped:
            return _no()
        flight.is_started = True
        mark = StartMark(mail.delivery_id, flight.chunk.claim.fence, flight.dated_at)
        return self._granted(self._committer.start(mark), flight.chunk.claim, asked_at)

    async def _granted(self, future: asyncio.Future[bool], claim: Claim, asked_at: float) -> bool:
        """A START that took long is worth nothing unless the chunk is still ours."""
        is_granted = await future
        if is_granted and self._loop.time() - asked_at > self._options.lease.total_seconds() / 2:
            return await asyncio.to_thread(self._queue.holds, claim)
        return is_granted

    def _settle(self, line: _Line, mail: Outgoing, outcome: Outcome) -> None:
        flight = self._flights.pop(mail.delivery_id)
        self._throttle.landed(flight.provider)
        self._route.saw(outcome)
        if outcome.verdict is Verdict.ACCEPTED:
            if self._throttle.accepted(flight.provider):
                self._notify()
        elif is_throttling(outcome):
            self._throttle.slow_down(flight.provider, at=self._loop.time())
        if outcome.verdict is Verdict.UNTOUCHED and not flight.is_started:
            line.work.put_back(flight)
            self._notify()
        else:
            self._end(line, flight, outcome)

    def _end(self, line: _Line, flight: Flight, outcome: Outcome) -> None:
        """The delivery is through as far as this claim goes: note it, and see whether its chunk is."""
        row, fence, now = flight.row, flight.chunk.claim.fence, self._clock()
        if outcome.verdict is Verdict.ACCEPTED and row.attempts == 0:
            self.counts.sent += 1
            self._committer.sent(SentMark(row.id, fence, now, outcome.code or 250, outcome.text))
        else:
            self._committer.ended(Ended(row.id, fence, outcome, now))
        line.work.landed(flight.chunk)
        if flight.chunk.waiting == 0 or line.work.waiting < LOW_WATER:
            self._notify()

    def _settle_ended(self, ended: Sequence[Ended]) -> None:
        for state in self._settlement.settle(ended).values():
            match state:
                case DeliveryState.SENT:
                    self.counts.sent += 1
                case DeliveryState.DEFERRED:
                    self.counts.deferred += 1
                case DeliveryState.FAILED:
                    self.counts.failed += 1
                case DeliveryState.UNKNOWN:
                    self.counts.unknown += 1
                case _:
                    pass

    # Waiting

    def _notify(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _wait_for_news(self, longest: timedelta) -> bool:
        """Wait until something changed; False when nothing did for that long."""
        try:
            async with asyncio.timeout(longest.total_seconds()):
                return await self._news.wait()
        except TimeoutError:
            return False


async def _no() -> bool:
    return False


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
