"""Choosing for a mail: pure and deterministic, so the same rows give the same selection on every machine.

Everything that matched ends in exactly one of: shown, folded under another source's article of the same story, carried
to the next mail, or expired; nothing vanishes without a word. Muted articles never come in (`muted` is kept beside).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

CARRIED_AT_MOST: Final = 15
STORY_AT_MOST: Final = 2
SOURCE_SHARE: Final = 0.4
_FRESHNESS: Final = timedelta(hours=18)


class TopicHit(NamedTuple):
    """Why an article belongs to a topic."""

    topic_id: int
    score: float
    field: str
    term: str


class Candidate(NamedTuple):
    """An article of the window with all its hits among the reader's topics."""

    article_id: int
    effective_at: datetime
    source: str
    story_id: int | None
    weight: float
    is_carried: bool
    hits: tuple[TopicHit, ...]


class Shown(NamedTuple):
    """One item of a mail: its home topic with the reason, the other topics, and who else tells the story."""

    article_id: int
    topic_id: int
    field: str
    term: str
    also_topics: list[int]
    same_story: list[int]
    is_carried: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a mail holds."""

    per_topic: int = 5
    per_mail: int = 15


@dataclass(frozen=True, slots=True)
class Selection:
    """What became of every candidate; article ids, shown in the order of the mail, `more` by home topic."""

    shown: list[Shown] = field(default_factory=list)
    folded: list[tuple[int, int]] = field(default_factory=list)
    carried: list[int] = field(default_factory=list)
    expired: list[int] = field(default_factory=list)
    more: dict[int, int] = field(default_factory=dict)


class _Ranked(NamedTuple):
    """A candidate with its value and its home; sorts best first, then newest, then lowest id."""

    order: tuple[float, float, int]
    candidate: Candidate
    home: TopicHit


def select(
    candidates: Sequence[Candidate],
    *,
    topics: Sequence[int],
    limits: Limits,
    now: datetime,
    folds: Mapping[int, int] | None = None,
) -> Selection:
    """Choose and order what a mail shows.

    `topics` is the reader's order of topic ids; `folds` maps an article to the one it may be listed under
    (matching.stories); `now` is the edition's due time.
    """
    ranked = _rank(candidates, topics=topics, now=now)
    items, below = _group(ranked, folds or {})
    chosen = _fill(items, topics=topics, limits=limits)
    place = {topic: index for index, topic in enumerate(topics)}
    chosen.sort(key=lambda one: (place[one.home.topic_id], one.order))
    picked = {one.candidate.article_id for one in chosen}
    rest = [one for one in items if one.candidate.article_id not in picked]
    carried, expired = _left_over(rest)
    shown = [_shown(one, below.get(one.candidate.article_id, [])) for one in chosen]
    folded = [(member, head) for head in sorted(picked) for member in below.get(head, [])]
    lost = {member for one in rest for member in below.get(one.candidate.article_id, [])}
    return Selection(
        shown=shown,
        folded=folded,
        carried=carried,
        expired=expired + sorted(lost),
        more=dict(Counter(one.home.topic_id for one in rest)),
    )


def _rank(candidates: Iterable[Candidate], *, topics: Sequence[int], now: datetime) -> list[_Ranked]:
    candidates = list(candidates)
    best: dict[int, float] = defaultdict(float)
    sources: dict[int, set[str]] = defaultdict(set)
    for one in candidates:
        for hit in one.hits:
            best[hit.topic_id] = max(best[hit.topic_id], hit.score)
        if one.story_id is not None:
            sources[one.story_id].add(one.source)
    place = {topic: index for index, topic in enumerate(topics)}
    ranked = []
    for one in candidates:
        rel, home = max(
            ((hit.score / (best[hit.topic_id] or 1.0), hit) for hit in one.hits),
            key=lambda pair: (round(pair[0], 6), -place[pair[1].topic_id]),
        )
        told = len(sources[one.story_id]) if one.story_id is not None else 1
        age = max(now - one.effective_at, timedelta())
        value = rel + 0.5 * math.log(told) + 0.3 * math.exp(-(age / _FRESHNESS)) + one.weight
        order = (-round(value, 6), -one.effective_at.timestamp(), one.article_id)
        ranked.append(_Ranked(order, one, home))
    return sorted(ranked)


def _group(ranked: list[_Ranked], folds: Mapping[int, int]) -> tuple[list[_Ranked], dict[int, list[int]]]:
    """Items that may stand alone, best first, and who is listed under whom."""
    items: list[_Ranked] = []
    heads: set[int] = set()
    below: dict[int, list[int]] = defaultdict(list)
    first: dict[int, list[int]] = defaultdict(list)
    for one in ranked:
        article, story = one.candidate.article_id, one.candidate.story_id
        head = folds.get(article)
        if head is None or head not in heads:
            told = first[story] if story is not None else []
            head = told[0] if len(told) >= STORY_AT_MOST else None
            if head is None:
                told.append(article)
                heads.add(article)
                items.append(one)
                continue
        below[head].append(article)
    return items, below


@dataclass(slots=True)
class _Page:
    """The places of a mail while they are filled."""

    limits: Limits
    taken: dict[int, _Ranked] = field(default_factory=dict)
    per_topic: Counter[int] = field(default_factory=Counter)
    per_source: Counter[str] = field(default_factory=Counter)

    def is_full(self) -> bool:
        return len(self.taken) >= self.limits.per_mail

    def has_room(self, one: _Ranked, *, source_cap: float) -> bool:
        return (
            not self.is_full()
            and one.candidate.article_id not in self.taken
            and self.per_topic[one.home.topic_id] < self.limits.per_topic
            and self.per_source[one.candidate.source] < source_cap
        )

    def take(self, one: _Ranked) -> None:
        self.taken[one.candidate.article_id] = one
        self.per_topic[one.home.topic_id] += 1
        self.per_source[one.candidate.source] += 1


def _fill(items: list[_Ranked], *, topics: Sequence[int], limits: Limits) -> list[_Ranked]:
    """First the best of every topic in the reader's order, then by value; a source's cap never leaves a place empty."""
    page = _Page(limits)
    best: dict[int, _Ranked] = {}
    for one in items:
        best.setdefault(one.home.topic_id, one)
    first = [best[topic] for topic in topics if topic in best]
    capped = max(1.0, limits.per_mail * SOURCE_SHARE // 1)
    for offered, source_cap in ((first, math.inf), (items, capped), (items, math.inf)):
        for one in offered:
            if page.has_room(one, source_cap=source_cap):
                page.take(one)
    return list(page.taken.values())


def _left_over(rest: list[_Ranked]) -> tuple[list[int], list[int]]:
    """The best 15 that were not carried before come again; all others end here."""
    again = [one.candidate.article_id for one in rest if not one.candidate.is_carried]
    carried = again[:CARRIED_AT_MOST]
    kept = set(carried)
    return carried, sorted(one.candidate.article_id for one in rest if one.candidate.article_id not in kept)


def _shown(one: _Ranked, same_story: list[int]) -> Shown:
    home = one.home
    also = [hit.topic_id for hit in one.candidate.hits if hit.topic_id != home.topic_id]
    return Shown(
        one.candidate.article_id,
        home.topic_id,
        home.field,
        home.term,
        also,
        same_story,
        one.candidate.is_carried,
    )
