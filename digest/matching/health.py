"""Topic health: which topics bring nothing, which bring too much, counted from the stored matches."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import case, func, select
from sqlmodel import Session, col

from digest.feeds.models import Article
from digest.matching.models import Match
from digest.matching.registry import chunks

MONTH: Final = timedelta(days=30)
WEEK: Final = timedelta(days=7)
NOISY_COUNT: Final = 200
NOISY_SHARE: Final = 0.25
NOISY_FROM: Final = 200


class Health(StrEnum):
    """How a topic does: well, nothing in 30 days, or too much in 7."""

    GOOD = "good"
    SILENT = "silent"
    NOISY = "noisy"


@dataclass(frozen=True, slots=True)
class Numbers:
    """Matches of one topic in the last 7 and 30 days."""

    week: int = 0
    month: int = 0


def health(numbers: Numbers, *, articles: int, created_at: datetime, now: datetime) -> Health:
    """The health of a topic where `articles` were matched in the last 7 days; a young topic is not silent yet."""
    is_large = articles >= NOISY_FROM and numbers.week > NOISY_SHARE * articles
    if numbers.week > NOISY_COUNT or is_large:
        return Health.NOISY
    if not numbers.month and created_at <= now - MONTH:
        return Health.SILENT
    return Health.GOOD


def numbers(session: Session, topic_ids: Iterable[int], *, now: datetime) -> dict[int, Numbers]:
    """The matches of topics; a topic without any is missing."""
    found: dict[int, Numbers] = {}
    is_new = case((col(Match.matched_at) > now - WEEK, 1), else_=0)
    for chunk in chunks(topic_ids):
        rows = session.execute(
            select(col(Match.topic_id), func.sum(is_new).label("week"), func.count().label("month"))
            .where(
                col(Match.topic_id).in_(chunk),
                col(Match.matched_at) > now - MONTH,
                col(Match.matched_at) <= now,
            )
            .group_by(col(Match.topic_id))
        )
        found.update((row.topic_id, Numbers(int(row.week), row.month)) for row in rows)
    return found


def articles_of_week(session: Session, *, now: datetime) -> int:
    """How many articles were matched in the last 7 days."""
    matched = col(Article.matched_at)
    return int(session.execute(select(func.count()).where(matched > now - WEEK, matched <= now)).scalar_one())
