"""From rows to the server's 250, on both databases."""

import asyncio
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, select

from digest.db import Database
from digest.delivery.models import Attempt, Chunk, Reason, Worker
from digest.delivery.queue import Due
from digest.editions.models import Edition, EditionState
from tests.support.sending import (
    PlainComposer,
    deliveries,
    make_edition,
    make_worker,
    send_all,
    states,
    until,
)
from tests.support.smtp import Server, serve


async def test_everybody_written_down_gets_one_mail_and_the_edition_finishes(
    db: Database, now: datetime
) -> None:
    with db.write() as session:
        make_edition(session, 120, now=now)
    async with serve() as server:
        counts = await send_all(db, server.port, now=now)
    assert (counts.sent, counts.failed, counts.unknown) == (120, 0, 0)
    assert set(server.copies().values()) == {1}
    assert states(db) == {"sent": 120}
    one = deliveries(db)[0]
    assert (one.attempts, one.code, one.settled_at) == (1, 250, now)
    with db.read() as session:
        edition = session.exec(select(Edition)).one()
        assert (edition.state, edition.counts["sent"]) == (EditionState.FINISHED, 120)
        assert session.exec(select(Attempt)).all() == []
        assert not any(chunk.is_open for chunk in session.exec(select(Chunk)))


async def test_each_answer_ends_its_own_delivery(db: Database, now: datetime) -> None:
    answers = {
        "r2@example.org": "550 5.1.1 No such user",
        "r3@example.org": "450 4.2.0 Greylisted",
        "r4@example.org": "550 5.2.1 Mailbox disabled",
        "r5@example.org": "550 5.7.1 Policy",
    }
    with db.write() as session:
        make_edition(session, 6, now=now)
    suppressed: list[tuple[str, Reason]] = []
    script = lambda event: answers.get(event.recipient) if event.verb == "RCPT" else None  # noqa: E731
    async with serve(Server(script=script)) as server:
        counts = await send_all(db, server.port, now=now, suppressed=suppressed)
        assert (counts.sent, counts.deferred, counts.failed) == (2, 1, 3)
        assert [(d.state.value, d.reason) for d in deliveries(db)] == [
            ("sent", ""),
            ("failed", "no_such_address"),
            ("deferred", "later"),
            ("failed", "mailbox"),
            ("failed", "policy"),
            ("sent", ""),
        ]
        assert suppressed == [("r2@example.org", Reason.NO_SUCH_ADDRESS)]
        answers.clear()
        counts = await send_all(db, server.port, now=now + timedelta(minutes=5))
    assert counts.sent == 1
    assert deliveries(db)[2].attempts == 2
    with db.read() as session:
        assert session.exec(select(Edition)).one().state is EditionState.FINISHED
        assert [(a.delivery_id, a.outcome) for a in session.exec(select(Attempt).order_by(Attempt.id))][
            -1
        ] == (
            deliveries(db)[2].id,
            "accepted",
        )


async def test_a_mail_that_cannot_be_composed_fails_alone(db: Database, now: datetime) -> None:
    with db.write() as session:
        make_edition(session, 1, now=now, address="broken{}@example.org")
        make_edition(session, 2, now=now, local_time="08:00")
    async with serve() as server:
        counts = await send_all(db, server.port, now=now)
    assert (counts.sent, counts.failed) == (2, 1)
    assert deliveries(db)[0].reason == "error"


async def test_a_relay_that_is_down_fails_nobody(db: Database, now: datetime) -> None:
    with db.write() as session:
        make_edition(session, 2, now=now)
    refuse = lambda event: "421 4.3.2 Busy" if event.verb == "BANNER" and event.count < 2 else None  # noqa: E731
    async with serve(Server(script=refuse)) as server:
        counts = await send_all(
            db, server.port, now=now, connections=1, first_backoff=timedelta(milliseconds=10)
        )
    assert counts.sent == 2
    assert [d.attempts for d in deliveries(db)] == [1, 1]


async def test_a_run_that_wants_to_end_says_at_once_that_nobody_is_listening(
    db: Database, now: datetime
) -> None:
    async with serve() as gone:
        pass
    with db.write() as session:
        make_edition(session, 2, now=now)
    worker = make_worker(db, gone.port, clock=lambda: now)
    counts = await asyncio.wait_for(worker.run_until_idle(), 60)
    assert (worker._shared.route.failures, counts.sent, states(db)) == (1, 0, {"planned": 2})
    assert counts.route_error.startswith("connect")


async def test_told_to_stop_in_the_middle_of_a_claim_the_chunk_is_given_back(
    db: Database, now: datetime
) -> None:
    with db.write() as session:
        make_edition(session, 2, now=now)
    loading, may_go_on = threading.Event(), threading.Event()

    class Slow(PlainComposer):
        def load(self, session: Session, rows: Sequence[Due]) -> None:
            loading.set()
            may_go_on.wait(5)

    async with serve() as server:
        stop = asyncio.Event()
        run = asyncio.create_task(
            make_worker(db, server.port, clock=lambda: now, composer=Slow()).run_forever(stop)
        )
        await until(loading.is_set)
        stop.set()
        await asyncio.sleep(0)
        may_go_on.set()
        await run
        with db.read() as session:
            assert [(chunk.owner, chunk.lease_until) for chunk in session.exec(select(Chunk))] == [("", 0.0)]
            assert session.exec(select(Worker)).all() == []
        assert (await send_all(db, server.port, now=now)).sent == 2


async def test_who_was_frozen_longer_than_the_lease_asks_for_no_dot_before_it_is_renewed(
    db: Database, now: datetime
) -> None:
    with db.write() as session:
        make_edition(session, 2, now=now)
    worker = make_worker(db, 1, clock=lambda: now)
    line, at = worker._lines[1], asyncio.get_running_loop().time()
    claim = await asyncio.to_thread(worker._queue.claim, now=now)
    assert claim is not None
    chunk = line.work.add(claim, at=at - 121)
    mail = line._take()
    assert mail is not None
    assert not await line._start(mail)
    chunk.renewed_at = at
    assert await line._start(mail)
    worker._marks.close()
