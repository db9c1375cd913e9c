"""Choosing for a mail as one would write it down at first: every candidate by itself, nothing shared, nothing skipped.

What the product chooses must be the same for any pool and any wish (tests/unit/editions/test_choice.py). `select` is the
product's own, in the clothes of the plain one, so that both can be asked with the same words.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from digest.matching import rank
from digest.matching.folding import headline
from digest.matching.rank import (
    CARRIED_AT_MOST,
    LESS_AT_MOST,
    SOURCE_SHARE,
    STORY_AT_MOST,
    Limits,
    Selection,
    Shown,
)
from digest.matching.standing import Facts, Standings
from subscribers.models import MuteKind

_FRESHNESS = timedelta(hours=18)
_NEAR = ("title", "category")


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


class _Hit(NamedTuple):
    """A hit as windows hold it."""

    article_id: int
    score: float
    field: str
    term: str


def select(
    candidates: Sequence[Candidate],
    *,
    topics: Sequence[int],
    limits: Limits,
    now: datetime,
    alike: Mapping[int, Collection[int]] | None = None,
    less: Collection[int] = (),
) -> Selection:
    """What the product chooses of these candidates."""
    facts = {one.article_id: Facts(*one[1:5], "", "") for one in candidates}
    standings = Standings(facts, now=now)
    hits: dict[int, list[_Hit]] = {topic: [] for topic in topics}
    for one in candidates:
        for hit in one.hits:
            hits[hit.topic_id].append(_Hit(one.article_id, hit.score, hit.field, hit.term))
    return rank.select(
        [
            standings.of(topic, found, best=max((hit.score for hit in found), default=0.0))
            for topic, found in hits.items()
        ],
        topics=topics,
        standings=standings,
        relatives=rank.Relatives(facts, alike or {}),
        limits=limits,
        carried=[one.article_id for one in candidates if one.is_carried],
        less=less,
    )


class _Ranked(NamedTuple):
    """A candidate with its value and its home; sorts best first, then newest, then lowest id."""

    order: tuple[float, float, int]
    candidate: Candidate
    home: TopicHit


def plainly(
    candidates: Sequence[Candidate],
    *,
    topics: Sequence[int],
    limits: Limits,
    now: datetime,
    alike: Mapping[int, Collection[int]] | None = None,
    less: Collection[int] = (),
) -> Selection:
    """Choose and order what a mail shows, the long way round."""
    place = {topic: index for index, topic in enumerate(topics)}
    ranked, too_many = _fewer(_rank(candidates, place=place, now=now), less, place=place)
    items, below = _group(ranked, alike or {})
    chosen = _fill(items, topics=topics, limits=limits)
    chosen.sort(key=lambda one: (place[one.home.topic_id], one.order))
    picked = {one.candidate.article_id for one in chosen}
    rest = [one for one in items if one.candidate.article_id not in picked]
    carried, expired = _left_over(rest, below)
    return Selection(
        shown=[_shown(one, below.get(one.candidate.article_id, ())) for one in chosen],
        folded=[
            (member.candidate.article_id, head) for head in sorted(picked) for member in below.get(head, ())
        ],
        carried=carried,
        expired=expired,
        muted=[(one.candidate.article_id, "less") for one in too_many],
        more=dict(Counter(one.home.topic_id for one in rest)),
    )


def _rank(candidates: Sequence[Candidate], *, place: Mapping[int, int], now: datetime) -> list[_Ranked]:
    best: dict[int, float] = defaultdict(float)
    sources: dict[int, set[str]] = defaultdict(set)
    for one in candidates:
        for hit in one.hits:
            best[hit.topic_id] = max(best[hit.topic_id], hit.score)
        if one.story_id is not None:
            sources[one.story_id].add(one.source)
    ranked = []
    for one in candidates:
        home = _home(one.hits, best, place)
        told = len(sources[one.story_id]) if one.story_id is not None else 1
        age = max(now - one.effective_at, timedelta())
        value = _rel(home, best) + 0.5 * math.log(told) + 0.3 * math.exp(-(age / _FRESHNESS)) + one.weight
        order = (-round(value, 6), -one.effective_at.timestamp(), one.article_id)
        ranked.append(_Ranked(order, one, home))
    return sorted(ranked)


def _home(hits: Iterable[TopicHit], best: Mapping[int, float], place: Mapping[int, int]) -> TopicHit:
    """The hit of the topic an article stands under: the strongest, of equals the first in the reader's order."""
    return min(hits, key=lambda hit: (-round(_rel(hit, best), 6), place[hit.topic_id]))


