"""The story of Ann, Ben and Cleo in few words."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from digest.db import Database
from subscribers import confirmation, signup, tables
from subscribers.addresses import canonical
from subscribers.choices import Choices
from subscribers.confirmation import Confirmed
from subscribers.hashing import AddressHasher
from subscribers.models import Subscriber
from subscribers.owed import OwedMail
from subscribers.signup import Origin, SignUp
from tests.support.factories import make_topic

HASHER = AddressHasher(b"k" * 32)
ANN, BEN, CLEO = (canonical(f"{name}@example.org") for name in ("ann", "ben", "cleo"))


def topics(db: Database, *slugs: str, now: datetime) -> None:
    with db.write() as session:
        for slug in slugs:
            make_topic(session, slug, now=now)


def wish(name: str = "ann", *slugs: str, **values: Any) -> SignUp:
    address = canonical(name if "@" in name else f"{name}@example.org")
    origin = Origin(source="form-1", page="https://news.example.org/", network="192.0.2.0/24")
    return SignUp(address=address, choices=Choices(topics=slugs or ("ki",), **values), origin=origin)


def sign_up(db: Database, one: SignUp, *, now: datetime) -> OwedMail | None:
    with db.write() as session:
        return signup.sign_up(session, [one], now=now, hasher=HASHER)[0]


def confirm(
    db: Database, request: UUID | str, *, now: datetime, release_no: int = 7, **values: Any
) -> Confirmed:
    request_id = request if isinstance(request, UUID) else UUID(request)
    with db.write() as session:
        return confirmation.confirm(
            session,
            request_id,
            now=now,
            release_no=release_no,
            hasher=HASHER,
            network="198.51.100.0/24",
            **values,
        )


def joined(db: Database, one: SignUp, *, now: datetime, release_no: int = 7) -> UUID:
    """Somebody who has signed up and confirmed; the public id."""
    owed = sign_up(db, one, now=now)
    assert owed is not None
    person = confirm(db, owed.data["request"], now=now, release_no=release_no).public_id
    assert person is not None
    return person


def person(db: Database, public_id: UUID) -> Subscriber:
    with db.read() as session:
        return session.scalars(select(Subscriber).where(tables.SUBSCRIBER.c.public_id == public_id)).one()


def count(session: Session, table: Table, *where: Any) -> int:
    return session.execute(select(func.count()).select_from(table).where(*where)).scalar_one()


def rows(db: Database, table: Table) -> list[dict[str, Any]]:
    with db.read() as session:
        return [
            dict(row._mapping) for row in session.execute(select(table).order_by(*table.primary_key.columns))
        ]


def dump(db: Database) -> dict[str, list[dict[str, Any]]]:
    """Everything in the tables about people."""
    every = [value for name, value in vars(tables).items() if name.isupper()]
    return {table.name: rows(db, table) for table in every}


def kinds(db: Database) -> list[str]:
    """The kinds of all events of consent, in order."""
    return [row["kind"].value for row in rows(db, tables.CONSENT)]


def followed(db: Database, public_id: UUID) -> set[str]:
    with db.read() as session:
        query = (
            select(tables.TOPIC.c.slug)
            .join(tables.SUBSCRIPTION, tables.SUBSCRIPTION.c.topic_id == tables.TOPIC.c.id)
            .join(tables.SUBSCRIBER, tables.SUBSCRIBER.c.id == tables.SUBSCRIPTION.c.subscriber_id)
            .where(tables.SUBSCRIBER.c.public_id == public_id)
        )
        return set(session.execute(query).scalars())


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do things in so many threads, each with a connection of its own, all let go at one moment; results or errors."""
    results: list[Any] = [None] * len(acts)
    gate = threading.Barrier(len(acts))

    def run(number: int) -> None:
        gate.wait()
        try:
            results[number] = acts[number]()
        except Exception as error:  # noqa: BLE001 - a result like any other, for the test to judge
            results[number] = error

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(acts))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return results
