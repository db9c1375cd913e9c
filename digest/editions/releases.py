"""Releases: the numbered cuts at which matched articles become news."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from digest.db import Database, changed
from digest.editions.models import Release
from digest.feeds.models import Article, ArticleState


def cut_release(db: Database, *, now: datetime) -> int | None:
    """Give every eligible, matched article without a number the next one; None if none waits or another cut won."""
    try:
        with db.write() as session:
            return cut(session, now=now)
    except IntegrityError:  # another planner took the number: its cut is ours
        return None


def cut(session: Session, *, now: datetime) -> int | None:
    """`cut_release` in the caller's transaction; raises IntegrityError when another cut won."""
    if not has_unreleased(session):
        return None
    number = newest_release(session) + 1
    session.execute(insert(Release).values(no=number, cut_at=now, articles=0))
    taken = changed(session, update(Article).where(*_waiting()).values(release_no=number))
    session.execute(update(Release).where(col(Release.no) == number).values(articles=taken))
    return number


def newest_release(session: Session) -> int:
    """The highest release number, 0 before the first."""
    return session.execute(select(func.max(col(Release.no)))).scalar_one() or 0


def has_unreleased(session: Session) -> bool:
    """Whether any article waits for the next cut."""
    return session.execute(select(col(Article.id)).where(*_waiting()).limit(1)).first() is not None


def has_unmatched(session: Session) -> bool:
    """Whether any article that may become news was not matched yet."""
    waits = (col(Article.state) == ArticleState.ELIGIBLE, col(Article.matched_at).is_(None))
    return session.execute(select(col(Article.id)).where(*waits).limit(1)).first() is not None


def _waiting() -> tuple[Any, ...]:
    """What makes an article part of the next release."""
    return (
        col(Article.state) == ArticleState.ELIGIBLE,
        col(Article.matched_at).is_not(None),
        col(Article.release_no).is_(None),
    )
