"""The stage that matches: loads articles nobody has matched yet, asks the Matcher, writes what it found with the reason.

A batch is one transaction, so a kill leaves it done or not begun, and running again gives the same rows. An article that
changed while it was being matched is left for the next call; two processes never write one article twice.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import structlog
from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlmodel import Session, col

from digest.db import Database
from digest.feeds.models import Article, ArticleState
from digest.matching.article import ArticleText
from digest.matching.engine import BATCH_SIZE, Hit
from digest.matching.lease import StageLease
from digest.matching.models import Match
from digest.matching.registry import Registry, chunks, is_matched
from digest.matching.rules import filtered, load_rules
from digest.matching.stored import COLUMNS, StoredArticle, article_texts
from subscribers.models import Topic

__all__ = ["MatchCounts", "Registry", "Stories", "match_new"]

log = structlog.get_logger()

_WAIT: Final = 0.1
"""Seconds between two looks at a lease another process holds."""


@dataclass(slots=True)
class MatchCounts:
    """What one call did: articles matched, rows written, articles a feed's rule sorted out."""

    articles: int = 0
    matches: int = 0
    filtered: int = 0


class Stories(Protocol):
    """Groups articles that tell the same; asked once for each article, in the order of their ids."""

    def assign(self, article: ArticleText, at: datetime) -> int:
        """The story's id."""
        ...


@dataclass(frozen=True, slots=True)
class _Found:
    """What was worked out for a batch, before anything is written."""

    articles: Sequence[StoredArticle]
    hits: Sequence[Hit]
    reasons: dict[int, str]
    """Articles that a feed's rule sorts out."""


def match_new(
    db: Database,
    registry: Registry,
    *,
    now: datetime,
    stories: Stories | None = None,
    batch_size: int = BATCH_SIZE,
) -> MatchCounts:
    """Match everything that is unmatched, in batches; returns when nothing is left, whoever did the work."""
    counts = MatchCounts()
    lease = StageLease(db)
    after = 0
    try:
        while ids := _waiting(db, after=after, limit=batch_size):
            if not lease.claim():
                time.sleep(_WAIT)
                continue
            registry.refresh(db)
            _write(db, _worked_out(db, registry, ids), counts, now=now, stories=stories)
            after = ids[-1]
    finally:
        lease.give_back()
    return counts


def _waiting(db: Database, *, after: int, limit: int) -> list[int]:
    with db.read() as session:
        rows = select(col(Article.id)).where(*_is_waiting(), col(Article.id) > after)
        return list(session.execute(rows.order_by(col(Article.id)).limit(limit)).scalars())


def _is_waiting() -> Iterator[ColumnElement[bool]]:
    yield col(Article.matched_at).is_(None)
    yield col(Article.state).not_in([ArticleState.FILTERED, ArticleState.WITHDRAWN])


def _worked_out(db: Database, registry: Registry, ids: Sequence[int]) -> _Found:
    """Pure work on what is read: nothing is locked meanwhile."""
    with db.read() as session:
        rows = [
            row
            for chunk in chunks(ids)
            for row in session.execute(
                select(*COLUMNS).where(col(Article.id).in_(chunk)).order_by(col(Article.id))
            )
        ]
        articles = article_texts(session, rows)
        rules = load_rules(session, {one.feed_id for one in articles if one.feed_id})
    reasons = filtered([(one.feed_id, one.text) for one in articles], rules, registry.matcher.languages)
    kept = [one.text for one in articles if one.text.id not in reasons]
    return _Found(articles, registry.matcher.match(kept), reasons)


def _write(
    db: Database, found: _Found, counts: MatchCounts, *, now: datetime, stories: Stories | None
) -> None:
    with db.write() as session:
        fresh = _unchanged(session, found.articles)
        _sort_out(
            session,
            {article: reason for article, reason in found.reasons.items() if article in fresh},
            now=now,
        )
        hits = _with_topic(session, [hit for hit in found.hits if hit.article_id in fresh])
        _store(session, fresh, hits, now=now)
        if stories:
            _tell_stories(session, stories, [one for one in found.articles if one.text.id in fresh])
    sorted_out = len(fresh & found.reasons.keys())
    counts.articles += len(fresh) - sorted_out
    counts.filtered += sorted_out
    counts.matches += len(hits)
    log.info("articles matched", articles=len(fresh), matches=len(hits), filtered=sorted_out)


def _unchanged(session: Session, articles: Sequence[StoredArticle]) -> set[int]:
    """The articles that still wait and still say what was matched; locked until the batch is written."""
    seen = {one.text.id: one.changed_at for one in articles}
    fresh: set[int] = set()
    for chunk in chunks(seen):
        rows = session.execute(
            select(col(Article.id), col(Article.changed_at))
            .where(*_is_waiting(), col(Article.id).in_(chunk))
            .order_by(col(Article.id))
            .with_for_update()
        )
        fresh |= {row.id for row in rows if row.changed_at == seen[row.id]}
    return fresh


def _sort_out(session: Session, reasons: dict[int, str], *, now: datetime) -> None:
    for article, reason in reasons.items():
        session.execute(
            update(Article)
            .where(col(Article.id) == article)
            .values(state=ArticleState.FILTERED, state_reason=reason, matched_at=now)
        )


def _with_topic(session: Session, hits: Sequence[Hit]) -> list[Hit]:
    """The hits whose topic is still there; a topic that was left meanwhile gets none."""
    topics: set[int] = set()
    for chunk in chunks({hit.topic_id for hit in hits}):
        rows = select(col(Topic.id)).where(is_matched(), col(Topic.id).in_(chunk)).order_by(col(Topic.id))
        topics |= set(session.execute(rows.with_for_update(read=True, key_share=True, of=Topic)).scalars())
    return [hit for hit in hits if hit.topic_id in topics]


def _store(session: Session, articles: set[int], hits: Sequence[Hit], *, now: datetime) -> None:
    for chunk in chunks(articles):
        session.execute(delete(Match).where(col(Match.article_id).in_(chunk)))
        session.execute(update(Article).where(col(Article.id).in_(chunk)).values(matched_at=now))
    if hits:
        rows = [hit._asdict() | {"matched_at": now} for hit in sorted(hits)]
        session.execute(insert(Match), rows)
    for chunk in chunks({hit.topic_id for hit in hits}):
        session.execute(update(Topic).where(col(Topic.id).in_(chunk)).values(last_match_at=now))


def _tell_stories(session: Session, stories: Stories, articles: Sequence[StoredArticle]) -> None:
    for one in articles:
        session.execute(
            update(Article)
            .where(col(Article.id) == one.text.id, col(Article.story_id).is_(None))
            .values(story_id=stories.assign(one.text, one.effective_at))
        )
