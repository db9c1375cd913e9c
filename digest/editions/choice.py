"""From a wish to the row of its content: what is heard, chosen and left over. Pure; what mails share is worked out once."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, NamedTuple

from digest.editions.fit import Scale, fitted
from digest.editions.mutes import Quiet, less_of
from digest.editions.pool import Found, Pool
from digest.matching.rank import Limits, Relatives, Selection, select
from digest.matching.standing import Standing, Standings
from subscribers.models import MailLength

LIMITS: Final = {
    MailLength.NORMAL: Limits(per_topic=5, per_mail=15),
    MailLength.HEADLINES: Limits(per_topic=10, per_mail=30),
    MailLength.LONG: Limits(per_topic=10, per_mail=30),
}


class Wish(NamedTuple):
    """One distinct selection: topics in the reader's order, each with the release of its first match in the window.

    A topic that is here only for a carried article has the release after the last one.
    """

    topics: tuple[tuple[int, int], ...]
    muted_topics: tuple[tuple[int, int], ...]
    carried: tuple[int, ...]
    mutes: tuple[tuple[str, str], ...]
    locale: str
    format: str
    length: str
    promos: tuple[int, ...] = ()

    def key(self) -> str:
        """SHA-256 of everything the selection depends on; the same on every machine."""
        return hashlib.sha256(json.dumps(self, separators=(",", ":")).encode()).hexdigest()


@dataclass(slots=True)
class Choice:
    """Chooses for any number of wishes from one pool."""

    pool: Pool
    standings: Standings
    """Of the pool's articles."""
    alike: Mapping[int, set[int]]
    said: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """Of each muted query the articles that say so."""
    _relatives: Relatives = field(init=False)
    _scale: Scale = field(init=False)

    def __post_init__(self) -> None:
        self._relatives = Relatives(self.pool.facts, self.alike)
        self._scale = Scale(self.pool.octets, self.pool.names)

    def content(self, wish: Wish) -> dict[str, Any]:
        """The values of the wish's Content row, but for its key and edition."""
        left = self.pool.left_over(wish.carried)
        news = [_news(self.pool, topic, start, left) for topic, start in wish.topics]
        windows, muted = self._heard(wish, news) if wish.mutes else (map(self._window, news), [])
        chosen = self._chosen(wish, windows)
        silent = [_news(self.pool, topic, start, left) for topic, start in wish.muted_topics]
        return {
            "language": wish.locale,
            "format": wish.format,
            "length": wish.length,
            "topics": wish.topics,
            "selection": {
                "shown": chosen.shown,
                "folded": chosen.folded,
                "carried": chosen.carried,
                "expired": chosen.expired,
                "muted": [*muted, *chosen.muted, *_silenced(silent, news)],
                "more": chosen.more,
            },
            "item_count": len(chosen.shown),
            "promos": wish.promos,
        }

    def _chosen(self, wish: Wish, windows: Iterable[list[Standing]]) -> Selection:
        chosen = select(
            windows,
            topics=[topic for topic, _ in wish.topics],
            standings=self.standings,
            relatives=self._relatives,
            limits=LIMITS[MailLength(wish.length)],
            carried=wish.carried,
            less=less_of(wish.mutes),
        )
        return fitted(chosen, self._scale, carried=wish.carried, promos=len(wish.promos))

    def _window(self, news: "_News") -> list[Standing]:
        """The articles of a topic for a reader who hears everything."""
        shared = self.standings.window(news.topic, news.start, news.fresh, best=news.best)
        if not news.left_over:
            return shared
        return [*shared, *self.standings.of(news.topic, news.left_over, best=news.best)]

    def _heard(
        self, wish: Wish, news: Iterable["_News"]
    ) -> tuple[list[list[Standing]], list[tuple[int, str]]]:
        """The articles of each topic that the reader did not mute, and (article id, why) of the others."""
        quiet = Quiet.of(wish.mutes, self.said)
        why: dict[int, str] = {}
        windows: list[list[Standing]] = []
        for one in news:
            hits = []
            for hit in one.hits:
                reason = self._reason(quiet, hit.article_id)
                if not reason and quiet.hears(one.topic, hit.field):
                    hits.append(hit)
                else:
                    why[hit.article_id] = reason or "less"
            best = max((hit.score for hit in hits), default=0.0)
            windows.append(self.standings.of(one.topic, hits, best=best))
        heard = {one.article_id for window in windows for one in window}
        return windows, [(article, why[article]) for article in sorted(why.keys() - heard)]

    def _reason(self, quiet: Quiet, article: int) -> str:
        facts = self.pool.facts[article]
        return quiet.reason(article, source=facts.source, story_id=facts.story_id)


class _News(NamedTuple):
    """What one topic brings: its window, and what was left over of it from before."""

    topic: int
    start: int
    fresh: Sequence[Found]
    left_over: Sequence[Found]
    best: float
    """The best score of all of them."""

    @property
    def hits(self) -> Iterator[Found]:
        return chain(self.fresh, self.left_over)


def _news(pool: Pool, topic: int, start: int, left: Mapping[int, Sequence[Found]]) -> _News:
    fresh, best = pool.hits(topic, start)
    if topic not in left:
        return _News(topic, start, fresh, (), best)
    before = [one for one in left[topic] if one.release_no < start]
    return _News(topic, start, fresh, before, max(best, *(one.score for one in before), best))


def _silenced(silent: Iterable[_News], heard: Iterable[_News]) -> list[tuple[int, str]]:
    """What only topics brought that the reader does not want to hear of for a while."""
    articles = {hit.article_id for one in silent for hit in one.hits}
    if articles:
        articles -= {hit.article_id for one in heard for hit in one.hits}
    return [(article, "topic") for article in sorted(articles)]
