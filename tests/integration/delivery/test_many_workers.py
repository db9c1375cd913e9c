"""Many workers, one ledger: they share the rate and the pauses, and a database that fails under them loses nothing."""

import asyncio
from datetime import datetime, timedelta

import pytest
import structlog
from sqlmodel import select

from digest.db import Database
from digest.delivery import beats, routes
from digest.delivery.beats import Identity
from digest.delivery.marks import marks_for
from digest.delivery.models import Route
from tests.support.sending import make_edition, make_worker, send_all
from tests.support.smtp import Server, serve


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
