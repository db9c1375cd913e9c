"""An operator's command that is killed in its middle: either it was done, or nothing of it was, and typing it again does it."""

import asyncio
import signal
from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import col, select, update

from digest.db import Database
from digest.delivery.models import Delivery, DeliveryState, Intervention, Reason
from subscribers.models import Subscriber
from tests.support import crash
from tests.support.checker import check
from tests.support.sending import deliveries, make_edition, send_all, states
from tests.support.smtp import running

TABLES = ("edition", "chunk", "delivery", "instance", "intervention", "subscriber")
STATEMENTS = [pytest.param(number, marks=pytest.mark.soak) for number in range(1, 16)]
BEFORE = {"release": "hold", "release all": "hold all"}
"""What must have been done for a command to have something to do."""


def some_of_each(db: Database, now: datetime) -> int:
    """An edition in its middle: two failed, one address is gone, one may have arrived, eight are planned."""
    with db.write() as session:
        edition = make_edition(session, 12, now=now, release_no=7)
        first = min(session.exec(select(col(Delivery.id))))
        for number, state, reason in (
            (0, DeliveryState.FAILED, Reason.POLICY),
            (1, DeliveryState.FAILED, Reason.ERROR),
            (2, DeliveryState.FAILED, Reason.NO_SUCH_ADDRESS),
            (3, DeliveryState.UNKNOWN, Reason.LOST),
        ):
            ended = update(Delivery).where(col(Delivery.id) == first + number)
            session.exec(ended.values(state=state, reason=reason, attempts=1))
        people = sorted(session.exec(select(Subscriber.id)))[:2]
        session.exec(update(Subscriber).where(col(Subscriber.id).in_(people)).values(last_release=0))
    return edition


def everything(db: Database) -> dict[str, list[Any]]:
    """All that a command could change."""
    with db.read() as session:
        return {
            table: sorted(map(repr, session.execute(text(f"SELECT * FROM {table}")).all()))
            for table in TABLES
        }


@pytest.mark.parametrize("at", [0, *STATEMENTS])
@pytest.mark.parametrize("command", crash.COMMANDS)
def test_a_command_killed_in_its_middle_did_nothing_and_can_be_typed_again(
    database_url: str, now: datetime, command: str, at: int
) -> None:
    db = Database(database_url)
    edition = some_of_each(db, now)
    if command in BEFORE:
        with db.write() as session:
            crash.COMMANDS[BEFORE[command]](session, edition, now)
    before = everything(db)
    operator = crash.start(crash.operate, database_url, command, edition, now, at)
    operator.join(20)
    assert operator.exitcode == -signal.SIGKILL
    assert everything(db) == before
    for _ in range(2):
        with db.write() as session:
            crash.COMMANDS[command](session, edition, now)
        after = everything(db)
    with db.read() as session:
        done = Counter(one.action.value for one in session.exec(select(Intervention)))
    assert done[command.removesuffix(" all")] == 1, "a command that had nothing to do is not on record"
    sent_as_told(db, now, command)
    assert after != before
    db.close()


def sent_as_told(db: Database, now: datetime, command: str) -> None:
    """What goes out afterwards is what the command left open."""
    open_rows = 0 if command in {"hold", "hold all", "cancel"} else states(db)["planned"]
    with running() as server:
        asyncio.run(send_all(db, server.port, now=now))
        assert len(server.accepted) == open_rows
        if open_rows:
            with db.read() as session:
                addresses = {one.id: one.address for one in session.exec(select(Subscriber))}
            check(deliveries(db), addresses, server.accepted, doubles=0)
