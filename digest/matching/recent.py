"""The titles of the last thirty days, to be asked for the nearest of any article.

Read when they are first wanted, and kept in step at most every ten minutes: what is new is added, what is old is let go.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from heapq import heappop, heappush
from threading import Lock
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, Row, select
from sqlmodel import Session, col

from digest.feeds.models import Article, ArticleState
from digest.matching.article import ArticleText
from digest.matching.similar import AT_MOST, SimilarIndex

DAYS: Final = timedelta(days=30)
RENEWED_AFTER: Final = timedelta(minutes=10)

_COLUMNS: Final = (
    col(Article.id),
    col(Article.title),
    col(Article.language),
    col(Article.source),
    col(Article.effective_at),
)
_READ_AT_ONCE: Final = 5_000


class RecentTitles:
    """The index of one process over one database; any thread may ask."""

    def __init__(self) -> None:
        self._index = SimilarIndex()
        self._oldest: list[tuple[datetime, int]] = []
        self._read_up_to = 0
        self._read_at: datetime | None = None
        self._lock = Lock()

    def nearest(self, session: Session, article: ArticleText, *, limit: int, now: datetime) -> list[int]:
        """The articles most like one of them, the nearest first; never the article itself."""
        with self._lock:
            if self._read_at is None or not timedelta() <= now - self._read_at < RENEWED_AFTER:
                self._renew(session, now)
            return [number for number, _ in self._index.similar(article, limit)]

    def _renew(self, session: Session, now: datetime) -> None:
        for row in _newer(session, after=self._read_up_to, since=now - DAYS):
            self._index.add(_text(row))
            heappush(self._oldest, (row.effective_at, row.id))
            self._read_up_to = row.id
        while self._oldest and self._oldest[0][0] <= now - DAYS:
            self._index.discard(heappop(self._oldest)[1])
        self._read_at = now


_OF_ENGINE: Final[WeakKeyDictionary[Engine, RecentTitles]] = WeakKeyDictionary()


def recent_titles(session: Session) -> RecentTitles:
    """The titles this process keeps of a database."""
    return _OF_ENGINE.setdefault(session.get_bind().engine, RecentTitles())


def _newer(session: Session, *, after: int, since: datetime) -> Iterator[Row[Any]]:
    """Articles beyond those read, in the order of their ids; of too many the last."""
    is_wanted = (
        col(Article.id) > after,
        col(Article.effective_at) > since,
        col(Article.state).not_in([ArticleState.FILTERED, ArticleState.WITHDRAWN]),
    )
    newest = select(col(Article.id)).where(*is_wanted).order_by(col(Article.id).desc()).limit(AT_MOST)
    first = min(session.execute(newest).scalars(), default=None)
    if first is None:
        return
    rows = select(*_COLUMNS).where(*is_wanted, col(Article.id) >= first).order_by(col(Article.id))
    yield from session.execute(rows.execution_options(yield_per=_READ_AT_ONCE))


def _text(row: Row[Any]) -> ArticleText:
    return ArticleText(id=row.id, title=row.title, source=row.source, language=row.language or None)
