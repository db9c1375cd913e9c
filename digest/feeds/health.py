"""How feeds are doing, told from the tables alone: state, last attempt in a sentence, next attempt, what waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlmodel import Session, col

from digest.feeds import recall
from digest.feeds.models import Article, ArticleState, Feed, FeedFetch, FeedState, HostState, Trust
from digest.feeds.outcomes import Outcome, sentence
from digest.feeds.registry import list_feeds


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHealth:
    """One line of `feeds list`: everything to understand a feed's state without a log."""

    id: int
    url: str
    title: str
    trust: Trust
    tags: tuple[str, ...]
    state: FeedState
    state_since: datetime
    outcome: str
    sentence: str
    next_check_at: datetime | None
    last_ok_at: datetime | None
    error_count: int
    articles_per_week: float
    unchanged_ratio: float
    quarantined: int
    late: int
    block_query: str
    keep_query: str
    interval: timedelta | None


def recent_fetches(session: Session, feed: Feed, *, limit: int = 5) -> list[FeedFetch]:
    """The last attempts, newest first."""
    rows = select(FeedFetch).where(col(FeedFetch.feed_id) == feed.id).order_by(col(FeedFetch.id).desc())
    return list(session.execute(rows.limit(limit)).scalars())


def health(
    session: Session, *, now: datetime, lang: str = "en", only: Feed | None = None
) -> list[FeedHealth]:
    """How every feed is doing (or one of them), and why, in the order they were added."""
    shares = _unchanged_ratios(session)
    waiting, late = _withheld(session, "flood"), _withheld(session, "late")
    hosts = {row.host: row for row in session.execute(select(HostState)).scalars()}
    return [
        FeedHealth(
            id=feed.id,
            url=feed.url,
            title=feed.title,
            trust=feed.trust,
            tags=tuple(feed.tags),
            state=feed.state,
            state_since=feed.state_since,
            outcome=feed.last_outcome,
            sentence=sentence(feed.last_outcome, detail=feed.last_detail, lang=lang),
            next_check_at=next_attempt(feed, hosts.get(feed.host)),
            last_ok_at=feed.last_ok_at,
            error_count=feed.error_count,
            articles_per_week=round(recall.per_hour(session, feed, now=now) * 24 * 7, 1),
            unchanged_ratio=shares.get(feed.id, 0.0),
            quarantined=waiting.get(feed.id, 0),
            late=late.get(feed.id, 0),
            block_query=feed.block_query,
            keep_query=feed.keep_query,
            interval=feed.interval,
        )
        for feed in ([only] if only else list_feeds(session))
    ]


def next_attempt(feed: Feed, host: HostState | None) -> datetime | None:
    """When a feed will be asked next: its own time or its host's, whichever is later; None if not by itself."""
    if feed.state in {FeedState.PAUSED, FeedState.GONE}:
        return None
    rest = host.not_before if host else None
    return feed.next_check_at if rest is None else max(feed.next_check_at, rest)


def _unchanged_ratios(session: Session) -> dict[int, float]:
    unchanged = func.sum(case((col(FeedFetch.outcome) == Outcome.UNCHANGED.value, 1), else_=0))
    rows = session.execute(
        select(col(FeedFetch.feed_id), unchanged, func.count()).group_by(col(FeedFetch.feed_id))
    )
    return {feed_id: round(float(count) / total, 3) for feed_id, count, total in rows}


def _withheld(session: Session, reason: str) -> dict[int, int]:
    """How many unreleased articles of each feed are no news for one reason."""
    rows = session.execute(
        select(col(Article.feed_id), func.count())
        .where(
            col(Article.state_reason) == reason,
            col(Article.state) != ArticleState.ELIGIBLE,
            col(Article.release_no).is_(None),
        )
        .group_by(col(Article.feed_id))
    )
    return {feed_id: int(count) for feed_id, count in rows if feed_id is not None}
