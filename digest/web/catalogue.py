"""The topics a visitor may choose: the publisher's own, active ones, at most thirty seconds old."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from subscribers.models import Topic, TopicKind, TopicState

MAX_AGE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Offered:
    """A topic on the form."""

    slug: str
    name: str
    language: str


Read = Callable[[Callable[[Session], tuple[Offered, ...]]], Awaitable[tuple[Offered, ...]]]


@dataclass(slots=True)
class Catalogue:
    """Remembers what is offered, so that the form costs no query; one belongs to each app."""

    topics: tuple[Offered, ...] = ()
    read_at: datetime | None = None

    async def offered(self, now: datetime, read: Read) -> tuple[Offered, ...]:
        """Every active curated topic, by name; `read` looks into the database."""
        if self.read_at is None or not timedelta() <= now - self.read_at < MAX_AGE:
            self.topics = await read(curated_topics)
            self.read_at = now
        return self.topics


def curated_topics(session: Session) -> tuple[Offered, ...]:
    """The topics that may be chosen, as they stand now."""
    rows = session.exec(
        select(Topic.slug, Topic.name, Topic.language)
        .where(Topic.kind == TopicKind.CURATED, Topic.state == TopicState.ACTIVE)
        .order_by(col(Topic.name), col(Topic.slug))
    )
    return tuple(Offered(*row) for row in rows)
