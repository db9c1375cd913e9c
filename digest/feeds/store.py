"""What a plan does to the tables, inside the caller's transaction.

Rows are added and changed, never removed: an empty, truncated or rolled-back document takes nothing away. Two
pollers that insert the same key meet at its UNIQUE constraint: the loser's transaction fails whole and is tried
again, and then it knows the article.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlmodel import Session, col

from digest.feeds.document import Candidate
from digest.feeds.guards import effective_at
from digest.feeds.keys import Key
from digest.feeds.known import Change, Link, Plan, Verdict
from digest.feeds.models import Article, ArticleKey, ArticleState, Feed
from digest.feeds.schedule import GAPS, median_gap


def apply(session: Session, feed: Feed, plan: Plan, *, now: datetime) -> None:
    """Write a plan: new articles, changed ones, keys, and what the feed is to remember of the document."""
    new = {id(one): _article(one, feed, now=now) for one in plan.new}
    session.add_all(new.values())
    session.flush()
    told = [(one, new[id(one)].id if one.article_id is None else one.article_id) for one in plan.verdicts]
    _write_keys(session, told, now=now)
    _write_seen(session, told, plan, feed, now=now)
    feed.document = [article_id for _, article_id in told]
    feed.id_mode = plan.id_mode
    feed.baseline_done = True
    _remember_rhythm(session, feed, [article.effective_at for article in new.values()], now=now)


def _article(one: Verdict, feed: Feed, *, now: datetime) -> Article:
    moment, is_future = effective_at(one.candidate, now=now)
    return Article(
        feed_id=feed.id,
        **_content(one.candidate),
        source=feed.title,
        published_at=one.candidate.published,
        updated_at=one.candidate.updated,
        first_seen_at=now,
        last_seen_at=now,
        effective_at=moment,
        state=one.state or ArticleState.ELIGIBLE,
        state_reason=one.reason or ("future_date" if is_future else ""),
    )


def _content(one: Candidate) -> dict[str, Any]:
    """What a reader sees, as it stands in the row."""
    return {
        "link": one.link,
        "title": one.title,
        "summary": one.summary,
        "content_html": one.content_html,
        "image_url": one.image_url,
        "image_width": one.image_width,
        "image_height": one.image_height,
        "authors": list(one.authors),
        "tags": list(one.tags),
        "language": one.language,
        "fingerprint": one.fingerprint,
    }


def _write_keys(session: Session, told: Iterable[tuple[Verdict, int]], *, now: datetime) -> None:
    rows: list[dict[str, Any]] = []
    for one, article_id in told:
        for key in one.owned:
            if key in one.moved:
                _move(session, key, article_id)
            else:
                rows.append(_key_row(key, one, article_id, now))
    if rows:
        session.execute(insert(ArticleKey), rows)


def _key_row(key: Key, one: Verdict, article_id: int, now: datetime) -> dict[str, Any]:
    return {
        "scope": key.scope,
        "kind": key.kind,
        "sha256": key.sha256,
        "article_id": article_id,
        "reason": "" if one.link is Link.REUSED else one.link.value,
        "created_at": now,
    }


def _move(session: Session, key: Key, article_id: int) -> None:
    session.execute(
        update(ArticleKey)
        .where(
            col(ArticleKey.scope) == key.scope,
            col(ArticleKey.kind) == key.kind,
            col(ArticleKey.sha256) == key.sha256,
        )
        .values(article_id=article_id, reason=Link.REUSED)
    )


def _write_seen(
    session: Session, told: Iterable[tuple[Verdict, int]], plan: Plan, feed: Feed, *, now: datetime
) -> None:
    """Note that known articles were listed again, and what they say now."""
    seen = [article_id for one, article_id in told if one.article_id is not None]
    if not seen:
        return
    session.execute(update(Article).where(col(Article.id).in_(seen)).values(last_seen_at=now))
    touched = {one.article_id: one for one in plan.verdicts if one.article_id is not None and _touches(one)}
    if not touched:
        return
    rows = session.execute(select(Article).where(col(Article.id).in_(touched)).with_for_update()).scalars()
    for article in rows:
        _change(article, touched[article.id], feed, now=now)
    session.flush()


def _touches(one: Verdict) -> bool:
    return one.change is not Change.NONE or one.state is not None or one.link is Link.OTHER_FEED


def _change(article: Article, one: Verdict, feed: Feed, *, now: datetime) -> None:
    is_released = article.release_no is not None  # asked of the locked row: a release may have come between
    if one.takes_over:
        article.feed_id = feed.id
    if one.change is not Change.NONE:
        _rewrite(article, one.candidate, is_released=is_released, now=now)
    elif one.link is Link.OTHER_FEED:
        article.tags = list(dict.fromkeys([*article.tags, *one.candidate.tags]))
    if one.state is not None and not is_released:
        article.state, article.state_reason = one.state, one.reason


def _rewrite(article: Article, one: Candidate, *, is_released: bool, now: datetime) -> None:
    """Before its release an article becomes what it says now; after it, that it was edited is only noted."""
    article.updated_at = one.updated or now
    if is_released:
        article.fingerprint = one.fingerprint
        return
    for name, value in _content(one).items():
        setattr(article, name, value)
    article.changed_at = now
    article.matched_at = None


def _remember_rhythm(session: Session, feed: Feed, moments: list[datetime], *, now: datetime) -> None:
    if not moments:
        return
    feed.last_change_at = max([*moments, feed.last_change_at or min(moments)])
    published = session.execute(
        select(col(Article.published_at))
        .where(col(Article.feed_id) == feed.id, col(Article.published_at) <= now)
        .order_by(col(Article.published_at).desc())
        .limit(GAPS + 1)
    ).scalars()
    feed.median_gap = median_gap([moment for moment in published if moment is not None])
