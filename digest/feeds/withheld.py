"""The articles of a feed that no release takes, why, and how a person lets one through or takes one out.

A release decides about states only: what is released here is eligible for the next one, and what a release has taken
stays taken. Functions take a session; the caller commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlmodel import Session, col

from digest.feeds.guards import NO_MAIL
from digest.feeds.keys import url_digest
from digest.feeds.models import Article, ArticleKey, ArticleState, Feed, KeyKind
from digest.feeds.registry import RegistryError

DISCARDED: Final = "discarded"
_BASELINE: Final = "baseline"


class ArticleError(RegistryError):
    """No article of the feed has this address, or nothing can be decided about it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WithheldArticle:
    """One article and the reason why no release takes it."""

    id: int
    title: str
    link: str
    published_at: datetime | None
    first_seen_at: datetime
    state: ArticleState
    reason: str


def withheld(session: Session, feed: Feed, *, limit: int = 20) -> list[WithheldArticle]:
    """The newest articles that are kept but not news; those the feed brought at first come last."""
    rows = session.execute(
        select(Article)
        .where(
            col(Article.feed_id) == feed.id,
            col(Article.state) != ArticleState.ELIGIBLE,
            col(Article.release_no).is_(None),
        )
        .order_by(col(Article.state_reason) == _BASELINE, col(Article.id).desc())
        .limit(limit)
    ).scalars()
    return [
        WithheldArticle(
            id=row.id,
            title=row.title,
            link=row.link,
            published_at=row.published_at,
            first_seen_at=row.first_seen_at,
            state=row.state,
            reason=row.state_reason,
        )
        for row in rows
    ]


def release_articles(session: Session, feed: Feed, addresses: Sequence[str]) -> int:
    """Let single articles be news after all, whatever withheld them but a rule or the publisher; their number.

    They are matched anew. Raises `ArticleError` for the first address that cannot be; then nothing is to be kept.
    """
    articles = [_find(session, feed, address) for address in addresses]
    for article, address in zip(articles, addresses, strict=True):
        if article.state is ArticleState.FILTERED:
            raise ArticleError(
                f"{address} is {article.state_reason}; change the rule with `digest feeds change`."
            )
        if article.state_reason == NO_MAIL:
            raise ArticleError(f"The publisher does not want {address} mailed: it is tagged {NO_MAIL}.")
        if article.state is not ArticleState.ELIGIBLE:
            article.state, article.state_reason, article.matched_at = ArticleState.ELIGIBLE, "", None
    session.flush()
    return len(articles)


def discard_articles(session: Session, feed: Feed, addresses: Sequence[str]) -> int:
    """Take single articles out before a release takes them; their number. Raises `ArticleError` for the first that is."""
    articles = [_find(session, feed, address) for address in addresses]
    for article in articles:
        article.state, article.state_reason = ArticleState.WITHDRAWN, DISCARDED
    session.flush()
    return len(articles)


def _find(session: Session, feed: Feed, address: str) -> Article:
    """The article an address leads to, in any of its spellings; locked."""
    known = select(col(ArticleKey.article_id)).where(
        col(ArticleKey.kind) == KeyKind.LINK,
        col(ArticleKey.scope) == feed.id,
        col(ArticleKey.sha256) == url_digest(address),
    )
    statement = (
        select(Article)
        .where(
            col(Article.feed_id) == feed.id,
            col(Article.id).in_(known) | (col(Article.link) == address.strip()),
        )
        .order_by(col(Article.id).desc())
        .limit(1)
        .with_for_update()
    )
    article: Article | None = session.execute(statement).scalar_one_or_none()
    if article is None:
        raise ArticleError(
            f"{feed.url} has no article at {address}; `digest feeds show {feed.id}` lists them."
        )
    if article.release_no is not None:
        raise ArticleError(f"{address} has already been released; nothing can be decided about it any more.")
    return article
