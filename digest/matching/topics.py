"""The publisher's topics: made, changed, listed with their health, and removed. Services; they print nothing."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from digest.matching.condition import Condition, conditions
from digest.matching.errors import TopicError
from digest.matching.health import Health
from digest.matching.language import primary
from digest.matching.proposals import Proposal
from digest.matching.query import Query, parse_query
from subscribers.models import Subscription, Topic, TopicKind, TopicState

SLUG_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Listing:
    """One topic with its followers, its matches of 7 and 30 days, its health, and what may help."""

    slug: str
    name: str
    query: str
    typed: str
    language: str
    kind: TopicKind
    state: TopicState
    state_reason: str
    created_at: datetime
    last_match_at: datetime | None
    followers: int
    week: int
    month: int
    health: Health
    proposals: tuple[Proposal, ...] = ()


def topic_query(typed: str, *, language: str = "") -> Query:
    """The query of a topic as typed, in one language if one is named; raises `QueryError`."""
    tag = primary(language)
    query = parse_query(typed)
    if not tag:
        return query
    within = f" in:{query.within}" if query.within else ""
    return replace(parse_query(f"({query.root}) lang:{tag}{within}"), hints=query.hints)


def add_topic(
    session: Session, *, slug: str, name: str, query: str, now: datetime, language: str = ""
) -> Topic:
    """Offer a curated topic; matches count from the next batch on. Raises `TopicError`, `QueryError`."""
    if not _is_slug(slug):
        raise TopicError(f"“{slug}” is no slug: use a-z, 0-9 and single hyphens.")
    if not name.strip():
        raise TopicError("A topic needs a name that readers see.")
    canonical = str(topic_query(query, language=language))
    if _find(session, slug) is not None:
        raise TopicError(f"There is a topic {slug} already.")
    topic = Topic(
        slug=slug,
        name=name.strip()[:200],
        query=canonical,
        typed=query,
        language=primary(language),
        kind=TopicKind.CURATED,
        created_at=now,
        changed_at=now,
    )
    session.add(topic)
    session.flush()
    return topic


def change_topic(
    session: Session, slug: str, *, now: datetime, name: str | None = None, query: str | None = None
) -> Topic:
    """Give a topic another name or query; a changed query counts from the next batch on, old matches stay."""
    topic = _required(session, slug)
    if name is not None:
        topic.name = name.strip()[:200] or topic.name
    if query is not None:
        topic.query, topic.typed = str(topic_query(query, language=topic.language)), query
        topic.state, topic.state_reason = TopicState.ACTIVE, ""
        topic.changed_at = now
    session.add(topic)
    session.flush()
    return topic


def remove_topic(session: Session, slug: str) -> int:
    """Take a topic away with its matches and subscriptions; how many people followed it."""
    topic = _required(session, slug)
    followers = _followers(session).get(topic.id, 0)
    session.delete(topic)
    session.flush()
    return followers


def list_topics(
    session: Session, *, now: datetime, kind: TopicKind | None = TopicKind.CURATED
) -> list[Listing]:
    """The topics of a kind (None: all) by slug, each with its health; ailing ones with proposals."""
    rows = select(Topic).order_by(col(Topic.slug))
    topics = list(session.execute(rows if kind is None else rows.where(col(Topic.kind) == kind)).scalars())
    found = conditions(session, [topic.id for topic in topics], now=now)
    followers = _followers(session)
    return [_listing(topic, found[topic.id], followers.get(topic.id, 0)) for topic in topics]


def show_topic(session: Session, slug: str, *, now: datetime) -> Listing:
    """One topic with its health; raises `TopicError`."""
    topic = _required(session, slug)
    found = conditions(session, [topic.id], now=now)[topic.id]
    return _listing(topic, found, _followers(session).get(topic.id, 0))


def _listing(topic: Topic, found: Condition, followers: int) -> Listing:
    return Listing(
        slug=topic.slug,
        name=topic.name,
        query=topic.query,
        typed=topic.typed,
        language=topic.language,
        kind=topic.kind,
        state=topic.state,
        state_reason=topic.state_reason,
        created_at=topic.created_at,
        last_match_at=topic.last_match_at,
        followers=followers,
        week=found.week,
        month=found.month,
        health=found.health,
        proposals=found.proposals,
    )


def _followers(session: Session) -> dict[int, int]:
    topic_id = col(Subscription.topic_id)
    rows: Any = session.execute(select(topic_id, func.count()).group_by(topic_id))
    return {row[0]: row[1] for row in rows}


def _find(session: Session, slug: str) -> Topic | None:
    return session.execute(select(Topic).where(col(Topic.slug) == slug)).scalar_one_or_none()


def _required(session: Session, slug: str) -> Topic:
    topic = _find(session, slug)
    if topic is None:
        raise TopicError(f"There is no topic {slug}.")
    return topic


def _is_slug(slug: str) -> bool:
    parts = slug.split("-")
    is_plain = slug.isascii() and slug == slug.lower() and len(slug) <= SLUG_LENGTH
    return is_plain and all(part.isalnum() for part in parts)
