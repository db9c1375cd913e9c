"""Which articles of an edition may share a line: compared once for all its slices, with the titles of these days in view."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlmodel import Session, col

from digest.feeds.models import Article
from digest.matching.folding import Headline, Likeness, TitleCounts
from digest.matching.standing import Facts
from digest.matching.titles import title

WINDOW: Final = timedelta(days=7)
AT_MOST: Final = 2_000
"""Titles that are counted; more are thinned evenly, which hardly changes the shares."""


class EditionLikeness:
    """The likeness of whatever articles the slices of one edition bring."""

    def __init__(self) -> None:
        self._likeness = Likeness()

    def pairs(self, session: Session, facts: Mapping[int, Facts], *, now: datetime) -> Mapping[int, set[int]]:
        """Of each of these articles those it may be folded with, `now` being the edition's due time."""
        headlines = (
            Headline(article, one.title, one.language, one.source, one.effective_at, one.story_id)
            for article, one in facts.items()
        )
        self._likeness.add(headlines, lambda: count_titles(session, now=now))
        return self._likeness.pairs


def count_titles(session: Session, *, now: datetime) -> TitleCounts:
    """In how many titles of the week before `now` each feature stands; the same rows give the same counts."""
    is_recent = (col(Article.effective_at) > now - WINDOW, col(Article.effective_at) <= now)
    total = session.execute(select(func.count()).where(*is_recent)).scalar_one()
    step = -(-total // AT_MOST) or 1
    rows = session.execute(
        select(col(Article.title), col(Article.language), col(Article.source)).where(
            *is_recent, col(Article.id) % step == 0
        )
    )
    return TitleCounts(title(text, language=language, source=source) for text, language, source in rows)
