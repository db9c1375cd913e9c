"""How topics do and what may help them: one answer for the publisher's list and for a reader's own page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from sqlalchemy import select
from sqlmodel import Session, col

from digest.matching.health import Health, Numbers, articles_of_week, health, numbers
from digest.matching.preview import DAYS
from digest.matching.proposals import Proposal, proposals
from digest.matching.query import QueryError, parse_query
from digest.matching.registry import chunks
from digest.matching.sample import samples_of
from subscribers.models import Topic, TopicState

_SENTENCES: Final = MappingProxyType(
    {
        Health.GOOD: ("{week} Artikel in 7 Tagen.", "Articles in 7 days: {week}."),
        Health.SILENT: ("Kein Artikel in 30 Tagen.", "No article in 30 days."),
        Health.NOISY: ("Sehr viel: {week} Artikel in 7 Tagen.", "A lot: {week} articles in 7 days."),
    }
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A topic's health, its matches of 7 and 30 days, and at most three changes that may help an ailing one."""

    health: Health
    week: int
    month: int
    proposals: tuple[Proposal, ...] = ()

    def sentence(self, language: str = "en") -> str:
        """The health as one sentence in German (`de`) or English."""
        german, english = _SENTENCES[self.health]
        return (german if language.startswith("de") else english).format(week=self.week)


def conditions(session: Session, topic_ids: Iterable[int], *, now: datetime) -> dict[int, Condition]:
    """The condition of each of these topics, by id; an unknown one is missing."""
    topics = _topics(session, topic_ids)
    counts = numbers(session, [topic.id for topic in topics], now=now)
    articles = articles_of_week(session, now=now)
    return {
        topic.id: _condition(session, topic, counts.get(topic.id, Numbers()), articles=articles, now=now)
        for topic in topics
    }


def _topics(session: Session, ids: Iterable[int]) -> list[Topic]:
    rows = [session.execute(select(Topic).where(col(Topic.id).in_(chunk))) for chunk in chunks(ids)]
    return [topic for found in rows for topic in found.scalars()]


def _condition(session: Session, topic: Topic, counts: Numbers, *, articles: int, now: datetime) -> Condition:
    state = health(counts, articles=articles, created_at=topic.created_at, now=now)
    is_ailing = state is not Health.GOOD and topic.state is TopicState.ACTIVE
    offered = _proposals(session, topic, state, now=now) if is_ailing else ()
    return Condition(state, counts.week, counts.month, offered)


def _proposals(session: Session, topic: Topic, state: Health, *, now: datetime) -> tuple[Proposal, ...]:
    try:
        query = parse_query(topic.query)
    except QueryError:
        return ()
    return proposals(query, state, samples_of(session).sample(session, days=DAYS, now=now))
