import asyncio
import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from multiprocessing import active_children
from pathlib import Path

import pytest

from digest.feeds.errors import FeedFormatError, ParserBug, ParserMemory, ParserTimeout
from digest.feeds.pool import ParsePool
from digest.feeds.process import Limits
from tests.unit.feeds_parse.fixtures import read
from tests.unit.feeds_parse.readers import read_as_told

PATIENT = Limits(time=timedelta(seconds=60))
HASTY = Limits(time=timedelta(seconds=1))


@pytest.fixture
async def one() -> AsyncIterator[ParsePool]:
    """A pool of one process, so that a job surely stands behind another."""
    async with ParsePool(processes=1, limits=PATIENT, read=read_as_told) as pool:
        yield pool


async def test_a_document_is_parsed_in_another_process(one: ParsePool) -> None:
    document = await one.parse(read("wordpress_de.xml"), url="https://faehrmann.example/feed/", is_own=True)
    assert [candidate.guid[-4:] for candidate in document.candidates] == ["4711", "4699"]
    assert (await one.parse(b"who")).title != str(os.getpid())
    assert one.kills == 0


async def test_what_is_no_feed_comes_back_as_such_and_costs_no_process(one: ParsePool) -> None:
    before = (await one.parse(b"who")).title
    with pytest.raises(FeedFormatError) as refused:
        await one.parse(b"<html>")
    assert refused.value.code == "html"
    assert ((await one.parse(b"who")).title, one.kills) == (before, 0)


async def test_a_process_that_takes_too_long_is_killed_and_the_next_job_lives() -> None:
    async with ParsePool(processes=1, limits=HASTY, read=read_as_told) as pool:
        slow, behind = await asyncio.gather(
            pool.parse(b"sleep"), pool.parse(read("atom.xml")), return_exceptions=True
        )
        assert isinstance(slow, ParserTimeout)
        assert not isinstance(behind, BaseException)
        assert len(behind.candidates) == 2
        assert pool.kills == 1


async def test_a_process_that_only_computes_is_ended_by_its_processor_time() -> None:
    """The wall limit is far away: the child's own limit strikes first."""
    limits = Limits(time=timedelta(seconds=60), cpu=timedelta(milliseconds=1))
    async with ParsePool(processes=1, limits=limits, read=read_as_told) as pool:
        with pytest.raises(ParserTimeout, match="processor"):
            await pool.parse(b"spin")
        assert pool.kills == 1


async def test_a_process_that_devours_memory_ends_alone(one: ParsePool) -> None:
    devouring, behind = await asyncio.gather(
        one.parse(b"devour"), one.parse(read("atom.xml")), return_exceptions=True
    )
    assert isinstance(devouring, ParserMemory)
    assert not isinstance(behind, BaseException)
    assert one.kills == 1


@pytest.mark.parametrize("body", [b"vanish", b"crash"])
async def test_a_process_that_dies_is_replaced(one: ParsePool, body: bytes) -> None:
    with pytest.raises(ParserMemory):
        await one.parse(body)
    assert len((await one.parse(read("atom.xml"))).candidates) == 2
    assert one.kills == 1


def wait_for_a_child() -> None:
    while not active_children():
        time.sleep(0.01)


@pytest.mark.timeout(60)
async def test_a_process_that_died_is_replaced_before_anybody_needs_it(one: ParsePool) -> None:
    with pytest.raises(ParserMemory):
        await one.parse(b"vanish")
    await asyncio.to_thread(wait_for_a_child)
    assert (await one.parse(b"who")).title == str(active_children()[0].pid)


@pytest.mark.timeout(60)
async def test_closing_while_a_process_is_being_replaced_ends_all_the_same(one: ParsePool) -> None:
    results = [asyncio.create_task(one.parse(b"vanish")) for _ in range(3)]
    await asyncio.wait(results, return_when=asyncio.FIRST_COMPLETED)
    one.close()
    ends = await asyncio.gather(*results, return_exceptions=True)
    assert all(isinstance(end, ParserMemory | asyncio.CancelledError) for end in ends)
    assert active_children() == []


async def test_a_mistake_of_ours_is_told_with_its_traceback_and_ends_nothing(one: ParsePool) -> None:
    with pytest.raises(ParserBug) as bug:
        await one.parse(b"fail")
    assert str(bug.value) == "KeyError"
    assert "read_as_told" in bug.value.__notes__[0]
    assert one.kills == 0


async def test_a_process_retires_after_its_jobs() -> None:
    async with ParsePool(processes=1, limits=Limits(time=PATIENT.time, jobs=2), read=read_as_told) as pool:
        workers = [(await pool.parse(b"who")).title for _ in range(5)]
        assert workers[0] == workers[1] != workers[2] == workers[3] != workers[4]
        assert pool.kills == 0


async def test_a_document_that_hangs_delays_no_other() -> None:
    async with ParsePool(processes=2, limits=PATIENT, read=read_as_told) as pool:
        slow = asyncio.create_task(pool.parse(b"sleep"))
        quick = [await pool.parse(b"who") for _ in range(3)]
        assert not slow.done()
        assert len({document.title for document in quick}) == 1
    with pytest.raises(ParserMemory):
        await slow


async def test_a_pool_that_was_never_asked_starts_nothing() -> None:
    async with ParsePool():
        assert active_children() == []


async def test_closing_ends_every_process_and_every_wait(one: ParsePool, tmp_path: Path) -> None:
    fifo = tmp_path / "under way"
    os.mkfifo(fifo)
    hanging = asyncio.create_task(one.parse(b"sleep", url=str(fifo)))
    waiting = asyncio.create_task(one.parse(b"who"))
    assert await asyncio.to_thread(fifo.read_text, encoding="utf-8") == "under way"
    one.close()
    results = await asyncio.gather(hanging, waiting, return_exceptions=True)
    assert isinstance(results[0], ParserMemory)
    assert isinstance(results[1], asyncio.CancelledError)
    assert active_children() == []


async def test_a_job_nobody_waits_for_any_more_gives_its_process_back(one: ParsePool) -> None:
    assert (await one.parse(b"who")).format == "who"
    job = asyncio.create_task(one.parse(read("atom.xml")))
    await asyncio.sleep(0)
    job.cancel()
    assert (await one.parse(b"who")).format == "who"
    assert one.kills == 0
