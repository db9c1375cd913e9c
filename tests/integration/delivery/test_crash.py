"""Killed anywhere, any number of times: nobody is skipped, and at most one extra copy, or none."""

import asyncio
import os
import random
import signal
import time
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess

import pytest
from sqlmodel import select, update

from digest.db import Database
from digest.delivery.models import Delivery, DeliveryState
from digest.settings import UnknownPolicy
from subscribers.models import Subscriber
from tests.support import crash
from tests.support.checker import check
from tests.support.sending import deliveries, make_edition, send_all, states
from tests.support.smtp import Server, running

PEOPLE = 30
CONNECTIONS = 4
SOAK = [pytest.param(verb, marks=pytest.mark.soak) for verb in ("BANNER", "EHLO", "MAIL", "RCPT")]
BEFORE_DOT = ["claim", *SOAK, "DATA", "CONTENT"]
AFTER_DOT = ["DOT", "REPLY"]


def killed_once(url: str, now: datetime, at: str, policy: UnknownPolicy, server: Server) -> None:
    """Let a worker send until it is killed at a boundary."""
    pids: list[int] = []
    number = 3 if at in {"BANNER", "EHLO"} else 10
    server.script = crash.killing(at, number, lambda: pids[0] if pids else None)
    process = crash.start(crash.send, url, server.port, now, policy, at, {"connections": CONNECTIONS})
    pids.append(process.pid)
    process.join(20)
    assert process.exitcode == -signal.SIGKILL, f"the worker was not killed at {at}"
    server.script = lambda event: None


def finish_and_check(
    db: Database, server: Server, now: datetime, policy: UnknownPolicy, *, doubles: int
) -> None:
    """A new worker takes over at once; afterwards all invariants hold."""
    in_doubt = states(db).get("in_data", 0)
    assert in_doubt <= CONNECTIONS
    asyncio.run(send_all(db, server.port, now=now + timedelta(seconds=1), policy=policy))
    with db.read() as session:
        addresses = {one.id: one.address for one in session.exec(select(Subscriber))}
    rows = deliveries(db)
    copies = check(rows, addresses, server.accepted, doubles=min(doubles, in_doubt))
    unknown = sum(row.state is DeliveryState.UNKNOWN for row in rows)
    if policy is UnknownPolicy.HOLD:
        assert (unknown, max(copies.values())) == (in_doubt, 1)
    else:
        assert (unknown, len(copies)) == (0, PEOPLE)


@pytest.mark.parametrize("at", BEFORE_DOT + AFTER_DOT)
def test_a_worker_killed_at_a_boundary_loses_nobody(sqlite_url: str, now: datetime, at: str) -> None:
    killed_and_checked(sqlite_url, now, at, UnknownPolicy.RESEND)


@pytest.mark.parametrize("at", [*SOAK, pytest.param("CONTENT", marks=pytest.mark.soak), "DOT", "REPLY"])
def test_the_same_on_postgresql(postgres_url: str, now: datetime, at: str) -> None:
    killed_and_checked(postgres_url, now, at, UnknownPolicy.RESEND)


@pytest.mark.parametrize("at", AFTER_DOT)
def test_under_hold_nobody_ever_gets_a_second_copy(sqlite_url: str, now: datetime, at: str) -> None:
    killed_and_checked(sqlite_url, now, at, UnknownPolicy.HOLD)


def killed_and_checked(url: str, now: datetime, at: str, policy: UnknownPolicy) -> None:
    db = Database(url)
    with db.write() as session:
        make_edition(session, PEOPLE, now=now)
    with running() as server:
        killed_once(url, now, at, policy, server)
        doubles = (
            0 if at == "claim" else CONNECTIONS
        )  # while one connection is at it, others may be past their dots
        finish_and_check(db, server, now, policy, doubles=doubles)
    db.close()


def test_three_workers_killed_at_random_moments_lose_nobody(database_url: str, now: datetime) -> None:
    db = Database(database_url)
    with db.write() as session:
        make_edition(session, 300, now=now)
    dice = random.Random(7)
    kills = 0
    with running(Server(is_quiet=True)) as server:
        workers = [start_worker(database_url, server, now) for _ in range(3)]
        for _ in range(3):
            target = len(server.accepted) + dice.randrange(20, 60)
            wait_until(server, target)
            victim = dice.randrange(3)
            os.kill(workers[victim].pid, signal.SIGKILL)
            workers[victim].join(10)
            kills += 1
            workers[victim] = start_worker(database_url, server, now)
        asyncio.run(send_all(db, server.port, now=now))
        for worker in workers:
            os.kill(worker.pid, signal.SIGTERM)
            worker.join(20)
            # the last one started may be told to stop before it can listen: then it holds nothing yet
            assert worker.exitcode in {0, -signal.SIGTERM}
        asyncio.run(send_all(db, server.port, now=now))
        with db.read() as session:
            addresses = {one.id: one.address for one in session.exec(select(Subscriber))}
        copies = check(deliveries(db), addresses, server.accepted, doubles=kills * CONNECTIONS)
    assert len(copies) == 300
    db.close()


def start_worker(url: str, server: Server, now: datetime) -> BaseProcess:
    options = {"connections": CONNECTIONS}
    return crash.start(crash.send, url, server.port, now, UnknownPolicy.RESEND, "forever", options)


def wait_until(server: Server, accepted: int) -> None:
    for _ in range(2000):
        if len(server.accepted) >= min(accepted, 290):
            return
        time.sleep(0.005)
    pytest.fail("the workers stopped sending")


def test_a_delivery_that_kills_every_worker_is_found_and_failed_alone(sqlite_url: str, now: datetime) -> None:
    db = Database(sqlite_url)
    with db.write() as session:
        make_edition(session, 1, now=now, address="poison{}@example.org")
        make_edition(session, 5, now=now, local_time="08:00")
        session.exec(update(Delivery).values(chunk_id=1))
    with running() as server:
        crashes = 0
        for _ in range(8):
            process = crash.start(
                crash.send, sqlite_url, server.port, now, UnknownPolicy.RESEND, "", {"connections": 1}
            )
            process.join(20)
            if process.exitcode == 0:
                break
            crashes += 1
    assert crashes <= 5
    poison = deliveries(db)[0]
    assert (poison.state.value, poison.reason) == ("failed", "poison")
    assert states(db) == {"failed": 1, "sent": 5}
    assert set(server.copies().values()) == {1}
    db.close()
