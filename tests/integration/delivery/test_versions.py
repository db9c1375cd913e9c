"""Two versions of the program on one database: the newer one has added to the tables, the older one goes on sending."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import inspect, text
from sqlmodel import select

from digest.db import Database
from subscribers.models import Subscriber
from tests.support.checker import check
from tests.support.sending import deliveries, make_edition, make_worker, send_all, until
from tests.support.smtp import Event, Server, serve

EXPAND = (
    "ALTER TABLE delivery ADD COLUMN opened_by VARCHAR(20) DEFAULT '' NOT NULL",
    "ALTER TABLE chunk ADD COLUMN weight INTEGER DEFAULT 1 NOT NULL",
    "CREATE TABLE later (id INTEGER PRIMARY KEY, delivery_id INTEGER NOT NULL)",
)
"""What a migration of the next version may do: nothing that the present one must know of."""
CONTRACT = (
    "ALTER TABLE delivery DROP COLUMN opened_by",
    "ALTER TABLE chunk DROP COLUMN weight",
    "DROP TABLE later",
)


def migrate(db: Database, statements: tuple[str, ...]) -> None:
    with db.write() as session:
        for statement in statements:
            session.execute(text(statement))


@pytest.fixture
def versions(database_url: str, now: datetime) -> Iterator[Database]:
    """A database in which forty people are owed an edition; its tables are as before when the test ends."""
    db = Database(database_url)
    with db.write() as session:
        make_edition(session, 40, now=now)
    yield db
    has_grown = any(column["name"] == "weight" for column in inspect(db.engine).get_columns("chunk"))
    if has_grown:
        migrate(db, CONTRACT)
    db.close()


@contextmanager
def another(db: Database) -> Iterator[Database]:
    """The same database with connections of its own, as another process has them."""
    other = Database(db.url.render_as_string(hide_password=False))
    yield other
    other.close()


async def test_a_worker_goes_on_while_the_next_version_adds_to_the_tables_and_takes_it_back(
    versions: Database, now: datetime
) -> None:
    steps = {10: EXPAND, 25: CONTRACT}
    in_order = asyncio.Lock()  # the second must not get the database's lock before the first

    async def step(statements: tuple[str, ...]) -> None:
        async with in_order:
            await asyncio.to_thread(migrate, newer, statements)

    def script(seen: Event) -> None:
        if seen.verb == "MAIL" and seen.count in steps:
            pending.append(asyncio.create_task(step(steps.pop(seen.count))))

    pending: list[asyncio.Task[None]] = []
    with another(versions) as newer:
        async with serve(Server(script=script)) as server:
            counts = await send_all(versions, server.port, now=now, first_window=2)
            await asyncio.gather(*pending)
    assert (counts.sent, len(pending)) == (40, 2)
    checked(versions, server)


async def test_a_worker_of_each_version_share_one_edition(versions: Database, now: datetime) -> None:
    with versions.write() as session:
        make_edition(session, 40, now=now, local_time="08:00")
    stop = asyncio.Event()
    with another(versions) as newer:
        async with serve() as server:
            older = make_worker(versions, server.port, clock=lambda: now, first_window=2)
            running = asyncio.create_task(older.run_forever(stop))
            await until(lambda: bool(server.accepted))
            await asyncio.to_thread(migrate, newer, EXPAND)
            later = now + timedelta(seconds=1)
            await send_all(newer, server.port, now=later, owner="newer", first_window=2)
            await until(lambda: len(server.accepted) == 80)
            stop.set()
            await running
    checked(versions, server)


def checked(db: Database, server: Server) -> None:
    with db.read() as session:
        addresses = {one.id: one.address for one in session.exec(select(Subscriber))}
    copies = check(deliveries(db), addresses, server.accepted, doubles=0)
    assert len(copies) == len(addresses)
