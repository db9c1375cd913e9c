"""In a small run the Nth call of one kind fails, for every N: whichever it is, everybody gets the mail."""

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select
from typing_extensions import override

from digest.db import Database
from digest.delivery.marks import Marks, SentMark, StartMark, marks_for
from digest.delivery.witness import Seen, Witness
from subscribers.models import Subscriber
from tests.support.checker import check
from tests.support.sending import deliveries, make_edition, send_all, states
from tests.support.smtp import Act, Event, Script, Server, serve

PEOPLE = 6
TABLES = (
    "attempt", "delivery", "chunk", "content", "edition", "subscriber", "worker", "instance", "intervention", "route",
)  # fmt: skip
STEPS = {
    "statement": (2, 13),
    "mark": (2, 3),
    "mark, its word lost": (2, 3),
    "socket": (3, 13),
    "file": (1, 1),
}
"""By default a few calls of each kind fail, the first of them and each so many; the long form takes them all."""


class Countdown:
    """Counts calls; at the Nth it raises."""

    def __init__(self, number: int, error: Callable[[], Exception]) -> None:
        self.left = number
        self._error = error

    def call(self, *_: Any) -> None:
        self.left -= 1
        if self.left == 0:
            raise self._error()


def disk_error() -> sqlite3.OperationalError:
    found = sqlite3.OperationalError("disk I/O error")
    found.sqlite_errorcode = sqlite3.SQLITE_IOERR
    return found


def gone(db: Database) -> Exception:
    return disk_error() if db.is_sqlite else psycopg.OperationalError("the connection is lost")


class FailingMarks(Marks):
    """Marks whose Nth group fails: before it is written, or after, when only the word of it is lost."""

    def __init__(self, real: Marks, countdown: Countdown, *, is_after: bool) -> None:
        self.is_inline = real.is_inline
        self._real = real
        self._countdown = countdown
        self._is_after = is_after

    @override
    def write(self, sent: Sequence[SentMark], starts: Sequence[StartMark]) -> set[int]:
        if not self._is_after:
            self._countdown.call()
        granted = self._real.write(sent, starts)
        if self._is_after:
            self._countdown.call()
        return granted

    @override
    def close(self) -> None:
        self._real.close()


class FailingWitness(Witness):
    """A file whose Nth writing finds the disk full."""

    def __init__(self, path: Path, countdown: Countdown) -> None:
        super().__init__(path)
        self._countdown = countdown

    @override
    def write(self, seen: Seen) -> None:
        self._countdown.call()
        super().write(seen)


@contextmanager
def failing_statements(db: Database, countdown: Countdown) -> Iterator[None]:
    event.listen(db.engine, "before_cursor_execute", countdown.call)
    try:
        yield
    finally:
        event.remove(db.engine, "before_cursor_execute", countdown.call)


def losing_one_reply(seen: Event) -> Act | None:
    """Every run has a lost reply in it, so that there is something to decide."""
    return Act.ACCEPT_AND_CLOSE if (seen.verb, seen.count) == ("DOT", 1) else None


def closing_at(countdown: Countdown) -> Script:
    def script(seen: Event) -> Act | None:
        try:
            countdown.call()
        except ConnectionError:
            return Act.CLOSE
        return losing_one_reply(seen)

    return script


async def is_survived(db: Database, now: datetime, kind: str, number: int, folder: Path) -> bool:
    """A small edition in which the Nth call of a kind fails; False once there is no such call any more."""
    with db.write() as session:
        for table in TABLES:
            session.execute(text(f"DELETE FROM {table}"))
        make_edition(session, PEOPLE, now=now)
    countdown = Countdown(number, lambda: failure(db, kind))
    parts: dict[str, Any] = {}
    if kind.startswith("mark"):
        real = marks_for(db, is_durable=False)
        parts["marks"] = FailingMarks(real, countdown, is_after=kind == "mark, its word lost")
    if kind == "file":
        parts["witness"] = FailingWitness(folder / "witness.json", countdown)
    script = closing_at(countdown) if kind == "socket" else losing_one_reply
    async with serve(Server(script=script)) as server:
        with suppress(DBAPIError, OSError):  # the worker may end of it: the next one goes on
            quick = {"connections": 2, "first_backoff": timedelta(milliseconds=5)}
            if kind == "statement":
                with failing_statements(db, countdown):
                    await send_all(db, server.port, now=now, **quick, **parts)
            else:
                await send_all(db, server.port, now=now, **quick, **parts)
        server.script = lambda _: None
        await send_all(db, server.port, now=now + timedelta(minutes=11), owner="w2")
    with db.read() as session:
        addresses = {one.id: one.address for one in session.exec(select(Subscriber))}
    check(deliveries(db), addresses, server.accepted, doubles=3)
    assert states(db) == {"sent": PEOPLE}
    return countdown.left <= 0


def failure(db: Database, kind: str) -> Exception:
    if kind == "statement":
        return DBAPIError.instance("", {}, gone(db), (sqlite3.Error, psycopg.Error))  # type: ignore[arg-type]  # as the engine does
    if kind == "file":
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return ConnectionError() if kind == "socket" else gone(db)


@pytest.mark.parametrize("kind", STEPS)
async def test_whichever_call_fails_everybody_gets_the_mail(
    db: Database, now: datetime, kind: str, tmp_path: Path
) -> None:
    number, step = STEPS[kind]
    first = number
    while await is_survived(db, now, kind, number, tmp_path):
        number += step if db.is_sqlite else 3 * step
    assert number > first, "nothing of this kind was ever called"


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", STEPS)
async def test_whichever_of_all_calls_fails_everybody_gets_the_mail(
    db: Database, now: datetime, kind: str, tmp_path: Path
) -> None:
    number = 1
    while await is_survived(db, now, kind, number, tmp_path):
        number += 1
    assert number > 1
