"""Processes that may die: nothing from the network is parsed where it could hurt.

A small pool of processes of their own runs decode, parse and normalize. A job has a limit of wall time, CPU time and
memory; a process that passes one is killed and replaced at once, and its document gets the error. Jobs behind it lose
nothing. Processes start on first need and are replaced after some hundred jobs.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import Self

from digest.feeds.document import ParsedDocument
from digest.feeds.normalize import normalize_feed
from digest.feeds.parse import parse_feed
from digest.feeds.process import Job, Limits, Process, Read


def read_document(job: Job) -> ParsedDocument:
    """Return what a document says, safe; the work of one job."""
    feed = parse_feed(job.body, url=job.url, content_type=job.content_type)
    return normalize_feed(feed, is_own=job.is_own)


class ParsePool:
    """Reads documents in processes of its own; use it as `async with`, or `close` it."""

    def __init__(
        self, *, processes: int = 2, limits: Limits | None = None, read: Read = read_document
    ) -> None:
        """Start nothing yet; `read` is what a process does with a job, by name importable there."""
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="parse")
        self._renewals = ThreadPoolExecutor(1, thread_name_prefix="parse-renewal")
        self._idle: SimpleQueue[Process] = SimpleQueue()
        self._all = [Process(read, limits or Limits()) for _ in range(processes)]
        for process in self._all:
            self._idle.put(process)

    async def parse(
        self, body: bytes, *, url: str = "", content_type: str | None = None, is_own: bool = False
    ) -> ParsedDocument:
        """Return the document with its candidates; links of an own feed are upgraded to https.

        Raises `FeedFormatError`, `ParserTimeout`, `ParserMemory`, and `ParserBug` for a mistake of ours.
        """
        job = Job(body=body, url=url, content_type=content_type, is_own=is_own)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, job)

    @property
    def kills(self) -> int:
        """How many processes were killed or died since the pool was made."""
        return sum(process.kills for process in self._all)

    def close(self) -> None:
        """End all processes; a job under way raises `ParserMemory`, one that waits is cancelled."""
        for threads in (self._threads, self._renewals):
            threads.shutdown(wait=False, cancel_futures=True)
        for process in self._all:
            process.stop()
            self._idle.put(process)  # whoever waits for one learns that there is none
        for threads in (self._threads, self._renewals):
            threads.shutdown(wait=True)
        for process in self._all:
            process.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def _read(self, job: Job) -> ParsedDocument:
        """Take a free process and give it back whatever happens; a lost one only when it has been replaced."""
        process = self._idle.get()
        try:
            return process.read(job)
        finally:
            if process.is_lost:
                self._renew(process)
            else:
                self._idle.put(process)

    def _renew(self, process: Process) -> None:
        """Start its successor beside the jobs, which go on in the other processes meanwhile."""

        def work() -> None:
            process.renew()
            self._idle.put(process)

        with suppress(RuntimeError):  # the pool is closing
            self._renewals.submit(work)
