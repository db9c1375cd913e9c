"""The register of people: finding one row, locked where it is to change, and showing or listing people to the operator."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from subscribers.addresses import Address
from subscribers.models import Subscriber
from subscribers.tokens import MAX_VERSION


def find(session: Session, address: Address) -> Subscriber | None:
    """The person behind an address, in whatever state."""
    return session.scalars(select(Subscriber).where(col(Subscriber.address_key) == address.key)).first()


def by_public_id(session: Session, public_id: UUID) -> Subscriber | None:
    """The person a token names, in whatever state; None once erased."""
    return session.scalars(select(Subscriber).where(col(Subscriber.public_id) == public_id)).first()


def locked(session: Session, public_id: UUID) -> Subscriber | None:
    """The person a token names, fresh from the database and locked until the transaction ends."""
    row = select(Subscriber).where(col(Subscriber.public_id) == public_id).with_for_update()
    return session.scalars(row.execution_options(populate_existing=True)).first()


def required(session: Session, public_id: UUID) -> Subscriber:
    """The locked row of a person whose row this transaction has just written or seen."""
    person = locked(session, public_id)
    if person is None:
        raise LookupError("the row is gone within its own transaction")
    return person


def next_version(version: int) -> int:
    """The version that makes a person's former links worthless; two bytes, as a token holds it."""
    return (version + 1) & MAX_VERSION
