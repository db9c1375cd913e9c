"""A feed's own rules: what it blocks, then what it keeps, before any topic is asked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import or_, select
from sqlmodel import Session, col

from digest.feeds.models import Feed
from digest.matching.engine import ArticleText, Matcher, Precision
from digest.matching.query import QueryError, parse_query
from digest.matching.registry import chunks

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class FeedRules:
    """The two queries of a feed as typed; empty means no rule."""

    block: str = ""
    keep: str = ""


def load_rules(session: Session, feed_ids: Iterable[int]) -> dict[int, FeedRules]:
    """The rules of those feeds that have any."""
    has_rule = or_(col(Feed.block_query) != "", col(Feed.keep_query) != "")
    found: dict[int, FeedRules] = {}
    for chunk in chunks(feed_ids):
        rows = session.execute(
            select(col(Feed.id), col(Feed.block_query), col(Feed.keep_query)).where(
                col(Feed.id).in_(chunk), has_rule
            )
        )
        found.update((row.id, FeedRules(row.block_query, row.keep_query)) for row in rows)
    return found


def filtered(
    articles: Sequence[tuple[int | None, ArticleText]],
    rules: Mapping[int, FeedRules],
    languages: Sequence[str] = ("de", "en"),
) -> dict[int, str]:
    """The articles (with their feeds) that a rule sorts out: article id to the reason. Read as `in:all`."""
    if not rules:
        return {}
    matcher = _matcher(rules, languages)
    hits = {
        (hit.article_id, hit.topic_id)
        for hit in matcher.match([text for feed, text in articles if feed in rules])
    }
    found: dict[int, str] = {}
    for feed, text in articles:
        if feed not in rules or feed is None:
            continue
        if (text.id, _block(feed)) in hits:
            found[text.id] = f"blocked by the feed's rule: {rules[feed].block}"[:200]
        elif _keep(feed) in matcher and (text.id, _keep(feed)) not in hits:
            found[text.id] = f"not kept by the feed's rule: {rules[feed].keep}"[:200]
    return found


def _matcher(rules: Mapping[int, FeedRules], languages: Sequence[str]) -> Matcher:
    matcher = Matcher({}, languages, precision=Precision.ALL)
    for feed, rule in rules.items():
        for number, text in ((_block(feed), rule.block), (_keep(feed), rule.keep)):
            try:
                if text:
                    matcher.add(number, parse_query(text))
            except QueryError as error:
                log.warning("feed rule ignored", feed=feed, reason=str(error))
    return matcher


def _block(feed: int) -> int:
    return 2 * feed


def _keep(feed: int) -> int:
    return 2 * feed + 1
