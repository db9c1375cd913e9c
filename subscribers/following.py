"""Who follows what: own topics are made, subscriptions added or dropped, for many people at once."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from subscribers.choices import Choices, OwnTopic
from subscribers.models import TopicKind, TopicState
from subscribers.tables import SUBSCRIPTION, TOPIC
from subscribers.upsert import insert

SIMILAR_LIFE = timedelta(days=180)
"""How long "similar news as this article" is followed before it is asked again."""

_CURATED = select(TOPIC.c.slug, TOPIC.c.name).where(
    TOPIC.c.slug.in_(bindparam("slugs", expanding=True)),
    TOPIC.c.kind == TopicKind.CURATED,
    TOPIC.c.state == TopicState.ACTIVE,
)


@dataclass(frozen=True, slots=True)
class Follower:
    """A person and what they want to follow."""

    subscriber_id: int
    public_id: UUID
    choices: Choices


def curated(session: Session, slugs: Iterable[str]) -> dict[str, str]:
    """Slug and name of those slugs that are active topics of the publisher's."""
    rows = session.connection().execute(_CURATED, {"slugs": list(slugs)})
    return {row.slug: row.name for row in rows}


def follow(session: Session, people: Sequence[Follower], *, now: datetime, release_no: int) -> None:
    """Let people follow their topics from the next release on.

    What somebody follows already stays as it is. A slug that is no active curated topic is left out.
    """
    _make_own_topics(session, people, now=now)
    ids = _topic_ids(session, people)
    start = _next_positions(session, [person.subscriber_id for person in people])
    rows = [
        row
        for person in people
        for row in _rows(person, ids, start.get(person.subscriber_id, 0), now=now, release_no=release_no)
    ]
    if rows:
        session.execute(insert(session, SUBSCRIPTION).on_conflict_do_nothing(), rows)


def drop(session: Session, subscriber_id: int, slugs: Iterable[str]) -> int:
    """End subscriptions; an own topic goes with its last one. How many ended."""
    topics = select(TOPIC.c.id).where(TOPIC.c.slug.in_(list(slugs)))
    c = SUBSCRIPTION.c
    gone = (
        delete(SUBSCRIPTION)
        .where(c.subscriber_id == subscriber_id, c.topic_id.in_(topics))
        .returning(c.topic_id)
    )
    ids = list(session.execute(gone).scalars())
    session.execute(delete(TOPIC).where(TOPIC.c.id.in_(ids), TOPIC.c.owner_id == subscriber_id))
    return len(ids)


def drop_all(session: Session, subscriber_ids: Sequence[int]) -> None:
    """End all subscriptions of people and delete their own topics."""
    session.execute(delete(SUBSCRIPTION).where(SUBSCRIPTION.c.subscriber_id.in_(subscriber_ids)))
    session.execute(delete(TOPIC).where(TOPIC.c.owner_id.in_(subscriber_ids)))


def revive(session: Session, subscriber_id: int, slug: str, *, now: datetime) -> bool:
    """Let an expired topic that somebody follows live again; False if there is none."""
    followed = select(SUBSCRIPTION.c.topic_id).where(SUBSCRIPTION.c.subscriber_id == subscriber_id)
    is_expired = (TOPIC.c.slug == slug) & (TOPIC.c.state == TopicState.EXPIRED)
    row = update(TOPIC).where(is_expired, TOPIC.c.id.in_(followed)).values(_fresh(now))
    return session.execute(row.returning(TOPIC.c.id)).first() is not None


def curated_slugs(session: Session, subscriber_id: int) -> tuple[str, ...]:
    """The publisher's topics that somebody follows, sorted: what consent may name."""
    rows = (
        select(TOPIC.c.slug)
        .join(SUBSCRIPTION, SUBSCRIPTION.c.topic_id == TOPIC.c.id)
        .where(SUBSCRIPTION.c.subscriber_id == subscriber_id, TOPIC.c.kind == TopicKind.CURATED)
    )
    return tuple(sorted(session.execute(rows).scalars()))


