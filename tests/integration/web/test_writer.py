"""The writer: answered means committed, a bad one fails alone, too much is turned away, and nothing is half written."""

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import func, select, text
from sqlmodel import Session

from digest.db import Database
from digest.web import writer as module
from digest.web.errors import Busy
from digest.web.writer import Lane, Writer
from subscribers.models import Wording

AT = datetime(2026, 11, 22, tzinfo=UTC)


class Forbidden(Exception):
    """What a bad order raises."""


def put(session: Session, name: str) -> str:
    """Write one row; `bad` breaks after writing."""
    session.add(Wording(language="de", text=name, sha256=name.rjust(64, "0"), first_used_at=AT))
    session.flush()
    if name.startswith("bad"):
        raise Forbidden(name)
    return name


def put_all(session: Session, names: Sequence[str]) -> None:
    for name in names:
        put(session, name)


def names(db: Database) -> set[str]:
    with db.read() as session:
        return set(session.execute(select(Wording.text)).scalars())


def gate() -> tuple[threading.Event, threading.Event]:
    return threading.Event(), threading.Event()


def hold(entered: threading.Event, leave: threading.Event, _session: Session) -> None:
    """An operation that keeps the writer busy until it is let go."""
    entered.set()
    assert leave.wait(20)


async def busy(writer: Writer[str]) -> tuple[asyncio.Task[None], threading.Event]:
    """Keep the writer busy, so that what follows waits and makes one batch."""
    entered, leave = gate()
    task = asyncio.ensure_future(writer.write(partial(hold, entered, leave)))
    await asyncio.to_thread(entered.wait, 20)
    return task, leave


async def test_what_waits_together_is_committed_together_and_a_bad_one_fails_alone(db: Database) -> None:
    sizes: list[int] = []
    writer = Writer[str](db, sign_up_all=put_all, observe=sizes.append)
    writer.start()
    task, leave = await busy(writer)
    wanted = ["one", "bad two", "three"]
    waiting = [asyncio.ensure_future(writer.write(partial(put, name=name))) for name in wanted]
    await asyncio.sleep(0)
    leave.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert results[0] == "one"
    assert isinstance(results[1], Forbidden)
    assert results[2] == "three"
    assert names(db) == {"one", "three"}
    assert sizes == [1, 3]
    await task
    await writer.close()


async def test_a_set_that_fails_is_tried_one_by_one(db: Database) -> None:
    calls: list[int] = []

    def counted(session: Session, orders: Sequence[str]) -> None:
        calls.append(len(orders))
        put_all(session, orders)

    writer = Writer[str](db, sign_up_all=counted)
    writer.start()
    task, leave = await busy(writer)
    waiting = [asyncio.ensure_future(writer.sign_up(name)) for name in ("one", "bad two", "three")]
    await asyncio.sleep(0)
    leave.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in results] == [type(None), Forbidden, type(None)]
    assert names(db) == {"one", "three"}
    assert calls == [3, 1, 1, 1]
    await task
    await writer.close()


async def test_who_wants_to_leave_goes_before_who_signs_up(db: Database) -> None:
    order: list[str] = []
    writer = Writer[str](db, sign_up_all=lambda _session, orders: order.extend(orders))
    writer.start()
    task, leave = await busy(writer)
    signing = [asyncio.ensure_future(writer.sign_up(f"sign-up {number}")) for number in range(3)]
    await asyncio.sleep(0)
    leaving = asyncio.ensure_future(writer.write(lambda _session: order.append("leave")))
    await asyncio.sleep(0)
    leave.set()
    await asyncio.gather(*signing, leaving, task)
    assert order[0] == "leave"
    await writer.close()


async def test_more_than_fits_is_turned_away_at_once(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROOM", {Lane.VITAL: 2, Lane.SIGN_UP: 1})
    writer = Writer[str](db, sign_up_all=put_all)
    writer.start()
    task, leave = await busy(writer)
    waiting = asyncio.ensure_future(writer.sign_up("one"))
    await asyncio.sleep(0)
    assert writer.is_full(Lane.SIGN_UP)
    assert not writer.is_full(Lane.VITAL)
    with pytest.raises(Busy):
        await writer.sign_up("two")
    leave.set()
    await asyncio.gather(task, waiting)
    assert names(db) == {"one"}
    await writer.close()


async def test_a_stuck_database_is_busy_and_what_was_given_up_is_not_written(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    writer = Writer[str](db, sign_up_all=put_all, patience=timedelta(seconds=0.2))
    writer.start()
    task, leave = await busy(writer)
    with pytest.raises(Busy):
        await writer.sign_up("too late")
    leave.set()
    with pytest.raises(Busy):
        await task
    await writer.close()
    assert names(db) == set()
    db.close()


async def test_a_lock_of_another_process_is_waited_for(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    writer = Writer[str](db, sign_up_all=put_all)
    writer.start()
    other = sqlite3.connect(
        sqlite_url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False
    )
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.ensure_future(writer.sign_up("patient"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    assert names(db) == set()
    other.execute("ROLLBACK")
    other.close()
    await waiting
    assert names(db) == {"patient"}
    await writer.close()
    db.close()


async def test_thirty_locks_of_another_process_lose_nothing_that_was_answered(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    writer = Writer[str](db, sign_up_all=put_all, patience=timedelta(seconds=0.1))
    writer.start()
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    answered, given_up = set(), 0
    for number in range(30):
        other.execute("BEGIN IMMEDIATE")
        asked = [f"{number} {letter}" for letter in "abc"]
        waiting = [asyncio.ensure_future(writer.sign_up(name)) for name in asked]
        await asyncio.sleep(0)
        if number % 2:  # longer than anybody's patience
            given_up += sum(
                isinstance(one, Busy) for one in await asyncio.gather(*waiting, return_exceptions=True)
            )
        other.execute("ROLLBACK")
        results = await asyncio.gather(*waiting, return_exceptions=True)
        answered |= {name for name, result in zip(asked, results, strict=True) if result is None}
    other.close()
    await writer.close()
    assert answered <= names(db)
    assert given_up == 45
    assert answered, "some were answered, or nothing was proved"
    db.close()


async def test_a_full_disk_is_busy_and_nothing_is_half_written(sqlite_url: str) -> None:
    db = Database(sqlite_url)

    def full(session: Session, orders: Sequence[str]) -> None:
        session.execute(
            text("PRAGMA max_page_count = 1")
        )  # SQLite clamps it to the present size: no room to grow
        for name in orders:
            put(session, name)
        session.add(Wording(language="de", text="x" * 9_000_000, sha256="f" * 64, first_used_at=AT))
        session.flush()

    writer = Writer[str](db, sign_up_all=full)
    writer.start()
    with pytest.raises(Busy):
        await writer.sign_up("one")
    assert names(db) == set()
    await writer.close()
    db.close()


async def test_closing_refuses_drains_answers_and_ends(db: Database) -> None:
    writer = Writer[str](db, sign_up_all=put_all)
    writer.start()
    task, leave = await busy(writer)
    waiting = [asyncio.ensure_future(writer.sign_up(f"order {number}")) for number in range(50)]
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(writer.close())
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await writer.sign_up("late")
    leave.set()
    await asyncio.gather(task, closing, *waiting)
    with db.read() as session:
        assert session.execute(select(func.count()).select_from(Wording)).scalar_one() == 50
