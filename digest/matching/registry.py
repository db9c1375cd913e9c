"""Keeps a Matcher in step with the topics of the database: what was added, changed or left since the last look.

Topics that nobody follows leave the Matcher unless they are the publisher's. A stored query that no longer parses
switches its topic off, with the reason, and the others go on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlmodel import Session, col

from digest.db import Database
from digest.matching.engine import Matcher
from digest.matching.query import QueryError, parse_query
from subscribers.models import Subscription, Topic, TopicKind, TopicState

if TYPE_CHECKING:
    from datetime import datetime

log = structlog.get_logger()

CHUNK: Final = 500
"""Row numbers named in one statement."""


def is_matched() -> ColumnElement[bool]:
    """The condition under which a topic takes part in matching."""
    is_followed = exists().where(col(Subscription.topic_id) == col(Topic.id))
    return (col(Topic.state) == TopicState.ACTIVE) & or_(col(Topic.kind) == TopicKind.CURATED, is_followed)


def chunks(ids: Iterable[int]) -> Iterator[list[int]]:
    """The numbers in ascending lists that fit into one statement."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), CHUNK):
        yield ordered[start : start + CHUNK]


class Registry:
    """A Matcher and what it was last told; one per process, never shared between threads."""

    def __init__(self, languages: Sequence[str] = ("de", "en")) -> None:
        self.matcher = Matcher({}, languages)
        self._known: set[int] = set()
        self._changed_at: datetime | None = None

    def refresh(self, db: Database) -> None:
        """Add, change and discard what the topics of the database ask for."""
        with db.read() as session:
            wanted = set(session.execute(select(col(Topic.id)).where(is_matched())).scalars())
            for topic_id in self._known - wanted:
                self.matcher.discard(topic_id)
            queries = self._queries(session, (wanted - self._known) | self._changed(session))
        self._known = wanted
        broken = dict(self._add(queries))
        if broken:
            _switch_off(db, broken)

    def _changed(self, session: Session) -> set[int]:
        """Topics whose query changed at or after the newest change seen; an equal moment is looked at twice."""
        changed = col(Topic.changed_at)
        rows = select(col(Topic.id), changed).where(is_matched(), changed.is_not(None))
        if self._changed_at:
            rows = rows.where(changed >= self._changed_at)
        found = session.execute(rows).all()
        self._changed_at = max((row.changed_at for row in found), default=self._changed_at)
        return {row.id for row in found}

    def _queries(self, session: Session, ids: set[int]) -> dict[int, str]:
        found: dict[int, str] = {}
        for chunk in chunks(ids):
            rows: Any = session.execute(
                select(col(Topic.id), col(Topic.query)).where(col(Topic.id).in_(chunk))
            )
            found.update((row.id, row.query) for row in rows)
        return found

    def _add(self, queries: Mapping[int, str]) -> Iterator[tuple[int, str]]:
        """File the queries; yields topics whose query cannot be read, with the reason."""
        for topic_id, text in queries.items():
            try:
                self.matcher.add(topic_id, parse_query(text))
            except QueryError as error:
                self.matcher.discard(topic_id)
                yield topic_id, str(error)


def _switch_off(db: Database, broken: Mapping[int, str]) -> None:
    with db.write() as session:
        for topic_id, reason in broken.items():
            log.warning("topic switched off", topic=topic_id, reason=reason)
            session.execute(
                update(Topic)
                .where(col(Topic.id) == topic_id)
                .values(state=TopicState.BROKEN, state_reason=reason[:200])
            )
