"""One process that reads documents and may die of it: started on need, limited, replaced.

The parent's side is `Process`, used by one thread at a time; the child's side is `_serve`. A limit that a process
passes ends it, whatever it was doing, and the job gets the error.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import forkserver, get_context
from typing import TYPE_CHECKING

from digest.feeds.document import ParsedDocument
from digest.feeds.errors import FeedFormatError, ParserBug, ParserError, ParserMemory, ParserTimeout

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerContext, SpawnContext
    from multiprocessing.process import BaseProcess

_OUT_OF_MEMORY = 12
_STARTUP = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one document may cost, and how many documents one process reads."""

    time: timedelta = timedelta(seconds=4.8)
    """With the kill and its report a document is over within 5."""
    cpu: timedelta = timedelta(seconds=5)
    memory_mb: int = 768
    jobs: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A document to read and what is known of it."""

    body: bytes
    url: str = ""
    content_type: str | None = None
    is_own: bool = False


Read = Callable[[Job], ParsedDocument]
Answer = ParsedDocument | FeedFormatError | ParserBug | None
"""None is said once, when the process is ready."""


class Process:
    """One process and the line to it; used by one thread at a time."""

    def __init__(self, read: Read, limits: Limits) -> None:
        self._read, self._limits = read, limits
        self._process: BaseProcess | None = None
        self._line: Connection[Job, Answer] | None = None
        self._jobs = 0
        self._is_closed = False
        self.kills = 0

    def read(self, job: Job) -> ParsedDocument:
        """Return the answer of the process, or raise what became of it."""
        try:
            line = self._ready()
            line.send(job)
            if not line.poll(self._limits.time.total_seconds()):
                self._kill()
                raise ParserTimeout(f"took longer than {self._limits.time.total_seconds():g} s")
            answer = line.recv()
        except (EOFError, OSError):
            raise self._death() from None
        if isinstance(answer, ParsedDocument):
            return answer
        raise answer or ParserBug("no answer")

    @property
    def is_lost(self) -> bool:
        """Whether a killed or dead process has not been replaced yet."""
        return self._process is not None and self._line is None and not self._is_closed

    def renew(self) -> None:
        """Replace a lost process now, so that the next job need not wait for it; a failure is left to that job."""
        try:
            self._ready()
            self._jobs = 0
        except (EOFError, OSError, ParserError):
            self._retire()

    def stop(self) -> None:
        """End the process for good, whatever it does; from any thread."""
        self._is_closed = True
        if self._process is not None:
            _end(self._process)

    def close(self) -> None:
        """Wait for the end of a stopped process, when no thread uses it any more."""
        self._retire()

    def _ready(self) -> "Connection[Job, Answer]":
        """Return the line to a process that waits for a job."""
        if self._is_closed:
            raise ParserMemory("the pool is closed")
        self._jobs += 1
        if self._line is None or self._jobs > self._limits.jobs:
            self._retire()
            self._line = self._start()
            self._jobs = 1
        return self._line

    def _start(self) -> "Connection[Job, Answer]":
        """Return the line to a new process that has said it is ready."""
        context = _context(self._read.__module__)
        line, theirs = context.Pipe()
        self._line = line  # at once, so that it is closed whatever happens
        process = context.Process(target=_serve, args=(theirs, self._read, self._limits), daemon=True)
        process.start()
        self._process = process  # not before: what has not begun cannot be ended
        theirs.close()
        if self._is_closed:  # while it started: nobody else would end it
            raise EOFError
        if not line.poll(_STARTUP.total_seconds()):
            raise self._death()
        line.recv()
        return line

    def _death(self) -> ParserTimeout | ParserMemory:
        """Return the reason why the process is no more."""
        process = self._process
        if process is not None:
            process.join(1)
        self._kill()
        if process is not None and process.exitcode == -signal.SIGXCPU:
            return ParserTimeout(f"used more than {self._limits.cpu.total_seconds():g} s of processor time")
        return ParserMemory("needed too much memory, or ended its process")

    def _kill(self) -> None:
        self.kills += 1
        self._retire()

    def _retire(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
        if self._process is not None:
            _end(self._process)
            self._process.join()


def _end(process: "BaseProcess") -> None:
    """Kill a process, unless it is dead: its number may be another's by now."""
    if process.exitcode is None:
        process.kill()


def _context(module: str) -> "ForkServerContext | SpawnContext":
    """Return what starts a process that shares nothing with this one: neither its loop nor sockets nor locks.

    On Linux it is the copy of an empty process that has loaded `module`: whoever is killed is replaced in no time.
    """
    if sys.platform != "linux":
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([module])
    try:
        forkserver.ensure_running()
    except OSError:  # its socket has no place, such as under a very long TMPDIR
        return get_context("spawn")
    return context


def _serve(line: "Connection[Answer, Job]", read: Read, limits: Limits) -> None:
    """Answer jobs until the line is closed; the child's whole life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to understand
    _limit_memory(limits)
    line.send(None)
    while True:
        try:
            job = line.recv()
        except EOFError:
            return
        _limit_time(limits)
        line.send(_answer(read, job))


def _answer(read: Read, job: Job) -> Answer:
    try:
        return read(job)
    except FeedFormatError as error:
        return error
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)  # there may be no memory left even to say so
    except Exception as error:  # noqa: BLE001 (the rim: the parent logs it as our bug and goes on)
        bug = ParserBug(type(error).__name__)
        bug.add_note(
            "".join(traceback.format_tb(error.__traceback__))
        )  # no message: it may quote the document
        return bug


if sys.platform == "win32":

    def _limit_memory(limits: Limits) -> None: ...

    def _limit_time(limits: Limits) -> None: ...

else:
    import resource

    def _limit_memory(limits: Limits) -> None:
        _set_limit(resource.RLIMIT_CORE, 0)
        if sys.platform == "linux":  # elsewhere it counts what is shared, or nothing
            _set_limit(resource.RLIMIT_AS, limits.memory_mb * 1024 * 1024)

    def _limit_time(limits: Limits) -> None:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        _set_limit(resource.RLIMIT_CPU, int(usage.ru_utime + usage.ru_stime + limits.cpu.total_seconds()) + 1)

    def _set_limit(kind: int, soft: int) -> None:
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
