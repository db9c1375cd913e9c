"""Faults of server, database and process in the middle of a run: the same outcomes on both ways of speaking SMTP."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from digest.db import Database
from digest.delivery.models import Action, Attempt, Chunk, Intervention, Reason, Route
from digest.delivery.outbox import withdraw
from digest.settings import UnknownPolicy
from subscribers.models import Subscriber
from tests.support import crash
from tests.support.checker import check
from tests.support.sending import QUICK, deliveries, make_edition, make_worker, send_all, states, until
from tests.support.smtp import EXTENSIONS, Act, Event, Server, running, serve

MINUTES = timedelta(minutes=1)
BOTH = pytest.mark.parametrize("extensions", [EXTENSIONS, EXTENSIONS[1:]], ids=["pipelined", "stock"])


@pytest.fixture
def ten(sqlite_url: str, now: datetime) -> Iterator[Database]:
    """Ten people are owed an edition; the SQL of both databases is tested elsewhere, here it is the faults."""
    db = Database(sqlite_url)
    with db.write() as session:
        make_edition(session, 10, now=now)
    yield db
    db.close()


def at(verb: str, answer: str | Act, *numbers: int) -> Callable[[Event], str | Act | None]:
    return lambda event: answer if event.verb == verb and event.count in numbers else None


def checked(db: Database, server: Server, *, doubles: int) -> None:
    with db.read() as session:
        addresses = {one.id: one.address for one in session.exec(select(Subscriber))}
    check(deliveries(db), addresses, server.accepted, doubles=doubles)


@BOTH
@pytest.mark.parametrize("policy", list(UnknownPolicy))
async def test_a_reply_lost_after_the_dot_is_never_sent_unless_the_copy_is(
    ten: Database, now: datetime, extensions: tuple[str, ...], policy: UnknownPolicy
) -> None:
    server = Server(extensions=extensions, script=at("DOT", Act.ACCEPT_AND_CLOSE, 2, 5))
    async with serve(server):
        counts = await send_all(ten, server.port, now=now, policy=policy)
        assert counts.sent == 8
        await send_all(ten, server.port, now=now + 11 * MINUTES, policy=policy)
    is_hold = policy is UnknownPolicy.HOLD
    assert states(ten) == ({"sent": 8, "unknown": 2} if is_hold else {"sent": 10})
    checked(ten, server, doubles=0 if is_hold else 2)


@BOTH
@pytest.mark.parametrize("act", [Act.CLOSE, Act.GARBAGE])
@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "RCPT", "DATA"])
async def test_a_link_that_ends_before_the_dot_costs_nobody_an_attempt(
    ten: Database, now: datetime, extensions: tuple[str, ...], act: Act, verb: str
) -> None:
    server = Server(extensions=extensions, script=at(verb, act, 1, 4))
    async with serve(server):
        await send_all(ten, server.port, now=now, first_backoff=timedelta(milliseconds=10), connections=2)
    assert states(ten) == {"sent": 10}
    assert {row.attempts for row in deliveries(ten)} == {1}
    checked(ten, server, doubles=0)


@BOTH
async def test_a_server_that_takes_a_few_mails_a_connection_is_learned_and_never_waited_for(
    ten: Database, now: datetime, extensions: tuple[str, ...]
) -> None:
    byes = []

    def script(event: Event) -> str | None:
        if event.verb != "MAIL" or event.on_connection < 3:
            return None
        byes.append(event)
        return "421 4.7.0 Too many mails"

    async with serve(Server(extensions=extensions, script=script)) as server:
        worker = make_worker(ten, server.port, clock=lambda: now, connections=1)
        await asyncio.wait_for(worker.run_until_idle(), 60)
    assert ({row.attempts for row in deliveries(ten)}, states(ten)) == ({1}, {"sent": 10})
    assert (len(byes), worker._shared.route.failures, server.connections) == (2, 0, 4)


async def test_greylisted_by_all_everybody_gets_one_mail_later(ten: Database, now: datetime) -> None:
    seen: set[str] = set()

    def script(event: Event) -> str | None:
        if event.verb != "RCPT" or event.recipient in seen:
            return None
        seen.add(event.recipient)
        return "450 4.2.0 Greylisted"

    async with serve(Server(script=script)) as server:
        assert (await send_all(ten, server.port, now=now)).deferred == 10
        assert (await send_all(ten, server.port, now=now + 4 * MINUTES)).sent == 0
        assert (await send_all(ten, server.port, now=now + 6 * MINUTES)).sent == 10
    assert set(server.copies().values()) == {1}
    with ten.read() as session:
        assert len(session.exec(select(Attempt)).all()) == 20


async def test_a_house_that_asks_for_less_three_times_is_left_alone_and_others_go_on(
    db: Database, now: datetime
) -> None:
    with db.write() as session:
        make_edition(session, 10, now=now, address="r{}@slow.example")
        make_edition(session, 10, now=now, local_time="08:00")
    slow = lambda event: "451 4.7.1 Slow down" if event.verb == "RCPT" and "slow" in event.recipient else None  # noqa: E731
    async with serve(Server(script=slow)) as server:
        counts = await send_all(db, server.port, now=now, connections=1)
        assert (counts.sent, counts.deferred) == (10, 3)
        assert states(db) == {"sent": 10, "deferred": 3, "planned": 7}
        assert (await send_all(db, server.port, now=now + 10 * MINUTES, connections=1)).deferred == 0
        with db.read() as session:
            route = session.exec(select(Route)).one()
            assert (route.provider, route.paused_until) == (
                "slow.example",
                pytest.approx(now + 15 * MINUTES, abs=MINUTES),
            )
        server.script = lambda event: None
        assert (await send_all(db, server.port, now=now + 20 * MINUTES, connections=1)).sent == 10


async def test_a_third_refused_only_they_fail(ten: Database, now: datetime) -> None:
    gone = {f"r{number}@example.org" for number in (1, 4, 7)}
    script = lambda event: "550 5.1.1 No" if event.verb == "RCPT" and event.recipient in gone else None  # noqa: E731
    suppressed: list[tuple[str, Reason]] = []
    async with serve(Server(script=script)) as server:
        await send_all(ten, server.port, now=now, suppressed=suppressed)
    assert states(ten) == {"sent": 7, "failed": 3}
    assert {address for address, _ in suppressed} == gone


async def test_too_many_dead_addresses_hold_the_edition(db: Database, now: datetime) -> None:
    with db.write() as session:
        make_edition(session, 60, now=now)
    script = lambda event: "550 5.1.1 No" if event.verb == "RCPT" else None  # noqa: E731
    async with serve(Server(script=script)) as server:
        worker = make_worker(db, server.port, clock=lambda: now, connections=1)
        stop = asyncio.Event()
        run = asyncio.create_task(worker.run_forever(stop))
        await until(lambda: states(db).get("failed", 0) >= 20)
        stop.set()
        await run
    assert 20 <= states(db)["failed"] < 60
    with db.read() as session:
        assert all(session.exec(select(Chunk.is_held).where(Chunk.is_open)))
        done = session.exec(select(Intervention)).one()
        assert (done.action, done.who, done.at) == (Action.HOLD, "breaker", now)
        assert "addresses do not exist" in done.reason


async def test_a_mail_whose_content_always_ends_the_link_is_put_off_and_others_go_on(
    ten: Database, now: datetime
) -> None:
    bad = lambda event: Act.CLOSE if event.verb == "CONTENT" and event.recipient == "r3@example.org" else None  # noqa: E731
    async with serve(Server(script=bad)) as server:
        await send_all(ten, server.port, now=now, connections=2, first_backoff=timedelta(milliseconds=10))
    assert states(ten).get("sent") == 9
    three = deliveries(ten)[2]
    assert three.state.value == "deferred"


async def test_silence_after_one_dot_does_not_stop_the_others(ten: Database, now: datetime) -> None:
    server = Server(script=at("DOT", Act.ACCEPT_IN_SILENCE, 0))
    async with serve(server):
        options = {
            "slow_dot": timedelta(milliseconds=50),
            "flush": timedelta(milliseconds=20),
            "timeouts": QUICK,
        }
        worker = make_worker(ten, server.port, clock=lambda: now, connections=1, **options)
        await asyncio.wait_for(worker.run_until_idle(), 20)
    assert states(ten) == {"sent": 9, "deferred": 1}
    assert server.connections >= 2


async def test_who_leaves_during_the_run_gets_no_mail_that_had_not_begun(
    ten: Database, now: datetime
) -> None:
    withdrawn: list[int] = []

    def script(event: Event) -> None:
        if event.verb == "MAIL" and event.count == 4:
            with ten.write() as session:
                withdrawn.extend(number for number in range(1, 11) if withdraw(session, number, now=now))

    async with serve(Server(script=script)) as server:
        await send_all(ten, server.port, now=now, connections=2, first_backoff=timedelta(milliseconds=10))
    assert withdrawn
    assert states(ten) == {"sent": 10 - len(withdrawn), "skipped": len(withdrawn)}
    assert not {f"r{number}@example.org" for number in withdrawn} & set(server.copies())


def test_a_worker_told_to_stop_lands_its_mails_and_gives_the_rest_back(
    database_url: str, now: datetime
) -> None:
    db = Database(database_url)
    with db.write() as session:
        make_edition(session, 300, now=now)
    with running(Server(is_quiet=True)) as server:
        options = {"connections": 4}
        worker = crash.start(
            crash.send, database_url, server.port, now, UnknownPolicy.RESEND, "forever", options
        )
        asyncio.run(until(lambda: len(server.accepted) > 40))
        os.kill(worker.pid or 0, signal.SIGTERM)
        worker.join(20)
        assert worker.exitcode == 0
        left = states(db)
        assert left == {"sent": len(server.accepted), "planned": 300 - len(server.accepted)}
        asyncio.run(send_all(db, server.port, now=now))
        assert set(server.copies().values()) == {1}
    assert states(db) == {"sent": 300}
    db.close()


def test_a_worker_frozen_longer_than_its_lease_marks_nothing_over_the_new_owners_head(
    database_url: str, now: datetime
) -> None:
    db = Database(database_url)
    with db.write() as session:
        make_edition(session, 200, now=now)
    lease = timedelta(seconds=0.6)
    how = (UnknownPolicy.RESEND, "forever", {"connections": 4, "lease": lease})
    with (
        running(Server(is_quiet=True)) as server,
        crash.started(crash.send, database_url, server.port, now, *how) as frozen,
    ):
        asyncio.run(until(lambda: len(server.accepted) > 20))
        crash.freeze(frozen, db)

        async def take_over() -> None:
            await asyncio.sleep(0.7)
            await send_all(db, server.port, now=now, owner="w2", lease=lease)

        asyncio.run(take_over())
        crash.thaw(frozen)
        asyncio.run(until(lambda: set(states(db)) == {"sent"}))
        frozen.terminate()
        frozen.join(20)
        checked(db, server, doubles=4)
    db.close()
