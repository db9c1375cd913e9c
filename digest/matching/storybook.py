"""The stories of a database as one process knows them: replayed at the start, kept in step with other processes.

The database is the truth: what another process decided is read before the next article is assigned, so two processes
that take turns under the stage's lease group as one would.
"""

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Row, func, select
from sqlmodel import col

from digest.db import Database
from digest.feeds.models import Article
from digest.matching.article import ArticleText
from digest.matching.stories import REPLAYED, StoryClusterer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

READ_AT_ONCE: Final = 5_000
"""Titles in memory while replaying."""

_COLUMNS: Final = (
    col(Article.id),
    col(Article.title),
    col(Article.language),
    col(Article.source),
    col(Article.effective_at),
    col(Article.story_id),
)


class Storybook:
    """Assigns stories with everything the database says of the last 14 days; one per process, for one thread."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._clusterer = StoryClusterer()
        self._is_replayed = False
        self._read_up_to = 0

    def catch_up(self) -> None:
        """Read what was told so far, if articles wait; outside of any transaction, for the first time takes long."""
        with self._db.read() as session:
            is_waiting = session.execute(
                select(col(Article.id)).where(col(Article.matched_at).is_(None)).limit(1)
            ).first()
        if is_waiting:
            self._read()

    def assign(self, article: ArticleText, at: "datetime") -> int:
        """The story of an article published at `at`."""
        if not self._is_replayed:
            self._read()
        elif article.id > self._read_up_to + 1:  # another process may have told what lies between
            self._read(before=article.id)
        self._read_up_to = max(self._read_up_to, article.id)
        return self._clusterer.assign(article, at)

    def _read(self, *, before: int | None = None) -> None:
        for row in self._told(before):
            self._clusterer.restore(_text(row), row.effective_at, row.story_id)
            self._read_up_to = max(self._read_up_to, row.id)
        self._is_replayed = True

    def _told(self, before: int | None) -> "Iterator[Row[Any]]":
        """Articles with a story beyond those read, in the order of their ids."""
        with self._db.read() as session:
            newest = session.execute(select(func.max(col(Article.effective_at)))).scalar_one()
        if newest is None:
            return
        is_wanted: list[ColumnElement[bool]] = [
            col(Article.story_id).is_not(None),
            col(Article.effective_at) > newest - REPLAYED,
        ]
        if before is not None:
            is_wanted.append(col(Article.id) < before)
        after, is_more = self._read_up_to, True
        while is_more:
            with self._db.read() as session:
                found = select(*_COLUMNS).where(*is_wanted, col(Article.id) > after)
                rows = session.execute(found.order_by(col(Article.id)).limit(READ_AT_ONCE)).all()
            yield from rows
            is_more = len(rows) == READ_AT_ONCE
            after = rows[-1].id if rows else after


def _text(row: Row[Any]) -> ArticleText:
    return ArticleText(id=row.id, title=row.title, source=row.source, language=row.language or None)
