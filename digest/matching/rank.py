"""Choosing for a mail: pure and deterministic, so the same rows give the same selection on every machine.

Everything that matched ends in exactly one of: shown, folded under another article of the same story, carried to the
next mail, expired, or muted because the reader wants less of its topic; nothing vanishes without a word. What is muted
otherwise never comes in. What many mails share (`standing`, `Relatives`) is worked out once, a mail only chooses.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import attrgetter
from typing import Final, NamedTuple

from digest.matching.folding import headline
from digest.matching.standing import Facts, Standing, Standings

CARRIED_AT_MOST: Final = 15
STORY_AT_MOST: Final = 2
LESS_AT_MOST: Final = 2
"""How many articles of a topic the reader wants less of stand in one mail."""
SOURCE_SHARE: Final = 0.4
_NEARNESS: Final = attrgetter("nearness")


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
    muted: list[tuple[int, str]] = field(default_factory=list)
    more: dict[int, int] = field(default_factory=dict)


class Relatives:
    """Which articles of an edition belong together: those of one story, and those that may be folded."""

    def __init__(self, facts: Mapping[int, Facts], alike: Mapping[int, Collection[int]]) -> None:
        self.facts = facts
        self.alike = alike
        """Of each article those it may share a line with (matching.folding)."""
        stories: Counter[int | None] = Counter(one.story_id for one in facts.values())
        stories.pop(None, None)
        self._all = frozenset(
            article for article, one in facts.items() if stories[one.story_id] > 1 or article in alike
        )

    def among(self, articles: Collection[int]) -> frozenset[int]:
        """Those of the articles that may have a relative here."""
        return self._all.intersection(articles)


def select(
    windows: Iterable[Iterable[Standing]],
    *,
    topics: Sequence[int],
    standings: Standings,
    relatives: Relatives,
    limits: Limits,
    carried: Collection[int] = (),
    less: Collection[int] = (),
) -> Selection:
    """Choose and order what a mail shows.

    `windows` has the articles of each of `topics`, which are in the reader's order; `carried` are those left over from
    the last mail; `less` are topics of which the reader wants fewer.
    """
    place = {topic: index for index, topic in enumerate(topics)}
    homes, hits = _homes(windows)
    related = relatives.among(homes)
    _count_tellers(homes, related, standings=standings, facts=relatives.facts)
    ranked, too_many = _fewer(sorted(homes.values()), hits, less, place=place)
    items, below = _group(ranked, relatives) if related else (ranked, {})
    chosen = _fill(items, topics=topics, limits=limits, facts=relatives.facts)
    chosen.sort(key=lambda one: (place[one.topic_id], one))
    picked = {one.article_id for one in chosen}
    rest = [one for one in items if one.article_id not in picked]
    again, expired = _left_over(rest, below, carried)
    return Selection(
        shown=[_shown(one, hits, below, carried) for one in chosen],
        folded=[(member, head) for head in sorted(picked.intersection(below)) for member in below[head]],
        carried=again,
        expired=expired,
        muted=[(one.article_id, "less") for one in too_many],
        more=dict(Counter(one.topic_id for one in rest)),
    )


def _homes(windows: Iterable[Iterable[Standing]]) -> tuple[dict[int, Standing], dict[int, list[Standing]]]:
    """Where each article stands: under its strongest topic, of equals the reader's first; and all hits of those with several."""
    homes: dict[int, Standing] = {}
    hits: dict[int, list[Standing]] = {}
    for window in windows:
        for one in window:
            first = homes.setdefault(one.article_id, one)
            if first is not one:
                hits.setdefault(one.article_id, [first]).append(one)
    for article, several in hits.items():
        homes[article] = max(several, key=_NEARNESS)
    return homes, hits


def _count_tellers(
    homes: dict[int, Standing],
    related: frozenset[int],
    *,
    standings: Standings,
    facts: Mapping[int, Facts],
) -> None:
    """Raise the articles whose story several sources of this mail tell."""
    sources: dict[int | None, set[str]] = defaultdict(set)
    for article in related:
        sources[facts[article].story_id].add(facts[article].source)
    sources.pop(None, None)
    for article in related:
        told = sources.get(facts[article].story_id, ())
        if len(told) > 1:
            homes[article] = standings.told(homes[article], len(told))


