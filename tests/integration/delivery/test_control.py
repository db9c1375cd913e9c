"""The operator's commands: each idempotent, each stopping or moving exactly what it says."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlmodel import col, select, update

from digest.db import Database
from digest.delivery import edition_control as control
from digest.delivery.edition_control import EditionError
from digest.delivery.models import Chunk, Delivery, DeliveryState
from digest.delivery.outbox import enqueue
from digest.delivery.settlement import Rules, Settlement
from digest.delivery.tidy import tidy
from digest.editions.models import Edition, EditionState
from subscribers.models import Subscriber
from subscribers.owed import OwedMail
from tests.support.sending import deliveries, make_edition, make_worker, send_all, states, until
from tests.support.smtp import Act, Event, Server, serve

GONE = "550 5.1.1 No such user"


@pytest.fixture
def edition(db: Database, now: datetime) -> int:
    with db.write() as session:
        return make_edition(session, 6, now=now, release_no=7)


def edition_state(db: Database, edition_id: int) -> tuple[str, str]:
    with db.read() as session:
        found = session.get_one(Edition, edition_id)
        return found.state.value, found.reason or found.hold_reason


def cursors(db: Database) -> list[int]:
    with db.read() as session:
        return list(session.exec(select(Subscriber.last_release).order_by(col(Subscriber.id))))


async def test_a_held_edition_sends_nothing_and_goes_on_when_released(
    db: Database, edition: int, now: datetime
) -> None:
    with db.write() as session:
        assert control.hold(session, edition, reason="wrong headline", now=now)
        assert not control.hold(session, edition, reason="again", now=now)
    async with serve() as server:
        assert (await send_all(db, server.port, now=now)).sent == 0
        assert edition_state(db, edition) == ("held", "wrong headline")
        with db.write() as session:
            assert control.release(session, edition, now=now)
            assert not control.release(session, edition, now=now)
        assert (await send_all(db, server.port, now=now)).sent == 6
    assert edition_state(db, edition) == ("finished", "")


async def test_hold_in_the_middle_lets_not_one_further_dot_go_but_believes_answers(
    db: Database, edition: int, now: datetime
) -> None:
    def script(event: Event) -> str | Act | None:
        if event.verb == "DOT" and event.count == 2:
            with db.write() as session:
                control.hold(session, edition, reason="stop", now=now)
        return None

    async with serve(Server(script=script)) as server:
        worker = make_worker(db, server.port, clock=lambda: now, connections=1)
        stop = asyncio.Event()
        run = asyncio.create_task(worker.run_forever(stop))
        await until(lambda: states(db) == {"sent": 3, "planned": 3})
        await until(lambda: server.verbs["DATA"] >= 4, within=5)
        stop.set()
        await run
    assert states(db) == {"sent": 3, "planned": 3}
    assert len(server.accepted) == 3


async def test_hold_all_spares_system_mails(db: Database, edition: int, now: datetime) -> None:
    mail = OwedMail(
        kind="goodbye",
        address="c@example.org",
        subscriber_id=None,
        locale="de",
        data={},
        expires_at=now + timedelta(hours=1),
    )
    with db.write() as session:
        enqueue(session, mail, now=now)
        assert control.hold_all(session, reason="restored", now=now)
        assert not control.hold_all(session, reason="restored", now=now)
    async with serve() as server:
        await send_all(db, server.port, now=now)
        assert [one.recipient for one in server.accepted] == ["c@example.org"]
        with db.write() as session:
            assert control.release_all(session, now=now)
            assert not control.release_all(session, now=now)
        assert (await send_all(db, server.port, now=now)).sent == 6


async def test_what_is_planned_while_all_is_held_waits_too(db: Database, now: datetime) -> None:
    with db.write() as session:
        control.hold_all(session, reason="restored", now=now)
        make_edition(session, 2, now=now)
    async with serve() as server:
        assert (await send_all(db, server.port, now=now)).sent == 0
        with db.write() as session:
            control.release_all(session, now=now)
        assert (await send_all(db, server.port, now=now)).sent == 2


async def test_release_all_leaves_an_edition_held_for_its_own_reason(
    db: Database, edition: int, now: datetime
) -> None:
    with db.write() as session:
        control.hold(session, edition, reason="own", now=now)
        control.hold_all(session, reason="all", now=now)
        control.release_all(session, now=now)
    async with serve() as server:
        assert (await send_all(db, server.port, now=now)).sent == 0


async def test_cancelled_before_anything_was_sent_the_edition_is_skipped(
    db: Database, edition: int, now: datetime
) -> None:
    with db.write() as session:
        assert control.cancel(session, edition, now=now, returns_news=True) == 6
        assert control.cancel(session, edition, now=now) == 0
    assert (edition_state(db, edition), states(db)) == (("skipped", "cancelled"), {"skipped": 6})
    assert set(cursors(db)) == {0}
    async with serve() as server:
        assert (await send_all(db, server.port, now=now)).sent == 0


async def test_cancelled_without_its_news_the_windows_stay(db: Database, edition: int, now: datetime) -> None:
    with db.write() as session:
        control.cancel(session, edition, now=now)
    assert set(cursors(db)) == {7}


async def test_cancelled_in_the_middle_what_was_sent_stays_sent(
    db: Database, edition: int, now: datetime
) -> None:
    with db.write() as session:
        session.exec(update(Delivery).where(col(Delivery.id) <= 2).values(state=DeliveryState.SENT))
        assert control.cancel(session, edition, now=now) == 4
    assert edition_state(db, edition) == ("finished", "cancelled")


def test_a_command_on_an_edition_it_does_not_fit_changes_nothing(
    db: Database, edition: int, now: datetime
) -> None:
    with db.write() as session:
        session.exec(update(Edition).values(state=EditionState.FINISHED))
    for command in (
        lambda s: control.hold(s, edition, reason="x", now=now),
        lambda s: control.release(s, edition, now=now),
        lambda s: control.cancel(s, edition, now=now),
        lambda s: control.hold(s, 99, reason="x", now=now),
    ):
        with pytest.raises(EditionError), db.write() as session:
            command(session)
    assert states(db) == {"planned": 6}


async def test_retry_takes_the_windows_back_and_sends_to_those_who_failed(
    db: Database, edition: int, now: datetime
) -> None:
    answers = {"r2@example.org": "550 5.7.1 No", "r3@example.org": "550 5.7.1 No", "r4@example.org": GONE}
    script = lambda event: answers.get(event.recipient) if event.verb == "RCPT" else None  # noqa: E731
    async with serve(Server(script=script)) as server:
        await send_all(db, server.port, now=now)
        assert cursors(db) == [7, 0, 0, 7, 7, 7]
        with db.write() as session:  # a later edition has reader 3's news by now
            session.exec(update(Subscriber).where(col(Subscriber.id) == 3).values(last_release=9))
            assert control.retry(session, edition, now=now) == control.Retried(planned=1, kept=1)
            assert control.retry(session, edition, now=now).planned == 0
        answers.clear()
        assert (await send_all(db, server.port, now=now)).sent == 1
        lifted: list[int] = []
        with db.write() as session:
            found = control.retry(
                session, edition, now=now, refused=True, lift=lambda _, ids: lifted.extend(ids)
            )
        assert (found.planned, lifted) == (1, [4])
        assert (await send_all(db, server.port, now=now)).sent == 1
    assert [one.state.value for one in deliveries(db)] == ["sent", "sent", "failed", "sent", "sent", "sent"]
    assert edition_state(db, edition) == ("finished", "")


async def test_retry_of_the_unknown_sends_the_same_bytes_again(
    db: Database, edition: int, now: datetime
) -> None:
    later = timedelta(minutes=10)
    script = lambda event: (  # noqa: E731
        Act.ACCEPT_AND_CLOSE if (event.verb, event.recipient) == ("DOT", "r2@example.org") else None
    )
    async with serve(Server(script=script)) as server:
        await send_all(db, server.port, now=now)
        await send_all(db, server.port, now=now + later)
        assert states(db) == {"sent": 5, "unknown": 1}
        server.script = lambda event: None
        with db.write() as session:
            assert control.retry(session, edition, now=now, unknown=True).planned == 1
        await send_all(db, server.port, now=now + 2 * later)
        copies = {one.sha256 for one in server.accepted if one.recipient == "r2@example.org"}
    assert (states(db), len(copies), server.copies()["r2@example.org"]) == ({"sent": 6}, 1, 3)


def test_what_is_still_held_at_its_end_expires_and_returns_its_news(
    db: Database, edition: int, now: datetime
) -> None:
    settlement = Settlement(db, Rules(), suppress=lambda *_: None)
    with db.write() as session:
        control.hold(session, edition, reason="x", now=now)
    assert tidy(db, settlement, now=now + timedelta(hours=25), lease_now=1e12) == 6
    assert (states(db), set(cursors(db))) == ({"failed": 6}, {0})
    with db.read() as session:
        assert not any(session.exec(select(Chunk.is_open)))
