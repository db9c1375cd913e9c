"""What an operator does with feeds: add, look, pause, resume, remove, decide about floods. Prints nothing.

Functions take a session and return values; the caller commits. The two that talk to the network are async and take
a fetcher and a pool.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select, update
from sqlmodel import Session, col

from digest.feeds.claim import ensure_hosts
from digest.feeds.exchange import Policy
from digest.feeds.hosts import host_key
from digest.feeds.models import Article, ArticleState, Feed, FeedFetch, FeedState, Trust
from digest.feeds.netguard import request_url
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


def flooded_feeds(session: Session) -> int:
    """How many feeds brought a flood nobody has decided about."""
    waiting = select(func.count(col(Article.feed_id).distinct())).where(
        col(Article.state) == ArticleState.QUARANTINED, col(Article.release_no).is_(None)
    )
    return int(session.execute(waiting).scalar_one())


def release_quarantined(session: Session, feed: Feed) -> int:
    """Let the articles of a flood be news after all; their number."""
    return _decide(session, ArticleState.ELIGIBLE, "", col(Article.feed_id) == feed.id)


def discard_quarantined(session: Session, feed: Feed) -> int:
    """Take the articles of a flood out for good; their number."""
    return _decide(session, ArticleState.WITHDRAWN, "discarded", col(Article.feed_id) == feed.id)


def expire_quarantined(session: Session, *, now: datetime) -> int:
    """Make floods nobody decided about for 14 days seed, so that they can never be mailed by accident; their number."""
    return _decide(session, ArticleState.SEED, "expired", col(Article.first_seen_at) <= now - UNDECIDED)


def change_feed(
    session: Session,
    feed: Feed,
    *,
    trust: Trust | None = None,
    block: str | None = None,
    keep: str | None = None,
    interval: timedelta | None = None,
) -> None:
    """Set what is given; an empty query is no rule, an interval of nothing the feed's own rhythm.

    The queries are canonical ones. A new rule is also asked about what is news already but not yet released.
    """
    feed.trust = trust or feed.trust
    if interval is not None:
        feed.interval = interval or None
    rules = (feed.block_query, feed.keep_query)
    feed.block_query = rules[0] if block is None else block
    feed.keep_query = rules[1] if keep is None else keep
    if rules != (feed.block_query, feed.keep_query):
        statement = update(Article).where(
            col(Article.feed_id) == feed.id,
            col(Article.release_no).is_(None),
            col(Article.state).in_((ArticleState.ELIGIBLE, ArticleState.QUARANTINED)),
        )
        session.execute(statement.values(matched_at=None).execution_options(synchronize_session=False))
    session.flush()


def _decide(session: Session, state: ArticleState, reason: str, which: Any) -> int:
    result: Any = session.execute(
        update(Article)
        .where(which, col(Article.state) == ArticleState.QUARANTINED, col(Article.release_no).is_(None))
        .values(state=state, state_reason=reason)
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)
