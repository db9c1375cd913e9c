"""Which words are rare in the titles of these days: read from the database once, and only if a mail needs it."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlmodel import Session, col

from digest.feeds.models import Article
from digest.matching.folding import TitleCounts
from digest.matching.titles import title

WINDOW: Final = timedelta(days=7)
AT_MOST: Final = 2_000
"""Titles that are counted; more are thinned evenly, which hardly changes the shares."""


class RecentTitles:
    """The titles of the week before a moment, counted when first asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._counted: dict[datetime, TitleCounts] = {}

    def counts(self, *, now: datetime) -> TitleCounts:
        """The counts of the week before `now`; the same rows give the same counts."""
        if now not in self._counted:
            self._counted[now] = self._count(now)
        return self._counted[now]

    def _count(self, now: datetime) -> TitleCounts:
        is_recent = (col(Article.effective_at) > now - WINDOW, col(Article.effective_at) <= now)
        total = self._session.execute(select(func.count()).where(*is_recent)).scalar_one()
        step = -(-total // AT_MOST) or 1
        rows = self._session.execute(
            select(col(Article.title), col(Article.language), col(Article.source)).where(
                *is_recent, col(Article.id) % step == 0
            )
        )
        return TitleCounts(title(text, language=language, source=source) for text, language, source in rows)