def _rel(hit: TopicHit, best: Mapping[int, float]) -> float:
    """A score as a share of its topic's best in this window."""
    return hit.score / (best[hit.topic_id] or 1.0)


def _fewer(
    ranked: list[_Ranked], less: Collection[int], *, place: Mapping[int, int]
) -> tuple[list[_Ranked], list[_Ranked]]:
    """Of each topic in `less` the best few stay under it; others move to their next topic, or are too many."""
    if not less:
        return ranked, []
    room = dict.fromkeys(less, LESS_AT_MOST)
    stays: list[_Ranked] = []
    too_many: list[_Ranked] = []
    for one in ranked:
        others = sorted(one.candidate.hits, key=lambda hit: (hit != one.home, place[hit.topic_id]))
        home = next((hit for hit in others if room.get(hit.topic_id, 1) > 0), None)
        if home is None:
            too_many.append(one)
            continue
        if home.topic_id in room:
            room[home.topic_id] -= 1
        stays.append(one._replace(home=home))
    return stays, too_many


def _group(
    ranked: list[_Ranked], alike: Mapping[int, Collection[int]]
) -> tuple[list[_Ranked], dict[int, list[_Ranked]]]:
    """Items that may stand alone, best first, and who is listed under whom."""
    items: list[_Ranked] = []
    heads: dict[int, int] = {}
    below: dict[int, list[_Ranked]] = defaultdict(list)
    of_story: dict[int, list[int]] = defaultdict(list)
    for one in ranked:
        article, story = one.candidate.article_id, one.candidate.story_id
        head = headline(article, heads, alike)
        told = of_story[story] if story is not None else []
        if head is None and len(told) >= STORY_AT_MOST:
            head = told[0]
        if head is None:
            told.append(article)
            heads[article] = len(heads)
            items.append(one)
        else:
            below[head].append(one)
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


def _left_over(rest: list[_Ranked], below: Mapping[int, list[_Ranked]]) -> tuple[list[int], list[int]]:
    """The best 15 that were not carried before come again, headlines first; all others end here."""
    carried: list[int] = []
    for one in (*rest, *_members(rest, below)):
        if not one.candidate.is_carried and len(carried) < CARRIED_AT_MOST:
            carried.append(one.candidate.article_id)
    kept = set(carried)
    every = {one.candidate.article_id for one in (*rest, *_members(rest, below))}
    return carried, sorted(every - kept)


def _members(heads: Iterable[_Ranked], below: Mapping[int, list[_Ranked]]) -> Iterator[_Ranked]:
    for head in heads:
        yield from below.get(head.candidate.article_id, ())


def _shown(one: _Ranked, same_story: Sequence[_Ranked]) -> Shown:
    home = one.home
    return Shown(
        article_id=one.candidate.article_id,
        topic_id=home.topic_id,
        field=home.field,
        term=home.term,
        also_topics=[hit.topic_id for hit in one.candidate.hits if hit.topic_id != home.topic_id],
        same_story=[member.candidate.article_id for member in same_story],
        is_carried=one.candidate.is_carried,
    )


def apply(
    candidates: Sequence[Candidate],
    mutes: Sequence[tuple[str, str]],
    said: Mapping[str, frozenset[int]],
    less: Collection[int],
) -> tuple[list[Candidate], list[tuple[int, str]]]:
    """The candidates that remain, and (article id, why) of those that are muted."""
    kept: list[Candidate] = []
    muted: list[tuple[int, str]] = []
    for one in candidates:
        hits = tuple(hit for hit in one.hits if hit.topic_id not in less or hit.field in _NEAR)
        if (MuteKind.STORY, str(one.story_id)) in mutes:
            muted.append((one.article_id, "story"))
        elif (MuteKind.SOURCE, one.source.casefold()) in mutes:
            muted.append((one.article_id, "source"))
        elif any(one.article_id in said.get(value, ()) for kind, value in mutes if kind == MuteKind.WORD):
            muted.append((one.article_id, "word"))
        elif not hits:
            muted.append((one.article_id, "less"))
        else:
            kept.append(one._replace(hits=hits))
    return kept, muted