def own_topics(session: Session, subscriber_id: int) -> tuple[OwnTopic, ...]:
    """The personal and similar topics that somebody follows."""
    c = TOPIC.c
    rows = (
        select(c.query, c.typed, c.name, c.seed_article)
        .join(SUBSCRIPTION, SUBSCRIPTION.c.topic_id == c.id)
        .where(SUBSCRIPTION.c.subscriber_id == subscriber_id, c.kind != TopicKind.CURATED)
        .order_by(SUBSCRIPTION.c.position, c.id)
    )
    return tuple(
        OwnTopic(query=row.query, typed=row.typed, name=row.name, article=row.seed_article)
        for row in session.execute(rows)
    )


def own_slug(public_id: UUID, own: OwnTopic) -> str:
    """The slug of an own topic: equal queries of one person, or equal proposals of one article, are one topic."""
    short = hashlib.sha256(own.query.encode()).hexdigest()[:8]
    return f"own-{public_id.hex}-{short}" if own.article is None else f"similar-{own.article}-{short}"


def _own_slugs(person: Follower) -> list[str]:
    return [own_slug(person.public_id, one) for one in person.choices.own]


def _make_own_topics(session: Session, people: Sequence[Follower], *, now: datetime) -> None:
    rows = {}
    for person in people:
        for own in person.choices.own:
            row = _own_row(person, own, now)
            rows[row["slug"]] = row
    if not rows:
        return
    # A similar topic that had expired lives again for whoever asks anew.
    fresh = {
        "state": TopicState.ACTIVE,
        "state_reason": "",
        "changed_at": now,
        "expires_at": now + SIMILAR_LIFE,
    }
    put = insert(session, TOPIC).on_conflict_do_update(
        index_elements=[TOPIC.c.slug], set_=fresh, where=TOPIC.c.state == TopicState.EXPIRED
    )
    session.execute(put, [rows[slug] for slug in sorted(rows)])


def _fresh(now: datetime) -> dict[str, Any]:
    """The columns of a similar topic that begins anew."""
    return {
        "state": TopicState.ACTIVE,
        "state_reason": "",
        "changed_at": now,
        "expires_at": now + SIMILAR_LIFE,
    }


def _own_row(person: Follower, own: OwnTopic, now: datetime) -> dict[str, Any]:
    is_shared = own.article is not None
    return {
        "slug": own_slug(person.public_id, own),
        "name": (own.name or own.typed or own.query)[:200],
        "query": own.query,
        "typed": own.typed[:512],
        "kind": TopicKind.SIMILAR if is_shared else TopicKind.PERSONAL,
        "owner_id": None if is_shared else person.subscriber_id,
        "language": "",
        "state": TopicState.ACTIVE,
        "state_reason": "",
        "seed_article": own.article,
        "created_at": now,
        "expires_at": now + SIMILAR_LIFE if is_shared else None,
    }


def _topic_ids(session: Session, people: Sequence[Follower]) -> dict[str, int]:
    """Ids by slug; only curated topics may be named by slug, or one could follow a stranger's own topic."""
    c = TOPIC.c
    named = {slug for person in people for slug in person.choices.topics}
    own = {slug for person in people for slug in _own_slugs(person)}
    is_allowed = (c.slug.in_(named) & (c.kind == TopicKind.CURATED)) | c.slug.in_(own)
    rows = select(c.slug, c.id).where(is_allowed, c.state == TopicState.ACTIVE)
    return {row.slug: row.id for row in session.execute(rows)}


def _next_positions(session: Session, subscriber_ids: Sequence[int]) -> dict[int, int]:
    c = SUBSCRIPTION.c
    rows = (
        select(c.subscriber_id, (func.max(c.position) + 1).label("next"))
        .where(c.subscriber_id.in_(subscriber_ids))
        .group_by(c.subscriber_id)
    )
    return {row.subscriber_id: row.next for row in session.execute(rows)}


def _rows(
    person: Follower, ids: Mapping[str, int], start: int, *, now: datetime, release_no: int
) -> list[dict[str, Any]]:
    slugs = dict.fromkeys([*person.choices.topics, *_own_slugs(person)])
    known = [ids[slug] for slug in slugs if slug in ids]
    return [
        {
            "subscriber_id": person.subscriber_id,
            "topic_id": topic_id,
            "position": start + number,
            "since_release": release_no,
            "created_at": now,
        }
        for number, topic_id in enumerate(known)
    ]
