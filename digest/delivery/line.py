"""One set of lanes with its own work and connections: takes deliveries, lets their dots go, notes how they ended.

System mails have a line of their own, so that a confirmation never waits behind a million mails.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from digest.delivery.committer import Committer, Ended
from digest.delivery.compose import Composer
from digest.delivery.marks import SentMark, StartMark
from digest.delivery.options import News, Options
from digest.delivery.queue import Claim, Queue
from digest.delivery.retry import is_throttling
from digest.delivery.route import Route
from digest.delivery.throttle import Throttle
from digest.delivery.unmade import unmade
from digest.delivery.workload import Flight, InHand, Workload
from digest.mail.outcome import Outcome, Outgoing, Phase, Verdict
from digest.mail.transport import Link, LinkGoneError, pump

_log = structlog.get_logger(__name__)

LOW_WATER: Final = 100
"""With fewer deliveries left the next chunk is claimed."""
STRIKES: Final = 3
"""A mail in whose content the connection ended this often is put off, or it would do so for ever."""


@dataclass(slots=True)
class Shared:
    """What all lines of one worker share."""

    queue: Queue
    composer: Composer
    committer: Committer
    throttle: Throttle
    route: Route
    clock: Callable[[], datetime]
    options: Options
    news: News
    pause: Callable[[str], None]
    """Told when a provider is paused from now on."""
    accepted: Callable[[int | None], None]
    """Told the edition of each mail that was taken."""
    is_stopping: bool = False


class Line:
    """Deliveries of some lanes on their own connections."""

    def __init__(self, shared: Shared, *, lanes: tuple[int, ...], connections: int, chunks: int) -> None:
        self.lanes = lanes
        self.connections = connections
        self.chunks = chunks
        """How many chunks it may have in hand."""
        self.work = Workload()
        self.is_dry = False
        """Nothing was ready at the last look."""
        self._shared = shared
        self._loop = asyncio.get_running_loop()
        self._flights: dict[int, Flight] = {}
        self._strikes: Counter[int] = Counter()

    @property
    def needs_work(self) -> bool:
        """Whether another chunk should be claimed."""
        has_room = len(self.work.chunks) < self.chunks and self.work.waiting < LOW_WATER
        return has_room and not self.is_dry and not self._shared.route.is_down

    async def serve(self) -> None:
        """One connection's life after another, as long as the worker works."""
        link: Link | None = None
        while not self._shared.is_stopping:
            if not self._has_work():
                link = await self._idle(link)
                continue
            link = link or await self._shared.route.open()
            if link is None:
                await self._shared.news.wait(timedelta(seconds=self._shared.route.wait()))
            else:
                link = await self._send(link)
        if link is not None:
            await link.quit()

    def waits_too_long(self) -> int:
        """How many connections wait so long for the answer to a dot that a spare one should work for them."""
        limit = self._loop.time() - self._shared.options.slow_dot.total_seconds()
        return sum(1 for flight in self._flights.values() if flight.started_at and flight.started_at < limit)

    def shelve(self) -> None:
        """Chunks of which all that is left must wait for their providers go back until then."""
        at = self._loop.time()
        pauses = [until - at for _, until in self._shared.throttle.paused(at=at)]
        if pauses and self.work.waiting and not self.work.flying and not self.work.can_pick(self._may_send):
            for chunk in self.work.chunks.values():
                chunk.not_before = self._shared.clock() + timedelta(seconds=min(pauses))
                self.work.drop(chunk)

    async def _send(self, link: Link) -> Link | None:
        """Send over a link while there is something to take; the link, if it can be used again."""
        try:
            await pump(link, take=self._take, start=self._start, settle=self._settle)
        except LinkGoneError:
            if link.session.is_full:
                self._shared.route.was_full(link.session.accepted)
            return None
        if link.is_spent(at=self._loop.time()):
            await link.quit()
            return None
        return link

    async def _idle(self, link: Link | None) -> Link | None:
        """Wait for work; a link that is idle too long says goodbye."""
        options = self._shared.options
        if self.work.waiting:  # there is work, but its provider or the rate must wait
            await self._shared.news.wait(options.throttled_look)
            return link
        has_news = await self._shared.news.wait(options.idle_link)
        if has_news or link is None:
            return link
        await link.quit()
        return None

    def _may_take(self) -> bool:
        """Within the rate, and not further ahead of the ledger than there are connections."""
        shared = self._shared
        is_written = shared.committer.backlog <= shared.options.connections
        return is_written and not shared.is_stopping and shared.throttle.rate.wait(self._loop.time()) <= 0

    def _has_work(self) -> bool:
        return self.work.waiting > 0 and self._may_take() and self.work.can_pick(self._may_send)

    def _may_send(self, provider: str) -> bool:
        return self._shared.throttle.may_send(provider, at=self._loop.time())

    def _take(self) -> Outgoing | None:
        """The next mail that may go, composed; one that cannot be composed fails alone."""
        shared = self._shared
        while self._may_take():
            picked = self.work.pick(self._may_send)
            if picked is None:
                return None
            row, chunk, provider = picked
            is_copy = row.resends > 0 and row.dated_at is not None
            dated_at = row.dated_at if is_copy and row.dated_at else shared.clock().replace(microsecond=0)
            flight = Flight(row, chunk, provider, dated_at)
            try:
                mail = shared.composer.compose(row, dated_at=dated_at)
            except Exception as error:  # noqa: BLE001  # a row that raises fails alone
                failure = unmade(error)
                _log.warning("compose_failed", delivery=row.id, error=type(error).__name__, why=failure.text)
                self._end(flight, failure)
                continue
            self._flights[row.id] = flight
            shared.throttle.took_off(provider)
            return mail
        return None

    def _start(self, mail: Outgoing) -> Awaitable[bool]:
        flight = self._flights[mail.delivery_id]
        if self._shared.is_stopping or flight.chunk.is_dropped or self._is_lapsed(flight.chunk):
            return _no()
        flight.started_at = self._loop.time()
        claim = flight.chunk.claim
        mark = StartMark(mail.delivery_id, claim.chunk_id, claim.fence, flight.dated_at)
        return self._granted(self._shared.committer.start(mark), claim, flight.started_at)

    def _is_lapsed(self, chunk: InHand) -> bool:
        """Whether its lease may have ended: this worker was frozen, and nobody has renewed it since."""
        return self._loop.time() - chunk.renewed_at > self._shared.options.lease.total_seconds()

    async def _granted(self, future: asyncio.Future[bool], claim: Claim, asked_at: float) -> bool:
        """A START that took long is worth nothing unless the chunk is still ours."""
        is_granted = await future
        if is_granted and self._loop.time() - asked_at > self._shared.options.lease.total_seconds() / 2:
            return await asyncio.to_thread(self._shared.queue.holds, claim)
        return is_granted

    def _settle(self, mail: Outgoing, outcome: Outcome) -> None:
        flight = self._flights.pop(mail.delivery_id)
        self._learn(flight, outcome)
        outcome = self._struck(flight, outcome)
        if outcome.verdict is Verdict.UNTOUCHED and not flight.started_at:
            self.work.put_back(flight)
            self._shared.news.tell()
        else:
            self._end(flight, outcome)

    def _learn(self, flight: Flight, outcome: Outcome) -> None:
        """What the answer says about provider and route."""
        shared = self._shared
        shared.throttle.landed(flight.provider)
        shared.route.saw(outcome)
        if outcome.verdict is Verdict.ACCEPTED:
            if shared.throttle.accepted(flight.provider):
                shared.news.tell()
        elif is_throttling(outcome) and shared.throttle.slow_down(flight.provider, at=self._loop.time()):
            shared.pause(flight.provider)

    def _struck(self, flight: Flight, outcome: Outcome) -> Outcome:
        """Connections that end in the content of one and the same mail are that mail's doing."""
        if outcome.verdict is not Verdict.UNTOUCHED or outcome.phase is not Phase.CONTENT:
            return outcome
        self._strikes[flight.row.id] += 1
        if self._strikes[flight.row.id] < STRIKES:
            return outcome
        del self._strikes[flight.row.id]
        return Outcome(Verdict.DEFERRED, Phase.CONTENT, text="the connection ended while the content ran")

    def _end(self, flight: Flight, outcome: Outcome) -> None:
        """The delivery is through as far as this claim goes: note it, and see whether its chunk is."""
        row, fence, now = flight.row, flight.chunk.claim.fence, self._shared.clock()
        if outcome.verdict is Verdict.ACCEPTED and row.attempts == 0:
            self._shared.accepted(row.edition_id)
            self._shared.committer.sent(SentMark(row.id, fence, now, outcome.code or 250, outcome.text))
        else:
            self._shared.committer.ended(Ended(row.id, fence, outcome, now))
        self.work.landed(flight.chunk)
        if flight.chunk.waiting == 0 or self.work.waiting < LOW_WATER:
            self._shared.news.tell()


async def _no() -> bool:
    return False
