"""People let in by the operator, one by name or a whole file: never without a note of consent, never against a no.

Somebody who left, was erased or is suppressed is not brought back this way; somebody who is here stays as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers import consent, following, joining, suppression
from subscribers.addresses import Address
from subscribers.choices import Choices
from subscribers.consent import Event
from subscribers.evidence import person_part
from subscribers.following import Follower
from subscribers.hashing import AddressHasher
from subscribers.models import ConsentKind, SubscriberState
from subscribers.tables import SUBSCRIBER
from subscribers.upsert import insert


class Admission(StrEnum):
    """What becomes of somebody the operator wants to let in."""

    ADDED = "added"
    PRESENT = "present"
    LEFT = "left"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """Somebody to let in; `requested_at` is when they asked for it, if that is known."""

    address: Address
    choices: Choices
    requested_at: datetime | None = None


def judge(session: Session, people: Sequence[Newcomer], *, hasher: AddressHasher) -> list[Admission]:
    """What `add` would do with each, without doing it."""
    keys = [one.address.key for one in people]
    c = SUBSCRIBER.c
    states = {
        row.address_key: row.state
        for row in session.execute(select(c.address_key, c.state).where(c.address_key.in_(keys)))
    }
    stopped = suppression.reasons(session, keys, hasher=hasher)
    return [_judgement(states.get(key), is_suppressed=key in stopped) for key in keys]


def add(
    session: Session,
    people: Sequence[Newcomer],
    *,
    note: str,
    now: datetime,
    release_no: int,
    hasher: AddressHasher,
    kind: Literal[ConsentKind.ADDED, ConsentKind.IMPORTED] = ConsentKind.ADDED,
) -> list[Admission]:
    """Let people in with a note of their consent; what became of each. Addresses must differ within one call."""
    if not note.strip():
        raise ValueError("nobody is let in without a note of consent")
    verdicts = judge(session, people, hasher=hasher)
    fresh = [one for one, verdict in zip(people, verdicts, strict=True) if verdict is Admission.ADDED]
    made = _insert(session, fresh, now=now, release_no=release_no)
    new = [one for one in fresh if one.address.key in made]
    followers = [Follower(*made[one.address.key], one.choices) for one in new]
    following.follow(session, followers, now=now, release_no=release_no)
    known = following.curated(session, {slug for one in new for slug in one.choices.topics})
    events = [_event(one, made[one.address.key][1], known, kind=kind, note=note) for one in new]
    consent.append(session, events, now=now)
    # Whoever was inserted by another process meanwhile is present by now.
    return [
        Admission.PRESENT if verdict is Admission.ADDED and one.address.key not in made else verdict
        for one, verdict in zip(people, verdicts, strict=True)
    ]


def _judgement(state: SubscriberState | None, *, is_suppressed: bool) -> Admission:
    if is_suppressed:
        return Admission.SUPPRESSED
    if state is None:
        return Admission.ADDED
    return Admission.LEFT if state is SubscriberState.UNSUBSCRIBED else Admission.PRESENT


def _insert(
    session: Session, people: Sequence[Newcomer], *, now: datetime, release_no: int
) -> dict[str, tuple[int, UUID]]:
    """Row and public id of everybody whose row is new, by address key."""
    rows = {
        one.address.key: joining.new_row(one.address, one.choices, now=now, release_no=release_no)
        for one in people
    }
    if not rows:
        return {}
    c = SUBSCRIBER.c
    put = insert(session, SUBSCRIBER).on_conflict_do_nothing(index_elements=[c.address_key])
    session.execute(put, [rows[key] for key in sorted(rows)])
    # Ours are the rows with our ids. RETURNING would tell too, but costs thousands of parameters in one statement.
    stored = session.execute(select(c.address_key, c.id, c.public_id).where(c.address_key.in_(list(rows))))
    return {
        row.address_key: (row.id, row.public_id)
        for row in stored
        if row.public_id == rows[row.address_key]["public_id"]
    }


def _event(one: Newcomer, subject: UUID, known: dict[str, str], *, kind: ConsentKind, note: str) -> Event:
    choices = one.choices
    return Event(
        kind=kind,
        subject=subject,
        source="import" if kind is ConsentKind.IMPORTED else "cli",
        locale=choices.locale,
        topics=tuple(sorted(slug for slug in choices.topics if slug in known)),
        cadence=choices.cadence.value,
        requested_at=one.requested_at,
        person=person_part(one.address.address, own=choices.own, note=note),
    )
