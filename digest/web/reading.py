"""Articles as pages and feeds tell of them: only those that are news, newest first."""

from typing import Any

from sqlmodel import Session, col, select

from digest.feeds.models import Article, ArticleState
from digest.matching.models import Match
from subscribers.models import Subscription


def newest_on_topics(session: Session, subscriber_id: int, *, limit: int) -> list[dict[str, Any]]:
    """The newest articles on what somebody follows: title, url or None, source."""
    mine = (
        select(Match.article_id)
        .join(Subscription, col(Subscription.topic_id) == col(Match.topic_id))
        .where(Subscription.subscriber_id == subscriber_id)
    )
    rows = session.exec(
        select(Article.title, Article.link, Article.source)
        .where(col(Article.id).in_(mine), Article.state == ArticleState.ELIGIBLE)
        .order_by(col(Article.effective_at).desc(), col(Article.id).desc())
        .limit(limit)
    )
    return [{"title": title, "url": link or None, "source": source} for title, link, source in rows]
