"""What the tables know about the entries of a document: everything `identity.reconcile` may ask, in a few statements."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, func, or_, select
from sqlmodel import Session, col

from digest.feeds.document import Candidate
from digest.feeds.identity import lookups
from digest.feeds.keys import Key
from digest.feeds.known import Known, KnownArticle, Standing
from digest.feeds.models import Article, ArticleKey, Feed, FeedFetch, KeyKind
from digest.feeds.urls import url_key
from digest.feeds.verdicts import standing

MONTH: Final = timedelta(days=30)
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_AT_ONCE: Final = 500  # values in one IN list
_FETCHES: Final = 50


def known(session: Session, feed: Feed, candidates: Sequence[Candidate], *, now: datetime) -> Known:
    """Read what is remembered of these candidates and of the feed's previous document."""
    keys = _keys(session, lookups(candidates, feed))
    wanted = set(keys.values()) | set(feed.document)
    return Known(
        keys=keys,
        articles=_articles(session, feed, wanted),
        previous=tuple(feed.document),
        per_hour=per_hour(session, feed, now=now),
        most_accepted=_most_accepted(session, feed),
    )


def per_hour(session: Session, feed: Feed, *, now: datetime) -> float:
    """How many articles the feed brings in an hour, by what is known of its last 30 days, at least of one day."""
    oldest, count = session.execute(
        select(func.min(col(Article.effective_at)), func.count()).where(
            col(Article.feed_id) == feed.id, col(Article.effective_at) > now - MONTH
        )
    ).one()
    span = max(now - oldest, _DAY) if oldest else MONTH
    return float(count / (span / _HOUR))


def _keys(session: Session, keys: Collection[Key]) -> dict[Key, int]:
    key = ArticleKey
    found: dict[Key, int] = {}
    for some in _portions(sorted(keys, key=lambda one: (one.scope, one.kind))):
        digests: dict[tuple[int, KeyKind], list[str]] = defaultdict(list)
        for one in some:
            digests[one.scope, one.kind].append(one.sha256)
        wanted = [  # kind by kind: so the unique index answers
            and_(col(key.scope) == scope, col(key.kind) == kind, col(key.sha256).in_(values))
            for (scope, kind), values in digests.items()
        ]
        columns = (col(key.scope), col(key.kind), col(key.sha256), col(key.article_id))
        rows = session.execute(select(*columns).where(or_(*wanted)))
        found.update({Key(scope, kind, sha256): article_id for scope, kind, sha256, article_id in rows})
    return found


def _articles(session: Session, feed: Feed, wanted: Collection[int]) -> dict[int, KnownArticle]:
    found: dict[int, KnownArticle] = {}
    for some in _portions(sorted(wanted)):
        with_guid = set(
            session.execute(
                select(col(ArticleKey.article_id)).where(
                    col(ArticleKey.article_id).in_(some),
                    col(ArticleKey.scope) == feed.id,
                    col(ArticleKey.kind) == KeyKind.GUID,
                )
            ).scalars()
        )
        rows = session.execute(
            select(Article, Feed)
            .outerjoin(Feed, col(Feed.id) == col(Article.feed_id))
            .where(col(Article.id).in_(some))
        )
        for article, owner in rows:
            found[article.id] = _known_article(article, owner, has_guid=article.id in with_guid)
    return found


def _known_article(article: Article, owner: Feed | None, *, has_guid: bool) -> KnownArticle:
    return KnownArticle(
        id=article.id,
        feed_id=article.feed_id,
        standing=standing(owner, article.link) if owner else Standing.FIRST_COME,
        link_key=url_key(article.link),
        title=article.title,
        published_at=article.published_at,
        first_seen_at=article.first_seen_at,
        fingerprint=article.fingerprint,
        state=article.state,
        state_reason=article.state_reason,
        is_released=article.release_no is not None,
        has_guid=has_guid,
        tags=tuple(article.tags),
    )


def _most_accepted(session: Session, feed: Feed) -> int:
    last = (
        select(col(FeedFetch.new))
        .where(col(FeedFetch.feed_id) == feed.id)
        .order_by(col(FeedFetch.id).desc())
        .limit(_FETCHES)
        .subquery()
    )
    return session.execute(select(func.max(last.c.new))).scalar() or 0


def _portions(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
