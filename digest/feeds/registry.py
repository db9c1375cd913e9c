"""What an operator does with feeds: add, look, pause, resume, remove, decide about floods. Prints nothing.

Functions take a session and return values; the caller commits. The two that talk to the network are async and take
a fetcher and a pool.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import case, delete, func, select, update
from sqlmodel import Session, col

from digest.feeds import recall
from digest.feeds.claim import ensure_hosts
from digest.feeds.exchange import Policy
from digest.feeds.hosts import host_key
from digest.feeds.models import Article, ArticleState, Feed, FeedFetch, FeedState, HostState, Trust
from digest.feeds.netguard import request_url
from digest.feeds.outcomes import Outcome, sentence
from digest.feeds.urls import url_key

MAX_BACKFILL: Final = 50
UNDECIDED: Final = timedelta(days=14)
_PUBLIC_ONLY: Final = Policy()


class RegistryError(Exception):
    """What was asked cannot be done; the text is one sentence for the operator."""


class FeedExistsError(RegistryError):
    """The address is already a feed; `feed` is it."""

    def __init__(self, feed: Feed) -> None:
        super().__init__(f"{feed.url} is already a feed.")
        self.feed = feed


class UnknownFeedError(RegistryError):
    """No feed has this address or number."""


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


def add_feed(
    session: Session,
    url: str,
    *,
    trust: Trust = Trust.THIRD,
    now: datetime,
    policy: Policy = _PUBLIC_ONLY,
    tags: Sequence[str] = (),
    backfill: int = 0,
    spread: timedelta = timedelta(),
) -> Feed:
    """Add a feed that is asked with the next round, or after `spread`; raises FeedExistsError, BlockedUrlError.

    `backfill` (at most 50) of the newest articles of its first document are news instead of seed.
    """
    if not 0 <= backfill <= MAX_BACKFILL:
        raise RegistryError(f"A backfill is a number from 0 to {MAX_BACKFILL}.")
    ready = request_url(url.strip(), ports=policy.ports, any_port=policy.allow_private)
    key = url_key(ready)
    existing = session.execute(select(Feed).where(col(Feed.url_key) == key)).scalar_one_or_none()
    if existing is not None:
        raise FeedExistsError(existing)
    feed = Feed(
        url=ready,
        original_url=url.strip(),
        url_key=key,
        host=host_key(ready),
        trust=trust,
        tags=list(tags),
        backfill=backfill,
        next_check_at=now + spread,
        state_since=now,
        created_at=now,
    )
    session.add(feed)
    ensure_hosts(session, {feed.host})
    session.flush()
    return feed


def spread_evenly(count: int, *, over: timedelta = timedelta(minutes=5)) -> list[timedelta]:
    """When each of many new feeds is asked first, so that an import is no stampede."""
    return [over * place / max(count, 1) for place in range(count)]


def find(session: Session, which: str) -> Feed:
    """Return the feed of an address, in any of its spellings, or of a number; raises UnknownFeedError."""
    if which.isdecimal():
        feed = session.get(Feed, int(which))
    else:
        statement = select(Feed).where(
            (col(Feed.url_key) == url_key(which)) | (col(Feed.original_url) == which)
        )
        feed = session.execute(statement.order_by(col(Feed.id))).scalars().first()
    if feed is None:
        raise UnknownFeedError(f"{which} is no feed of ours; `digest feeds list` shows them.")
    return feed


def list_feeds(session: Session) -> list[Feed]:
    """All feeds, oldest first."""
    return list(session.execute(select(Feed).order_by(col(Feed.id))).scalars())


def pause(session: Session, feed: Feed, *, now: datetime) -> None:
    """Ask a feed no more until somebody resumes it."""
    feed.state, feed.state_since = FeedState.PAUSED, now
    session.flush()


def resume(session: Session, feed: Feed, *, now: datetime) -> None:
    """Ask a feed again at once, whatever stopped it; its past is kept."""
    feed.state = FeedState.NEW if feed.last_ok_at is None else FeedState.RETRYING
    feed.state_since, feed.error_count = now, 0
    feed.gone_count, feed.gone_since = 0, None
    feed.next_check_at = now
    session.flush()


def remove(session: Session, feed: Feed) -> None:
    """Forget a feed; its articles and the keys that recognise them stay, so nothing comes back as news."""
    session.execute(delete(FeedFetch).where(col(FeedFetch.feed_id) == feed.id))
    session.execute(update(Article).where(col(Article.feed_id) == feed.id).values(feed_id=None))
    session.delete(feed)
    session.flush()


def release_quarantined(session: Session, feed: Feed) -> int:
    """Let the articles of a flood be news after all; their number."""
    return _decide(session, ArticleState.ELIGIBLE, "", col(Article.feed_id) == feed.id)


def discard_quarantined(session: Session, feed: Feed) -> int:
    """Take the articles of a flood out for good; their number."""
    return _decide(session, ArticleState.WITHDRAWN, "discarded", col(Article.feed_id) == feed.id)


def expire_quarantined(session: Session, *, now: datetime) -> int:
    """Make floods nobody decided about for 14 days seed, so that they can never be mailed by accident; their number."""
    return _decide(session, ArticleState.SEED, "expired", col(Article.first_seen_at) <= now - UNDECIDED)


def health(session: Session, *, now: datetime, lang: str = "en") -> list[FeedHealth]:
    """How every feed is doing, and why, in the order they were added."""
    shares = _unchanged_ratios(session)
    waiting = _quarantined(session)
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
        )
        for feed in list_feeds(session)
    ]


def next_attempt(feed: Feed, host: HostState | None) -> datetime | None:
    """When a feed will be asked next: its own time or its host's, whichever is later; None if not by itself."""
    if feed.state in {FeedState.PAUSED, FeedState.GONE}:
        return None
    rest = host.not_before if host else None
    return feed.next_check_at if rest is None else max(feed.next_check_at, rest)


def _decide(session: Session, state: ArticleState, reason: str, which: Any) -> int:
    result: Any = session.execute(
        update(Article)
        .where(which, col(Article.state) == ArticleState.QUARANTINED, col(Article.release_no).is_(None))
        .values(state=state, state_reason=reason)
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)


def _unchanged_ratios(session: Session) -> dict[int, float]:
    unchanged = func.sum(case((col(FeedFetch.outcome) == Outcome.UNCHANGED.value, 1), else_=0))
    rows = session.execute(
        select(col(FeedFetch.feed_id), unchanged, func.count()).group_by(col(FeedFetch.feed_id))
    )
    return {feed_id: round(float(count) / total, 3) for feed_id, count, total in rows}


def _quarantined(session: Session) -> dict[int, int]:
    rows = session.execute(
        select(col(Article.feed_id), func.count())
        .where(col(Article.state) == ArticleState.QUARANTINED)
        .group_by(col(Article.feed_id))
    )
    return {feed_id: int(count) for feed_id, count in rows if feed_id is not None}