def _fewer(
    ranked: list[Standing],
    hits: Mapping[int, list[Standing]],
    less: Collection[int],
    *,
    place: Mapping[int, int],
) -> tuple[list[Standing], list[Standing]]:
    """Of each topic in `less` the best few stay under it; others move to their next topic, or are too many."""
    if not less:
        return ranked, []
    room = dict.fromkeys(less, LESS_AT_MOST)
    stays: list[Standing] = []
    too_many: list[Standing] = []
    for one in ranked:
        others = sorted(
            hits.get(one.article_id, [one]),
            key=lambda hit: (hit.topic_id != one.topic_id, place[hit.topic_id]),
        )
        home = next((hit for hit in others if room.get(hit.topic_id, 1) > 0), None)
        if home is None:
            too_many.append(one)
            continue
        if home.topic_id in room:
            room[home.topic_id] -= 1
        stays.append(home._replace(order=one.order))
    return stays, too_many


def _group(ranked: list[Standing], relatives: Relatives) -> tuple[list[Standing], dict[int, list[int]]]:
    """Items that may stand alone, best first, and who is listed under whom."""
    items: list[Standing] = []
    heads: dict[int, int] = {}
    below: dict[int, list[int]] = {}
    of_story: dict[int | None, list[int]] = defaultdict(list)
    for one in ranked:
        article = one.article_id
        story = relatives.facts[article].story_id
        head = headline(article, heads, relatives.alike)
        told = of_story[story] if story is not None else []
        if head is None and len(told) >= STORY_AT_MOST:
            head = told[0]
        if head is None:
            told.append(article)
            heads[article] = len(heads)
            items.append(one)
        else:
            below.setdefault(head, []).append(article)
    return items, below


def _fill(
    items: Sequence[Standing], *, topics: Iterable[int], limits: Limits, facts: Mapping[int, Facts]
) -> list[Standing]:
    """First the best of every topic in the reader's order, then by value; a source's cap never leaves a place empty."""
    best = {one.topic_id: one for one in reversed(items)}
    page = _Page(limits, facts)
    page.fill([best[topic] for topic in topics if topic in best], source_cap=math.inf)
    page.fill(items, source_cap=max(1.0, limits.per_mail * SOURCE_SHARE // 1))
    page.fill(items, source_cap=math.inf)
    return list(page.taken.values())


@dataclass(slots=True)
class _Page:
    """The places of a mail while they are filled."""

    limits: Limits
    facts: Mapping[int, Facts]
    taken: dict[int, Standing] = field(default_factory=dict)
    per_topic: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    per_source: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def fill(self, offered: Iterable[Standing], *, source_cap: float) -> None:
        """Take what has a place under its topic and its source, until the mail is full."""
        room = self.limits.per_mail - len(self.taken)
        for one in offered:
            if room <= 0:
                return
            if one.article_id in self.taken or self.per_topic[one.topic_id] >= self.limits.per_topic:
                continue
            source = self.facts[one.article_id].source
            if self.per_source[source] < source_cap:
                self.taken[one.article_id] = one
                self.per_topic[one.topic_id] += 1
                self.per_source[source] += 1
                room -= 1


def _left_over(
    rest: Sequence[Standing], below: Mapping[int, Sequence[int]], carried: Collection[int]
) -> tuple[list[int], list[int]]:
    """The best 15 that were not carried before come again, headlines first; all others end here."""
    heads = [one.article_id for one in rest]
    every = [*heads, *chain.from_iterable(below[head] for head in heads if head in below)]
    again = list(islice((article for article in every if article not in carried), CARRIED_AT_MOST))
    return again, sorted(set(every).difference(again))


def _shown(
    one: Standing,
    hits: Mapping[int, Sequence[Standing]],
    below: Mapping[int, list[int]],
    carried: Collection[int],
) -> Shown:
    article, topic = one.article_id, one.topic_id
    others = [hit.topic_id for hit in hits[article] if hit.topic_id != topic] if article in hits else []
    return Shown(article, topic, one.field, one.term, others, below.get(article, []), article in carried)
