"""Many workers, one ledger: they share the rate and the pauses, and a database that fails under them loses nothing."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
import structlog
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import select

from digest.db import Database
from digest.delivery import beats, routes
from digest.delivery.beats import Identity
from digest.delivery.marks import marks_for
from digest.delivery.models import Route
from subscribers.models import Subscriber
from tests.support.checker import check
from tests.support.sending import deliveries, make_edition, make_worker, send_all, states
from tests.support.smtp import Act, Event, Server, serve


def checked(db: Database, server: Server, *, doubles: int = 0) -> None:
    with db.read() as session:
        addresses = {one.id: one.address for one in session.exec(select(Subscriber))}
    check(deliveries(db), addresses, server.accepted, doubles=doubles)


async def test_two_workers_share_the_rate(db: Database, now: datetime) -> None:
    other = Identity("elsewhere", "other-machine", "b", "n", 1)
    with db.write() as session:
        beats.arrive(session, other, now=now)
    async with serve() as server:
        worker = make_worker(db, server.port, clock=lambda: now, rate=40.0, beat=timedelta(seconds=10))
        life, rate = worker._life, worker._shared.throttle.rate
        life.arrive()
        at = asyncio.get_running_loop().time()
        assert (rate.per_second, rate.wait(at)) == (20.0, pytest.approx(10, abs=5))
        assert rate.wait(at + 11) == 0
        with db.write() as session:
            beats.leave(session, other)
        life.beat()
        assert rate.per_second == 40.0
        life.leave()


async def test_a_pause_one_worker_was_asked_for_is_kept_by_all_from_their_first_mail_on(
    db: Database, now: datetime
) -> None:
    with db.write() as session:
        routes.pause(session, "example.org", until=now + timedelta(minutes=15), window=1, reason="x")
        make_edition(session, 5, now=now)
    async with serve() as server:
        assert (await send_all(db, server.port, now=now)).sent == 0
        assert not server.accepted
        assert (await send_all(db, server.port, now=now + timedelta(minutes=16))).sent == 5


def test_two_workers_may_write_down_the_same_pause_and_the_longer_one_holds(
    db: Database, now: datetime
) -> None:
    for minutes in (15, 30, 20):
        with db.write() as session:
            until = now + timedelta(minutes=minutes)
            routes.pause(session, "example.org", until=until, window=1, reason="x")
    with db.read() as session:
        assert session.exec(select(Route.paused_until)).one() == now + timedelta(minutes=30)


async def test_connections_that_the_server_kills_cost_nobody_a_mail(postgres_url: str, now: datetime) -> None:
    db = Database(f"{postgres_url}{'&' if '?' in postgres_url else '?'}application_name=victim")
    with db.write() as session:
        make_edition(session, 10, now=now)

    def script(seen: Event) -> None:
        if seen.verb == "DOT" and seen.count in {2, 6}:
            with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as killer:
                killer.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'"
                )

    async with serve(Server(script=script)) as server:
        assert (await send_all(db, server.port, now=now)).sent == 10
    checked(db, server)
    db.close()


@contextmanager
def failing_at(db: Database, number: int, error: Callable[[], Exception]) -> Iterator[list[int]]:
    """The engine's statement of this number fails, as the driver would have it."""
    seen = [0]

    def fail(*_: Any) -> None:
        seen[0] += 1
        if seen[0] == number:
            raise DBAPIError.instance("", {}, error(), sqlite3.Error)  # type: ignore[arg-type]

    event.listen(db.engine, "before_cursor_execute", fail)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", fail)


def disk_error() -> sqlite3.OperationalError:
    found = sqlite3.OperationalError("disk I/O error")
    found.sqlite_errorcode = sqlite3.SQLITE_IOERR
    return found


async def send_with_failure(db: Database, now: datetime, number: int) -> bool:
    """A small edition with one failing statement; False once there is no such statement any more."""
    with db.write() as session:
        for table in (
            "attempt",
            "delivery",
            "chunk",
            "content",
            "edition",
            "subscriber",
            "worker",
            "instance",
        ):
            session.execute(text(f"DELETE FROM {table}"))
        make_edition(session, 6, now=now)
    script = lambda seen: Act.ACCEPT_AND_CLOSE if (seen.verb, seen.count) == ("DOT", 1) else None  # noqa: E731
    async with serve(Server(script=script)) as server:
        with failing_at(db, number, disk_error) as seen:
            with suppress(OperationalError):  # the worker may end of it: the next one goes on
                await send_all(
                    db, server.port, now=now, connections=2, first_backoff=timedelta(milliseconds=5)
                )
            is_over = seen[0] < number
        server.script = lambda _: None
        later = now + timedelta(minutes=11)
        await send_all(db, server.port, now=later, owner="w2")
    checked(db, server, doubles=3)
    assert states(db) == {"sent": 6}
    return not is_over


@pytest.mark.parametrize("number", range(1, 120, 13))
async def test_whichever_statement_fails_everybody_gets_the_mail(
    sqlite_url: str, now: datetime, number: int
) -> None:
    db = Database(sqlite_url)
    await send_with_failure(db, now, number)
    db.close()


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_whichever_statement_fails_of_all_everybody_gets_the_mail(
    sqlite_url: str, now: datetime
) -> None:
    db = Database(sqlite_url)
    number = 1
    while await send_with_failure(db, now, number):
        number += 1
    assert number > 40
    db.close()


async def test_what_is_logged_of_a_bad_day_names_nobody(db: Database, now: datetime) -> None:
    answers = {
        "r2@example.org": "550 5.1.1 <r2@example.org> no such user", "r3@example.org": "450 4.2.0 r3@example.org later",
        "r4@example.org": "421 4.7.0 r4@example.org too fast", "r5@example.org": "550 5.7.1 r5@example.org refused",
    }  # fmt: skip
    script = lambda seen: answers.get(seen.recipient) if seen.verb == "RCPT" else None  # noqa: E731
    with db.write() as session:
        make_edition(session, 8, now=now)
    with structlog.testing.capture_logs() as logs:
        async with serve(Server(script=script)) as server:
            await send_all(db, server.port, now=now, first_backoff=timedelta(milliseconds=5))
    assert "@" not in repr(logs)


async def test_marks_are_written_once_per_group_not_once_per_mail(db: Database, now: datetime) -> None:
    assert marks_for(db, is_durable=False).is_inline is db.is_sqlite
    with db.write() as session:
        make_edition(session, 40, now=now)
    async with serve() as server:
        worker = make_worker(db, server.port, clock=lambda: now, connections=8)
        await asyncio.wait_for(worker.run_until_idle(), 60)
    figures = worker._committer.figures
    assert figures.marks == 80
    assert figures.commits < 80
