"""What a reader asked not to see: it stays out of the mail, and its reason is kept."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Final

import structlog
from sqlalchemy import or_, select
from sqlmodel import Session, col

from digest.db import in_batches
from digest.matching.engine import ArticleText, Matcher, Precision
from digest.matching.query import QueryError, parse_query
from subscribers.models import Mute, MuteKind

log = structlog.get_logger()

_NEAR: Final = frozenset({"title", "category"})


def of(session: Session, ids: Sequence[int], *, local_date: date) -> dict[int, list[tuple[str, str]]]:
    """The mutes of each person that hold on a date, as (kind, value), sorted."""
    muted: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for batch in in_batches(ids):
        rows = session.execute(
            select(col(Mute.subscriber_id), col(Mute.kind), col(Mute.value))
            .where(
                col(Mute.subscriber_id).in_(batch),
                or_(col(Mute.until).is_(None), col(Mute.until) >= local_date),
            )
            .order_by(col(Mute.subscriber_id), col(Mute.kind), col(Mute.value))
        )
        for subscriber, kind, value in rows:
            muted[subscriber].append((str(kind), value))
    return muted


def words(mutes: Iterable[tuple[str, str]]) -> set[str]:
    """The queries among mutes."""
    return {value for kind, value in mutes if kind == MuteKind.WORD}


def less_of(mutes: Iterable[tuple[str, str]]) -> frozenset[int]:
    """The topics a reader wants less of."""
    return frozenset(int(value) for kind, value in mutes if kind == MuteKind.LESS and value.isdigit())


def saying(queries: Iterable[str], articles: Sequence[ArticleText]) -> dict[str, frozenset[int]]:
    """Of each muted query the articles that say so anywhere, even once; one that cannot be read mutes nothing."""
    numbered = dict(enumerate(sorted(queries)))
    matcher = Matcher(precision=Precision.ALL)
    for number, query in numbered.items():
        try:
            matcher.add(number, replace(parse_query(query), within=Precision.ALL))
        except QueryError as error:
            log.warning("muted word cannot be read", reason=str(error.reason.code))
    said: dict[str, set[int]] = {query: set() for query in numbered.values()}
    for hit in matcher.match(articles):
        said[numbered[hit.topic_id]].add(hit.article_id)
    return {query: frozenset(found) for query, found in said.items()}


@dataclass(frozen=True, slots=True)
class Quiet:
    """What one reader's mutes keep out of a mail."""

    stories: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    saying: frozenset[int] = frozenset()
    """The articles that say a muted word."""
    less: frozenset[int] = frozenset()

    @classmethod
    def of(
        cls, mutes: Sequence[tuple[str, str]], said: Mapping[str, frozenset[int]] = MappingProxyType({})
    ) -> "Quiet":
        """The rules of some mutes; `said` tells of each muted query which articles say so (`saying`)."""
        values = {
            each: frozenset(value.casefold() for kind, value in mutes if kind == each)
            for each in (MuteKind.STORY, MuteKind.SOURCE)
        }
        by_word = frozenset().union(*(said.get(query, ()) for query in words(mutes)))
        return cls(values[MuteKind.STORY], values[MuteKind.SOURCE], by_word, less_of(mutes))

    def reason(self, article_id: int, *, source: str, story_id: int | None) -> str:
        """Why an article is muted whatever its topics; "" if it is not."""
        if self.stories and str(story_id) in self.stories:
            return "story"
        if self.sources and source.casefold() in self.sources:
            return "source"
        return "word" if article_id in self.saying else ""

    def hears(self, topic_id: int, field: str) -> bool:
        """Whether a hit counts: of a topic with "less of this" only those in title or category.

        That two of them a mail are enough is for `rank.select`, which knows the best.
        """
        return topic_id not in self.less or field in _NEAR
