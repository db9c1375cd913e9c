"""The work a worker has in hand: the due deliveries of its chunks, by provider, and those under way.

Nothing here is durable and nothing here decides; a chunk is through when none of its deliveries waits or flies.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from digest.delivery.queue import Claim, Due


@dataclass(slots=True)
class InHand:
    """A claimed chunk and how much of it is left."""

    claim: Claim
    waiting: int
    flying: int = 0
    not_before: datetime | None = None
    """When its providers want mail again, if it goes back unfinished."""
    held_back: deque[Due] = field(default_factory=deque)
    """Deliveries to be touched one at a time."""
    renewed_at: float = 0.0
    """Loop time of the claim, or of the last renewal that found it ours."""
    is_dropped: bool = False
    """The lease is gone: nothing more of it may start."""


@dataclass(slots=True)
class Flight:
    """One delivery under way on a connection."""

    row: Due
    chunk: InHand
    provider: str
    dated_at: datetime
    started_at: float = 0.0
    """Loop time at which its dot was asked for; 0 before."""


class Workload:
    """Deliveries of one set of lanes, given out provider by provider."""

    def __init__(self) -> None:
        self.chunks: dict[int, InHand] = {}
        self._queues: dict[str, deque[tuple[Due, InHand]]] = {}
        self._turn: deque[str] = deque()
        self.waiting = 0
        self.flying = 0

    def add(self, claim: Claim, *, at: float) -> InHand:
        """Take a chunk in hand whose lease began at a loop time."""
        chunk = InHand(claim, 0, renewed_at=at)
        self.chunks[claim.chunk_id] = chunk
        if claim.is_careful:
            chunk.held_back.extend(claim.rows)
            return chunk
        for row in claim.rows:
            self.feed(chunk, row)
        return chunk

    def feed(self, chunk: InHand, row: Due) -> None:
        """Let one delivery of a chunk wait for its turn."""
        chunk.waiting += 1
        self.waiting += 1
        self._queue(provider_of(row.address)).append((row, chunk))

    def starving(self) -> list[InHand]:
        """Chunks of which the next delivery may be touched, since none is any more."""
        return [one for one in self.chunks.values() if one.held_back and not one.waiting and not one.flying]

    def pick(self, may_send: Callable[[str], bool]) -> tuple[Due, InHand, str] | None:
        """The next delivery whose provider may be sent to. Providers take turns when they are full."""
        for _ in range(len(self._turn)):
            provider = self._turn[0]
            queue = self._queues[provider]
            while queue and queue[0][1].is_dropped:
                queue.popleft()
            if not queue:
                self._turn.popleft()
                del self._queues[provider]
            elif not may_send(provider):
                self._turn.rotate(-1)
            else:
                row, chunk = queue.popleft()
                self._moved(chunk, by=1)
                return row, chunk, provider
        return None

    def can_pick(self, may_send: Callable[[str], bool]) -> bool:
        """Whether anything that waits may go now."""
        return any(may_send(provider) for provider, queue in self._queues.items() if queue)

    def put_back(self, flight: Flight) -> None:
        """A delivery nothing was asked of waits again, first in its line."""
        self._moved(flight.chunk, by=-1)
        if not flight.chunk.is_dropped:
            self._queue(flight.provider).appendleft((flight.row, flight.chunk))

    def landed(self, chunk: InHand) -> None:
        """A delivery is through, however it ended."""
        chunk.flying -= 1
        self.flying -= 1

    def drop(self, chunk: InHand) -> None:
        """Forget what waits of a chunk; what flies will land."""
        chunk.is_dropped = True
        chunk.held_back.clear()
        self.waiting -= chunk.waiting
        chunk.waiting = 0

    def through(self) -> Iterator[InHand]:
        """Chunks of which nothing waits or flies any more; they leave the hand."""
        for chunk in [
            one for one in self.chunks.values() if not (one.waiting or one.flying or one.held_back)
        ]:
            del self.chunks[chunk.claim.chunk_id]
            yield chunk

    def _moved(self, chunk: InHand, *, by: int) -> None:
        chunk.flying += by
        self.flying += by
        if not chunk.is_dropped:
            chunk.waiting -= by
            self.waiting -= by

    def _queue(self, provider: str) -> deque[tuple[Due, InHand]]:
        if provider not in self._queues:
            self._queues[provider] = deque()
            self._turn.append(provider)
        return self._queues[provider]


def provider_of(address: str | None) -> str:
    """Who runs the mailbox: the address's domain, or the house that several domains belong to."""
    domain = (address or "").rpartition("@")[2].lower()
    return HOUSES.get(domain, domain)


HOUSES = {
    "googlemail.com": "gmail.com",
    "hotmail.com": "outlook.com",
    "hotmail.de": "outlook.com",
    "live.com": "outlook.com",
    "live.de": "outlook.com",
    "msn.com": "outlook.com",
    "outlook.de": "outlook.com",
    "gmx.net": "gmx.de",
    "gmx.at": "gmx.de",
    "gmx.ch": "gmx.de",
    "web.de": "gmx.de",
    "ymail.com": "yahoo.com",
    "yahoo.de": "yahoo.com",
    "aol.com": "yahoo.com",
    "me.com": "icloud.com",
    "mac.com": "icloud.com",
    "magenta.de": "t-online.de",
}
"""Domains that are one house: their mailboxes share its limits."""
