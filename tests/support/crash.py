"""Workers and planners as processes of their own, to be killed at any boundary.

The product holds no hooks for this: the server kills the process when it hears a verb, or what is handed in at
composition (composer, ledger) kills it from within.
"""

import asyncio
import multiprocessing
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlmodel import Session

from digest.db import Database
from digest.delivery import edition_control as control
from digest.delivery.outbox import EditionLedger
from digest.delivery.queue import Due
from digest.editions.plan import InstantRules, PlannedDelivery, plan_due
from digest.settings import UnknownPolicy
from tests.support.sending import PlainComposer, make_worker
from tests.support.smtp import Event

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.support.crash"])


def die() -> None:
    """Be killed, as by the kernel."""
    os.kill(os.getpid(), signal.SIGKILL)


class DeadlyComposer(PlainComposer):
    """Dies after the claim, or when it meets the delivery whose address starts with `poison`."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at

    def load(self, session: Session, rows: Sequence[Due]) -> None:
        if self.at == "claim":
            die()

    def compose(self, row: Due, *, dated_at: datetime) -> Any:
        if (row.address or "").startswith("poison"):
            die()
        return super().compose(row, dated_at=dated_at)


class DeadlyLedger(EditionLedger):
    """Dies with a slice written and not committed."""

    def __init__(self, after: int) -> None:
        self.left = after

    def write(
        self, session: Session, edition_id: int, rows: Sequence[PlannedDelivery], *, now: datetime
    ) -> None:
        super().write(session, edition_id, rows, now=now)
        self.left -= 1
        if self.left < 0:
            die()


def send(url: str, port: int, now: datetime, policy: UnknownPolicy, at: str, options: dict[str, Any]) -> None:
    """The body of a worker process: send what is due, once, or until killed or told to stop (SIGTERM)."""

    async def main() -> None:
        db = Database(url)
        worker = make_worker(
            db,
            port,
            clock=lambda: now,
            policy=policy,
            owner=f"w{os.getpid()}",
            composer=DeadlyComposer(at),
            **options,
        )
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await (worker.run_forever(stop) if at == "forever" else worker.run_until_idle())
        db.close()

    asyncio.run(main())


def plan(url: str, now: datetime, after: int) -> None:
    """The body of a planner process that dies in its slice number `after`."""
    db = Database(url)
    plan_due(
        db, DeadlyLedger(after), now=now, catch_up=timedelta(hours=6), instant=InstantRules(), slice_size=10
    )


COMMANDS: dict[str, Callable[[Session, int, datetime], object]] = {
    "hold": lambda session, edition, now: control.hold(session, edition, reason="x", now=now),
    "hold all": lambda session, _, now: control.hold_all(session, reason="x", now=now),
    "release": lambda session, edition, now: control.release(session, edition, now=now),
    "release all": lambda session, _, now: control.release_all(session, now=now),
    "cancel": lambda session, edition, now: control.cancel(session, edition, now=now, returns_news=True),
    "retry": lambda session, edition, now: control.retry(
        session, edition, now=now, refused=True, unknown=True
    ),
}
"""What an operator can do, by name: a process of its own is told which."""


def operate(url: str, command: str, edition: int, now: datetime, at: int) -> None:
    """The body of an operator's process that dies before its statement of this number; 0 = before its commit."""
    db = Database(url)
    left = [at]

    def count(*_: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            die()

    with db.write() as session:
        event.listen(db.engine, "before_cursor_execute", count)
        COMMANDS[command](session, edition, now)
        session.flush()
        die()


def start(body: Callable[..., None], *values: Any) -> BaseProcess:
    """Start a process; kill or join it by its own handle."""
    process = PROCESSES.Process(target=body, args=values, daemon=True)
    process.start()
    return process


@contextmanager
def started(body: Callable[..., None], *values: Any) -> Iterator[BaseProcess]:
    """A process that outlives the block in no case, not even frozen by a test that failed."""
    process = start(body, *values)
    try:
        yield process
    finally:
        process.kill()
        process.join()


def freeze(process: BaseProcess, db: Database) -> None:
    """Stop a process between two transactions: one that holds SQLite's only lock would stop everybody."""
    while True:
        _stop(process.pid or 0)
        if not db.is_sqlite or _is_free(db):
            return
        thaw(process)


def thaw(process: BaseProcess) -> None:
    """Let a frozen process go on."""
    os.kill(process.pid or 0, signal.SIGCONT)


def _stop(pid: int) -> None:
    """Return when every thread has really stopped: the signal alone only asks for it."""
    os.kill(pid, signal.SIGSTOP)
    tasks = Path(f"/proc/{pid}/task")
    while not all(_state(task) == "T" for task in tasks.iterdir()):
        time.sleep(0.001)


def _state(task: Path) -> str:
    return (task / "stat").read_text(encoding="utf-8").rpartition(") ")[2][0]


def _is_free(db: Database) -> bool:
    probe = sqlite3.connect(db.url.database or "", timeout=0, isolation_level=None)
    try:
        probe.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    finally:
        probe.close()
    return True


def killing(verb: str, number: int, pid: Callable[[], int | None]) -> Callable[[Event], None]:
    """A server's script that kills a process when it hears a verb for the given time; `REPLY` is just after an answer."""

    def script(event: Event) -> None:
        heard = "MAIL" if verb == "REPLY" else verb
        if event.verb == heard and event.count == number:
            victim = pid()
            if victim is not None:
                os.kill(victim, signal.SIGKILL)

    return script
