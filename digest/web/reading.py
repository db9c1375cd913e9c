"""Articles as pages and feeds tell of them: only those that were released, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from digest.editions.models import Release
from digest.feeds.models import Article, ArticleState
from digest.matching.models import Match
from subscribers.models import Subscription, Topic, TopicKind, TopicState

FEED_LENGTH = 50
DAYS_PER_PAGE = 30
_IS_PUBLIC = (col(Topic.kind) == TopicKind.CURATED) & (col(Topic.state) == TopicState.ACTIVE)
_IS_NEWS = (col(Article.state) == ArticleState.ELIGIBLE) & col(Article.release_no).is_not(None)


@dataclass(frozen=True, slots=True)
class ArchiveDay:
    """A local date with the number of its articles on curated topics, and when its newest was released."""

    on: date
    articles: int
    newest_at: datetime


def newest_on_topics(session: Session, subscriber_id: int, *, limit: int) -> list[dict[str, Any]]:
    """The newest articles on what somebody follows: title, url or None, source."""
    found = newest(session, which=follows(subscriber_id), limit=limit)
    return [{"title": one.title, "url": one.link or None, "source": one.source} for one in found]


def public_topic(session: Session, slug: str) -> Topic | None:
    """An active curated topic by its slug."""
    return session.exec(select(Topic).where(Topic.slug == slug, _IS_PUBLIC)).first()


def articles_of_topic(session: Session, topic_id: int) -> Sequence[Article]:
    """The newest released articles of a topic."""
    return newest(session, which=col(Match.topic_id) == topic_id, limit=FEED_LENGTH)


def archive_days(session: Session, *, before: date | None, timezone: str) -> list[ArchiveDay]:
    """The newest local dates that have something to read, before a day if one is given."""
    zone = ZoneInfo(timezone)
    rows = select(Release.cut_at, func.count(func.distinct(Article.id))).join(
        Article, col(Article.release_no) == col(Release.no)
    )
    rows = rows.where(col(Article.id).in_(_public_articles()), Article.state == ArticleState.ELIGIBLE)
    if before is not None:
        rows = rows.where(Release.cut_at < day_bounds(before, timezone)[0])
    days: dict[date, ArchiveDay] = {}
    for cut_at, count in session.exec(
        rows.group_by(col(Release.no), col(Release.cut_at)).order_by(col(Release.no).desc())
    ):
        on = cut_at.astimezone(zone).date()
        if on not in days and len(days) == DAYS_PER_PAGE:
            break
        known = days.get(on, ArchiveDay(on, 0, cut_at))
        days[on] = ArchiveDay(on, known.articles + count, known.newest_at)
    return list(days.values())


def shown_on(session: Session, on: date, *, timezone: str, limit: int) -> list[tuple[Any, ...]]:
    """What an archive day tells, as a selection's `shown`: each article once, under its best curated topic."""
    first, last = day_bounds(on, timezone)
    rows = session.exec(
        select(Match.article_id, Match.topic_id, Match.field, Match.term)
        .join(Article, col(Article.id) == col(Match.article_id))
        .join(Topic, col(Topic.id) == col(Match.topic_id))
        .join(Release, col(Release.no) == col(Article.release_no))
        .where(_IS_PUBLIC, Article.state == ArticleState.ELIGIBLE)
        .where(Release.cut_at >= first, Release.cut_at < last)
        .order_by(col(Match.score).desc(), col(Article.effective_at).desc(), col(Match.topic_id))
    )
    best: dict[int, list[Any]] = {}
    for article_id, topic_id, field, term in rows:
        known = best.setdefault(article_id, [article_id, topic_id, field, term, [], [], False])
        if topic_id != known[1]:
            known[4].append(topic_id)
    return [tuple(item) for item in list(best.values())[:limit]]


def day_bounds(on: date, timezone: str) -> tuple[datetime, datetime]:
    """The moments at which a local date begins and ends."""
    zone = ZoneInfo(timezone)
    begin = datetime.combine(on, datetime.min.time(), tzinfo=zone)
    return begin, datetime.combine(on + timedelta(days=1), datetime.min.time(), tzinfo=zone)


def newest(session: Session, *, which: ColumnElement[bool], limit: int) -> Sequence[Article]:
    """The newest released articles with a match of a kind."""
    ids = select(Match.article_id).where(which)
    return session.exec(
        select(Article)
        .where(col(Article.id).in_(ids), _IS_NEWS)
        .order_by(col(Article.effective_at).desc(), col(Article.id).desc())
        .limit(limit)
    ).all()


def follows(subscriber_id: int) -> ColumnElement[bool]:
    """Matches of the topics somebody follows."""
    return col(Match.topic_id).in_(
        select(Subscription.topic_id).where(Subscription.subscriber_id == subscriber_id)
    )


def _public_articles() -> Any:
    return select(Match.article_id).join(Topic, col(Topic.id) == col(Match.topic_id)).where(_IS_PUBLIC)
