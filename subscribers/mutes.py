"""What somebody does not want to read about: stories, sources, words, less like one article, or a topic for a while.

A mute holds up to and including the day `until` on the reader's own calendar; without a day, until it is taken back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from subscribers import consent, following, history, register
from subscribers.errors import RefusedError
from subscribers.models import ConsentKind, MuteKind, Subscriber, SubscriberState
from subscribers.tables import MUTE, SUBSCRIBER, SUBSCRIPTION, TOPIC
from subscribers.upsert import insert

MAX_MUTES = 500
"""More than this nobody means; a link in a forwarded mail must not fill the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteWish:
    """One thing to mute: `value` is a story id, a source's name, a canonical query, or (less) a topic id, as text."""

    kind: MuteKind
    value: str
    label: str = ""
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveMute:
    """A mute that holds now."""

    kind: MuteKind
    value: str
    label: str
    until: date | None


def mute(session: Session, public_id: UUID, wish: MuteWish, *, now: datetime) -> bool:
    """Mute something; the newest wish about the same thing counts. False if nobody reads here.

    Raises RefusedError `too_many` beyond 500.
    """
    person = _reader(session, public_id)
    if person is None:
        return False
    total = select(func.count()).select_from(MUTE).where(MUTE.c.subscriber_id == person.id)
    if session.execute(total).scalar_one() >= MAX_MUTES:
        raise RefusedError("too_many")
    row = {"label": wish.label[:200], "until": wish.until, "created_at": now}
    put = insert(session, MUTE).values(subscriber_id=person.id, kind=wish.kind, value=wish.value, **row)
    keys = [MUTE.c.subscriber_id, MUTE.c.kind, MUTE.c.value]
    session.execute(put.on_conflict_do_update(index_elements=keys, set_=row))
    return True


def unmute(session: Session, public_id: UUID, kind: MuteKind, value: str) -> bool:
    """Take a mute back; False if there was none."""
    person = _reader(session, public_id)
    if person is None:
        return False
    c = MUTE.c
    gone = delete(MUTE).where(c.subscriber_id == person.id, c.kind == kind, c.value == value)
    return session.execute(gone.returning(c.id)).first() is not None


def set_words(session: Session, person: Subscriber, words: Sequence[str], *, now: datetime) -> None:
    """Make these canonical queries the muted words of a locked person, and no others."""
    c = MUTE.c
    session.execute(
        delete(MUTE).where(c.subscriber_id == person.id, c.kind == MuteKind.WORD, c.value.not_in(list(words)))
    )
    rows = [
        {"subscriber_id": person.id, "kind": MuteKind.WORD, "value": word, "created_at": now}
        for word in dict.fromkeys(words)
    ]
    if rows:
        session.execute(insert(session, MUTE).on_conflict_do_nothing(), rows)


def mute_topic(session: Session, public_id: UUID, slug: str, *, until: date | None) -> bool:
    """Leave a topic out up to and including a day; None lets it speak again. False if it is not followed."""
    person = _reader(session, public_id)
    if person is None:
        return False
    c = SUBSCRIPTION.c
    topic = select(TOPIC.c.id).where(TOPIC.c.slug == slug).scalar_subquery()
    row = (
        update(SUBSCRIPTION)
        .where(c.subscriber_id == person.id, c.topic_id == topic)
        .values(muted_until=until)
    )
    return session.execute(row.returning(c.topic_id)).first() is not None


def drop_topic(session: Session, public_id: UUID, slug: str, *, now: datetime) -> bool:
    """Stop following a topic; False if it was not followed."""
    person = _reader(session, public_id)
    if person is None or not following.drop(session, person.id, [slug]):
        return False
    event = history.event(session, person, ConsentKind.TOPICS_CHANGED, source="mail")
    consent.append(session, [event], now=now)
    return True


def active(session: Session, subscriber_ids: Sequence[int], *, now: datetime) -> dict[int, list[ActiveMute]]:
    """The mutes that hold now, by subscriber; muted topics are `Subscription.muted_until`."""
    c = MUTE.c
    # No calendar on earth is more than a day behind; which day it is for each reader is decided below.
    earliest = now.date() - timedelta(days=1)
    rows = session.execute(
        select(c.subscriber_id, c.kind, c.value, c.label, c.until, SUBSCRIBER.c.timezone)
        .join(SUBSCRIBER, SUBSCRIBER.c.id == c.subscriber_id)
        .where(c.subscriber_id.in_(list(subscriber_ids)))
        .where(or_(c.until.is_(None), c.until >= earliest))
        .order_by(c.id)
    )
    found: dict[int, list[ActiveMute]] = {}
    for row in rows:
        if row.until is None or now.astimezone(ZoneInfo(row.timezone)).date() <= row.until:
            one = ActiveMute(kind=row.kind, value=row.value, label=row.label, until=row.until)
            found.setdefault(row.subscriber_id, []).append(one)
    return found


def _reader(session: Session, public_id: UUID) -> Subscriber | None:
    person = register.locked(session, public_id)
    return None if person is None or person.state is SubscriberState.UNSUBSCRIBED else person
