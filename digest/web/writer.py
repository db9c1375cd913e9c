"""One thread writes: it takes whatever waits, runs it in one transaction, commits, and only then answers everybody.

Two lanes. `vital` holds single operations (unsubscribe, confirm, save) and always goes first; each runs in a SAVEPOINT, so
a bad one fails alone. `sign_up` holds requests that a set-based function takes all at once. Nobody is told "done" before
the commit; what could not be written is an error at the one who asked, and asking again is always safe.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session

from digest.db import Database
from digest.web.errors import Busy

log = structlog.get_logger(__name__)
T = TypeVar("T")
Request = TypeVar("Request")

BATCH_ATTEMPTS = 5
PATIENCE = timedelta(seconds=10)


class Lane(StrEnum):
    """Who waits where: a sign-up never delays somebody who wants to leave."""

    VITAL = "vital"
    SIGN_UP = "sign_up"


ROOM = {Lane.VITAL: 5_000, Lane.SIGN_UP: 1_000}
BATCH = {Lane.VITAL: 100, Lane.SIGN_UP: 200}


@dataclass(slots=True)
class Job:
    """One piece of work, who waits for it, and what became of it."""

    work: Any
    waiter: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


@dataclass(slots=True)
class Queues:
    """What waits, lane by lane; every access holds `changed`."""

    waiting: dict[Lane, deque[Job]] = field(default_factory=lambda: {lane: deque() for lane in Lane})
    changed: threading.Condition = field(default_factory=threading.Condition)
    is_closed: bool = False

    def next_batch(self) -> tuple[Lane, list[Job]] | None:
        """Block until something waits and take it, vital work first; None when closed and empty."""
        with self.changed:
            self.changed.wait_for(lambda: self.is_closed or any(self.waiting.values()))
            for lane, jobs in self.waiting.items():
                if jobs:
                    return lane, [jobs.popleft() for _ in range(min(len(jobs), BATCH[lane]))]
            return None


class Writer(Generic[Request]):
    """The only writer of this process.

    `sign_up_all` takes many requests in one transaction; `observe` hears the size of every committed batch.
    """

    def __init__(
        self,
        db: Database,
        *,
        sign_up_all: Callable[[Session, Sequence[Request]], None],
        observe: Callable[[int], None] = lambda _size: None,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._db = db
        self._sign_up_all = sign_up_all
        self._observe = observe
        self._patience = patience.total_seconds()
        self._queues = Queues()
        self._thread = threading.Thread(target=self._run, name="web-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin to write; call it inside the event loop that will wait for the answers."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def close(self) -> None:
        """Refuse what comes, finish what waits, answer it, and end within the patience of a request."""
        with self._queues.changed:
            self._queues.is_closed = True
            self._queues.changed.notify_all()
        await asyncio.to_thread(self._thread.join, self._patience)

    def waiting(self, lane: Lane) -> int:
        """How many pieces of work wait in a lane."""
        return len(self._queues.waiting[lane])

    def is_full(self, lane: Lane) -> bool:
        """Whether one more could only be turned away; asked before a body is read."""
        return self._queues.is_closed or self.waiting(lane) >= ROOM[lane]

    def require_room(self, lane: Lane) -> None:
        """Raise Busy if one more could only be turned away."""
        if self.is_full(lane):
            raise Busy

    async def write(self, operation: Callable[[Session], T]) -> T:
        """Run one operation and return its result after the commit; its own error comes back as it was raised."""
        result: T = await self._put(Lane.VITAL, operation)
        return result

    async def sign_up(self, request: Request) -> None:
        """Write one sign-up together with all that wait; returns after the commit."""
        await self._put(Lane.SIGN_UP, request)

    async def _put(self, lane: Lane, work: object) -> Any:
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        with self._queues.changed:
            self.require_room(lane)
            self._queues.waiting[lane].append(Job(work, waiter))
            self._queues.changed.notify()
        try:
            async with asyncio.timeout(self._patience):
                return await waiter
        except TimeoutError:
            raise Busy from None
        except OperationalError:  # a full disk, a database that went away: nothing was written
            raise Busy from None

    def _run(self) -> None:
        while taken := self._queues.next_batch():
            lane, jobs = taken
            jobs = [
                job for job in jobs if not job.waiter.done()
            ]  # who gave up was told 503 and will ask again
            if jobs:
                self._settle(lane, jobs)

    def _settle(self, lane: Lane, jobs: list[Job]) -> None:
        try:
            self._commit(lane, jobs)
        except Exception as error:  # noqa: BLE001  # the rim of the thread: it must outlive every failure
            name = type(error).__name__
            log.error("writer_batch_failed", lane=lane, size=len(jobs), error=name)  # noqa: TRY400  # a trace would quote parameters
            for job in jobs:
                job.error = Busy()
        else:
            self._observe(len(jobs))
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_answer, jobs)

    def _commit(self, lane: Lane, jobs: list[Job]) -> None:
        """One transaction for all; what two processes did at once is repeated, not lost."""
        for attempt in range(1, BATCH_ATTEMPTS + 1):
            try:
                with self._db.write() as session:
                    self._perform(session, lane, jobs)
            except OperationalError as error:
                if attempt == BATCH_ATTEMPTS or not _is_worth_repeating(error):
                    raise
                log.warning("writer_batch_repeated", lane=lane, attempt=attempt)
            else:
                return

    def _perform(self, session: Session, lane: Lane, jobs: list[Job]) -> None:
        if lane is Lane.SIGN_UP and self._perform_set(session, jobs):
            return
        for job in jobs:
            job.result, job.error = None, None
            try:
                with session.begin_nested():
                    job.result = self._perform_one(session, lane, job)
            except Exception as error:  # it belongs to the one who asked; the others go on
                if isinstance(error, DBAPIError) and _is_worth_repeating(error):
                    raise
                job.error = error

    def _perform_set(self, session: Session, jobs: list[Job]) -> bool:
        try:
            with session.begin_nested():
                self._sign_up_all(session, [job.work for job in jobs])
        except Exception as error:  # back to the SAVEPOINT: one by one finds the bad one
            if isinstance(error, DBAPIError) and _is_worth_repeating(error):
                raise
            log.warning("writer_set_failed", size=len(jobs), error=type(error).__name__)
            return False
        return True

    def _perform_one(self, session: Session, lane: Lane, job: Job) -> Any:
        return self._sign_up_all(session, [job.work]) if lane is Lane.SIGN_UP else job.work(session)


def _answer(jobs: list[Job]) -> None:
    for job in jobs:
        if job.waiter.done():
            continue
        if job.error is not None:
            job.waiter.set_exception(job.error)
        else:
            job.waiter.set_result(job.result)


# SQLSTATEs of PostgreSQL after which the same transaction may succeed: serialization failure, deadlock.
REPEATABLE_STATES = frozenset({"40001", "40P01"})


def _is_worth_repeating(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return state in REPEATABLE_STATES or "database is locked" in str(error.orig)
