"""How an address becomes a subscriber, or one again: the row, its settings and its topics, decided by UNIQUE keys."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from subscribers import following, register
from subscribers.addresses import Address
from subscribers.choices import Choices
from subscribers.departures import Departure, Way, note
from subscribers.models import Cadence, Subscriber, SubscriberState
from subscribers.tables import MUTE, SUBSCRIBER
from subscribers.types import new_public_id
from subscribers.upsert import insert


class Joined(StrEnum):
    """What became of an address that joined."""

    NEW = "new"
    RETURNED = "returned"
    PRESENT = "present"


def join(
    session: Session, address: Address, choices: Choices, *, now: datetime, release_no: int
) -> tuple[Subscriber, Joined]:
    """Make or reactivate the subscriber of a confirmed address, locked.

    Somebody who had left starts afresh with these choices; to somebody who is there only the topics are added.
    """
    row = new_row(address, choices, now=now, release_no=release_no)
    # The update changes nothing: it waits for whoever is inserting the same address, and locks the row.
    put = insert(session, SUBSCRIBER).on_conflict_do_update(
        index_elements=[SUBSCRIBER.c.address_key], set_={"address_key": SUBSCRIBER.c.address_key}
    )
    stored = session.execute(put.returning(SUBSCRIBER.c.public_id), [row]).scalar_one()
    person = register.required(session, stored)
    joined = Joined.NEW
    if stored != row["public_id"]:
        joined = Joined.PRESENT if person.state is not SubscriberState.UNSUBSCRIBED else Joined.RETURNED
    if joined is Joined.RETURNED:
        restart(session, person, row)
    add_topics(session, person, choices, now=now, release_no=release_no)
    return person, joined


def new_row(address: Address, choices: Choices, *, now: datetime, release_no: int) -> dict[str, Any]:
    """The columns of a subscriber who begins now; everything released so far was never asked for."""
    return {
        "public_id": new_public_id(),
        "address": address.address,
        "address_key": address.key,
        "state": SubscriberState.ACTIVE,
        "last_release": release_no,
        "created_at": now,
        "confirmed_at": now,
    } | settings(choices)


def settings(choices: Choices) -> dict[str, Any]:
    """The columns of a subscriber that choices set."""
    return {
        "locale": choices.locale,
        "timezone": choices.timezone,
        "cadence": choices.cadence,
        "weekday": weekday_of(choices.cadence, choices.weekday),
        "local_time": choices.local_time,
    }


def weekday_of(cadence: Cadence, weekday: int | None) -> int | None:
    """The weekday to store: every weekly reader has one (Monday if unsaid), nobody else does."""
    return (weekday or 0) if cadence is Cadence.WEEKLY else None


def choices_of(session: Session, person: Subscriber) -> Choices:
    """What somebody has chosen, as it could be asked for again."""
    return Choices(
        topics=following.curated_slugs(session, person.id),
        own=following.own_topics(session, person.id),
        cadence=person.cadence,
        weekday=person.weekday,
        local_time=person.local_time,
        timezone=person.timezone,
        locale=person.locale,
    )


def restart(session: Session, person: Subscriber, row: dict[str, Any]) -> None:
    """Let somebody who had left begin again; links keep working, the first sign-up stays the date of creation."""
    forget_choices(session, [person.id])
    kept = {"public_id", "created_at"}
    for name, value in row.items():
        if name not in kept:
            setattr(person, name, value)
    person.paused_until = person.unsubscribed_at = person.choices_erased_at = None
    note(session, Departure(Way.RETURNED, person.public_id.hex))


def forget_choices(session: Session, subscriber_ids: Sequence[int]) -> None:
    """Delete what people followed and muted."""
    following.drop_all(session, subscriber_ids)
    session.execute(delete(MUTE).where(MUTE.c.subscriber_id.in_(subscriber_ids)))


def add_topics(
    session: Session, person: Subscriber, choices: Choices, *, now: datetime, release_no: int
) -> None:
    """Add the topics of these choices to what somebody follows."""
    session.flush()
    follower = following.Follower(person.id, person.public_id, choices)
    following.follow(session, [follower], now=now, release_no=release_no)
