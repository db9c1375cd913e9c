"""Groups marks: whatever gathers while one commit runs goes into the next, so groups grow with the load, without a timer.

A commit that fails means no dot: starts wait, outcomes in hand are kept and written first when the database works
again. A start that was not granted within its time is withdrawn, and its connection closes without a dot.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from digest.delivery.availability import is_unavailable
from digest.delivery.marks import Marks, SentMark, StartMark
from digest.mail.outcome import Outcome

_log = structlog.get_logger(__name__)
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that did not end in a first-try 250: it needs a decision, not just a mark."""

    delivery_id: int
    fence: int
    outcome: Outcome
    at: datetime


@dataclass(slots=True)
class Figures:
    """What the committer has done so far."""

    commits: int = 0
    marks: int = 0
    failures: int = 0
    refused: int = 0


class _Waiting(NamedTuple):
    future: asyncio.Future[bool]
    asked_at: float


@dataclass(slots=True)
class _Group:
    sent: list[SentMark] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    starts: list[StartMark] = field(default_factory=list)
    waiting: list["_Waiting"] = field(default_factory=list)
    barriers: list[asyncio.Future[None]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.sent or self.ended or self.starts or self.barriers)


class Committer:
    """The only writer of marks of one worker; used from one event loop."""

    def __init__(
        self,
        marks: Marks,
        *,
        settle: Callable[[Sequence[Ended]], None],
        relieved: Callable[[], None] = lambda: None,
        patience: timedelta = timedelta(seconds=60),
    ) -> None:
        self.figures = Figures()
        self._marks = marks
        self._settle = settle
        self._relieved = relieved
        self._patience = patience.total_seconds()
        self._loop = asyncio.get_running_loop()
        self._group = _Group()
        self._is_busy = False
        self._pause = 0.0
        self._error: BaseException | None = None
        self.backlog = 0
        """Ends noted and not yet written; `relieved` is called whenever it shrinks."""

    def start(self, mark: StartMark) -> asyncio.Future[bool]:
        """Ask for a dot; the future is True once the row is committed `in_data`."""
        future: asyncio.Future[bool] = self._loop.create_future()
        self._group.starts.append(mark)
        self._group.waiting.append(_Waiting(future, self._loop.time()))
        self._wake()
        return future

    def sent(self, mark: SentMark) -> None:
        """Note a 250 to the dot; it is committed before, or together with, any later start."""
        self._group.sent.append(mark)
        self._wake()

    def ended(self, mark: Ended) -> None:
        """Note any other end; the same promise."""
        self._group.ended.append(mark)
        self.backlog += 1
        self._wake()

    def barrier(self) -> asyncio.Future[None]:
        """Done when everything noted before is committed."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._group.barriers.append(future)
        self._wake()
        return future

    def _wake(self) -> None:
        if not self._is_busy:
            self._is_busy = True
            self._loop.call_soon(self._run)

    def _run(self) -> None:
        group, self._group = self._group, _Group()
        if self._error is not None:
            self._break(group, self._error)
            return
        if self._marks.is_inline and not group.ended:
            try:
                granted = self._marks.write(group.sent, group.starts)
            except Exception as error:  # noqa: BLE001  # the loop's rim: counted, told apart and tried again
                self._failed(group, error)
            else:
                self._done(group, granted)
        else:
            job = self._loop.run_in_executor(None, self._write, group)
            job.add_done_callback(lambda done: self._finished(group, done))

    def _write(self, group: _Group) -> set[int]:
        """In a thread. Decided ends go first: once written they are dropped, so a second try repeats nothing."""
        if group.ended:
            self._settle(group.ended)
            group.ended = []
        return self._marks.write(group.sent, group.starts) if group.sent or group.starts else set()

    def _finished(self, group: _Group, job: "asyncio.Future[set[int]]") -> None:
        error = job.exception()
        if error is None:
            self._done(group, job.result())
        else:
            self._failed(group, error)

    def _done(self, group: _Group, granted: set[int]) -> None:
        figures = self.figures
        figures.commits += 1
        figures.marks += len(group.sent) + len(group.starts)
        figures.refused += len(group.starts) - len(granted)
        self._pause = 0.0
        self._relieve()
        for mark, waiting in zip(group.starts, group.waiting, strict=True):
            if not waiting.future.done():
                waiting.future.set_result(mark.delivery_id in granted)
        for barrier in group.barriers:
            if not barrier.done():
                barrier.set_result(None)
        self._next()

    def _relieve(self) -> None:
        if self.backlog > len(self._group.ended):
            self.backlog = len(self._group.ended)
            self._relieved()

    def _failed(self, group: _Group, error: BaseException) -> None:
        """Keep the outcomes, keep the starts that still have time, and try again after a pause."""
        self.figures.failures += 1
        if not is_unavailable(error):
            self._break(group, error)
            return
        _log.warning(
            "marks_failed", error=type(error).__name__, sent=len(group.sent), starts=len(group.starts)
        )
        later, kept = self._group, self._still_wanted(group)
        self._group = _Group(
            kept.sent + later.sent,
            kept.ended + later.ended,
            kept.starts + later.starts,
            kept.waiting + later.waiting,
            kept.barriers + later.barriers,
        )
        self._pause = min(_LONGEST_PAUSE, max(_FIRST_PAUSE, self._pause * 2))
        self._loop.call_later(self._pause, self._run)

    def _break(self, group: _Group, error: BaseException) -> None:
        """An error that trying again will not mend: no dot goes any more, and whoever waits for a barrier is told."""
        _log.error("marks_broken", error=type(error).__name__)
        self._error = error
        for waiting in group.waiting:
            if not waiting.future.done():
                waiting.future.set_result(False)
        for barrier in group.barriers:
            if not barrier.done():
                barrier.set_exception(error)
        self._next()

    def _still_wanted(self, group: _Group) -> _Group:
        """The group without the starts that nobody waits for or that waited too long."""
        kept = _Group(group.sent, group.ended, barriers=group.barriers)
        for mark, waiting in zip(group.starts, group.waiting, strict=True):
            if waiting.future.done():
                continue
            if self._loop.time() - waiting.asked_at > self._patience:
                waiting.future.set_result(False)
                continue
            kept.starts.append(mark)
            kept.waiting.append(waiting)
        return kept

    def _next(self) -> None:
        if self._group:
            self._loop.call_soon(self._run)
        else:
            self._is_busy = False
