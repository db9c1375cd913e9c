"""Articles as pages and feeds tell of them: only those that were released, newest first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from digest.editions import mutes
from digest.editions.models import Release
from digest.feeds.keys import ALL_FEEDS
from digest.feeds.models import Article, ArticleKey, ArticleState, KeyKind
from digest.feeds.urls import canonical_url, url_key
from digest.matching.models import Match
from subscribers.models import Subscriber, Subscription, Topic, TopicKind, TopicState

FEED_LENGTH = 50
DAYS_PER_PAGE = 30
_MUTED_AT_MOST = 250
_IS_PUBLIC = (col(Topic.kind) == TopicKind.CURATED) & (col(Topic.state) == TopicState.ACTIVE)
_IS_NEWS = (col(Article.state) == ArticleState.ELIGIBLE) & col(Article.release_no).is_not(None)


@dataclass(frozen=True, slots=True)
class ArchiveDay:
    """A local date with the number of its articles on curated topics, and when its newest was released."""

    on: date
    articles: int
    newest_at: datetime


@dataclass(frozen=True, slots=True)
class About:
    """An article that somebody wants more of, and the publisher's topics it stands under."""

    id: int
    title: str
    source: str
    topics: tuple[str, ...]


def article_by_url(session: Session, url: str) -> About | None:
    """The article at an address, among ours and their aliases; the address itself is never asked."""
    key = url_key(canonical_url(url))
    if not key:
        return None
    known = select(ArticleKey.article_id).where(
        ArticleKey.scope == ALL_FEEDS,
        ArticleKey.kind == KeyKind.URL,
        ArticleKey.sha256 == sha256(key.encode()).hexdigest(),
    )
    article = session.exec(
        select(Article).where(col(Article.id).in_(known), Article.state != ArticleState.WITHDRAWN)
    ).first()
    if article is None:
        return None
    topics = select(Topic.slug).join(Match, col(Match.topic_id) == col(Topic.id))
    slugs = session.exec(
        topics.where(Match.article_id == article.id, _IS_PUBLIC).order_by(col(Match.score).desc())
    )
    return About(article.id, article.title, article.source, tuple(slugs))


def newest_on_topics(session: Session, subscriber_id: int, *, limit: int) -> list[dict[str, Any]]:
    """The newest articles on what somebody follows: title, url or None, source."""
    found = _newest(session, which=_follows(subscriber_id), limit=limit)
    return [{"title": one.title, "url": one.link or None, "source": one.source} for one in found]


def public_topic(session: Session, slug: str) -> Topic | None:
    """An active curated topic by its slug."""
    return session.exec(select(Topic).where(Topic.slug == slug, _IS_PUBLIC)).first()


def articles_of_topic(session: Session, topic_id: int) -> Sequence[Article]:
    """The newest released articles of a topic."""
    return _newest(session, which=col(Match.topic_id) == topic_id, limit=FEED_LENGTH)


def articles_of_person(session: Session, person: Subscriber, *, today: date) -> Sequence[Article]:
    """The newest released articles on what somebody follows, without what they muted."""
    found = _newest(session, which=_follows(person.id), limit=_MUTED_AT_MOST)
    muted = mutes.of(session, [person.id], local_date=today).get(person.id, [])
    quiet = mutes.Quiet.of(muted)
    heard = _heard(session, person.id, [one.id for one in found], quiet=quiet, today=today)
    return [
        one
        for one in found
        if one.id in heard and not quiet.reason(one.id, source=one.source, story_id=one.story_id)
    ][:FEED_LENGTH]


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


def _newest(session: Session, *, which: ColumnElement[bool], limit: int) -> Sequence[Article]:
    ids = select(Match.article_id).where(which)
    return session.exec(
        select(Article)
        .where(col(Article.id).in_(ids), _IS_NEWS)
        .order_by(col(Article.effective_at).desc(), col(Article.id).desc())
        .limit(limit)
    ).all()


def _follows(subscriber_id: int) -> ColumnElement[bool]:
    return col(Match.topic_id).in_(
        select(Subscription.topic_id).where(Subscription.subscriber_id == subscriber_id)
    )


def _public_articles() -> Any:
    return select(Match.article_id).join(Topic, col(Topic.id) == col(Match.topic_id)).where(_IS_PUBLIC)


def _heard(
    session: Session, subscriber_id: int, article_ids: Iterable[int], *, quiet: mutes.Quiet, today: date
) -> set[int]:
    """The articles with a hit that the reader wants to hear of today."""
    speaks = col(Subscription.muted_until).is_(None) | (col(Subscription.muted_until) < today)
    rows = session.exec(
        select(Match.article_id, Match.topic_id, Match.field)
        .join(Subscription, col(Subscription.topic_id) == col(Match.topic_id))
        .where(Subscription.subscriber_id == subscriber_id, speaks)
        .where(col(Match.article_id).in_(list(article_ids)))
    )
    return {article for article, topic, field in rows if quiet.hears(topic, field)}
