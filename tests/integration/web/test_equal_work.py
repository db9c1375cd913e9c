"""Nobody learns from an answer whether an address is known: the same statements run for every kind, and none is spared."""

import re
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlmodel import Session

from digest.db import Database
from digest.delivery.models import Chunk, Delivery
from digest.web.orders import Order, OrderBook
from subscribers import suppression
from subscribers.addresses import canonical
from subscribers.choices import Choices
from subscribers.hashing import AddressHasher
from subscribers.models import SuppressionReason
from tests.support.factories import make_subscriber, make_topic

HASHER = AddressHasher(b"a key for addresses, of forty-two bytes yes")
KINDS = {"new": "ben", "known": "ann", "suppressed": "cleo", "limited": "limited"}


def order(name: str) -> Order:
    address = canonical(f"{name}@example.org")
    return Order(address=address, choices=Choices(topics=("ki",)), source="", page="", network="", words="")


@pytest.fixture
def book(db: Database, now: datetime) -> OrderBook:
    """Writes for a house that knows Ann, must not mail Cleo, and has just written to a third."""
    found = OrderBook(hasher=HASHER, clock=lambda: now)
    with db.write() as session:
        make_topic(session, "ki", name="KI", query="KI", now=now)
        make_subscriber(session, "ann", now=now)
        keys = [order("cleo").address.key]
        suppression.suppress(session, keys, SuppressionReason.COMPLAINT, now=now, hasher=HASHER)
        found.write(session, [order("limited")])
    return found


def test_every_kind_of_address_runs_the_same_statements(db: Database, book: OrderBook) -> None:
    ran: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    with db.write() as session:
        book.write(session, [order("warm")])  # the wording is looked up once
    for kind, name in KINDS.items():
        event.listen(db.engine, "before_cursor_execute", heard := _listener(ran[kind]))
        with db.write() as session:
            book.write(session, [order(name)])
        event.remove(db.engine, "before_cursor_execute", heard)
    assert ran["known"] == ran["suppressed"] == ran["limited"] == ran["new"]
    assert len(ran["new"]) >= 9


def test_what_is_written_for_nobody_is_gone_with_the_transaction(db: Database, book: OrderBook) -> None:
    with db.write() as session:
        before = _count(session, Delivery), _count(session, Chunk)
        book.write(session, [order(name) for name in KINDS.values()])
    with db.read() as session:
        owed = sorted(session.scalars(select(Delivery.address).order_by(Delivery.id)).all()[before[0] :])  # type: ignore[arg-type]  # SQLModel types a column as its value
        assert owed == ["ann@example.org", "ben@example.org"]
        assert _count(session, Chunk) == before[1] + 2


def _listener(ran: list[Any]) -> Any:
    def hear(
        _connection: Any, _cursor: Any, statement: str, _parameters: Any, _context: Any, many: bool
    ) -> None:
        ran.append((re.sub(r"IN \((?:[^()]|\([^()]*\))*\)", "IN (…)", statement), many))

    return hear


def _count(session: Session, table: Any) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0
