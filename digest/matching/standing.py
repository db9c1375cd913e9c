"""How good each article is under each topic: worked out once for all the mails of an edition. Pure.

The value of an article under a topic = its score as a share of the topic's best + what its sources, its age and its feed
add. All but the sources is the same for every mail with the same window, so those share one list.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

_FRESHNESS: Final = timedelta(hours=18)
_OF_SOURCES: Final = 0.5
_OF_FRESHNESS: Final = 0.3
_PLACES: Final = 6


class Hit(Protocol):
    """Why an article belongs to a topic."""

    @property
    def article_id(self) -> int: ...  # noqa: D102 - named after what they are
    @property
    def score(self) -> float: ...  # noqa: D102
    @property
    def field(self) -> str: ...  # noqa: D102
    @property
    def term(self) -> str: ...  # noqa: D102


class Facts(NamedTuple):
    """What choosing needs of an article."""

    effective_at: datetime
    source: str
    story_id: int | None
    weight: float
    title: str
    language: str


class Standing(NamedTuple):
    """An article under one topic; sorts by value, of equals the newer first, then the lower id."""

    order: float
    """Minus the value, to six places."""
    age: float
    """Minus the timestamp."""
    article_id: int
    topic_id: int
    share: float
    """Its score as a share of the topic's best."""
    nearness: float
    """The share to six places: an article stands under the topic to which it belongs most."""
    field: str
    term: str


class Standings:
    """The articles of an edition as they stand under its topics; `now` is the edition's due time."""

    def __init__(self, facts: Mapping[int, Facts], *, now: datetime) -> None:
        self._facts = facts
        self._now = now
        self._worths: dict[int, tuple[float, float, float]] = {}
        self._windows: dict[tuple[int, int, float], list[Standing]] = {}

    def window(self, topic_id: int, start: int, hits: Sequence[Hit], *, best: float) -> list[Standing]:
        """All hits of a topic from the release `start` on, best first, beside a best score: made once for each of them."""
        key = topic_id, start, best
        if key not in self._windows:
            self._windows[key] = sorted(self.of(topic_id, hits, best=best))
        return self._windows[key]

    def of(self, topic_id: int, hits: Iterable[Hit], *, best: float) -> list[Standing]:
        """These hits of a topic, where the best score is `best`."""
        whole = best or 1.0
        found = []
        for hit in hits:
            share = hit.score / whole
            fresh, weight, age = self._worth(hit.article_id)
            found.append(
                Standing(
                    -round(share + fresh + weight, _PLACES),
                    age,
                    hit.article_id,
                    topic_id,
                    share,
                    round(share, _PLACES),
                    hit.field,
                    hit.term,
                )
            )
        return found

    def told(self, one: Standing, sources: int) -> Standing:
        """The article when so many sources of the mail tell its story."""
        fresh, weight, _ = self._worth(one.article_id)
        value = one.share + _OF_SOURCES * math.log(sources) + fresh + weight
        return Standing(-round(value, _PLACES), *one[1:])

    def _worth(self, article_id: int) -> tuple[float, float, float]:
        """What an article is worth under any topic: its freshness, its feed's weight, and minus its timestamp."""
        worth = self._worths.get(article_id)
        if worth is None:
            facts = self._facts[article_id]
            age = max(self._now - facts.effective_at, timedelta())
            fresh = _OF_FRESHNESS * math.exp(-(age / _FRESHNESS))
            worth = self._worths[article_id] = fresh, facts.weight, -facts.effective_at.timestamp()
        return worth
