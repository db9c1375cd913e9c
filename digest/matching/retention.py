"""How long articles are kept: their text for a season, those that fit no topic for half a year.

Their keys stay for ever: a key without its article still says "seen", so nothing comes back as news.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update
from sqlmodel import Session, col

from digest.db import changed
from digest.feeds.models import Article
from digest.matching.models import Match

LIMIT: Final = 1000


def forget_articles(
    session: Session, *, now: datetime, texts: timedelta, unmatched: timedelta, limit: int = LIMIT
) -> int:
    """End what is due, at most `limit` articles of each kind; 0 when nothing is due any more."""
    return _empty(session, before=now - texts, limit=limit) + _delete(
        session, before=now - unmatched, limit=limit
    )


def _empty(session: Session, *, before: datetime, limit: int) -> int:
    due = (
        select(col(Article.id))
        .where(col(Article.content_html) != "", col(Article.first_seen_at) <= before)
        .order_by(col(Article.first_seen_at))
        .limit(limit)
    )
    return changed(session, update(Article).where(col(Article.id).in_(due)).values(content_html=""))


def _delete(session: Session, *, before: datetime, limit: int) -> int:
    is_matched = select(col(Match.article_id)).where(col(Match.article_id) == col(Article.id)).exists()
    due = (
        select(col(Article.id))
        .where(col(Article.first_seen_at) <= before, col(Article.matched_at).is_not(None), ~is_matched)
        .order_by(col(Article.first_seen_at))
        .limit(limit)
    )
    return changed(session, delete(Article).where(col(Article.id).in_(due)))
