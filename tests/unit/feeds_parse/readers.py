"""Ways to read a document badly, for the processes of the pool; the document says which."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from digest.feeds.document import ParsedDocument
from digest.feeds.pool import read_document
from digest.feeds.process import Job


def read_as_told(job: Job) -> ParsedDocument:
    return _WAYS.get(job.body, read_document)(job)


def _sleep(job: Job) -> ParsedDocument:
    if job.url:  # a FIFO: whoever reads it learns that the job is under way
        Path(job.url).write_text("under way", encoding="utf-8")
    time.sleep(600)
    raise AssertionError("nobody ended the process")


def _spin(job: Job) -> ParsedDocument:
    while True:
        pass


def _devour(job: Job) -> ParsedDocument:
    return ParsedDocument(format="x" * 2**31)


def _vanish(job: Job) -> ParsedDocument:
    os._exit(3)


def _crash(job: Job) -> ParsedDocument:
    os.kill(os.getpid(), signal.SIGSEGV)
    return _sleep(job)


def _fail(job: Job) -> ParsedDocument:
    raise KeyError(job.body.upper())


def _tell(job: Job) -> ParsedDocument:
    return ParsedDocument(format="who", title=str(os.getpid()))


_WAYS: dict[bytes, Callable[[Job], ParsedDocument]] = {
    b"sleep": _sleep,
    b"spin": _spin,
    b"devour": _devour,
    b"vanish": _vanish,
    b"crash": _crash,
    b"fail": _fail,
    b"who": _tell,
}
