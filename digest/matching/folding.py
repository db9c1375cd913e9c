"""Which articles of one mail tell so much the same that one line for both is enough. Pure.

A wrong fold costs an article its place, never its link, and still all conditions must hold: one story, titles alike by
themselves (not by the story's other titles), rare words in common, another source, within a day, and no number, weekday
or month that differs. Whatever is folded stands under a headline, never under something folded itself.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from digest.matching.furniture import title_without_source
from digest.matching.spelling import clean, plain
from digest.matching.stories import GRAM_WEIGHT
from digest.matching.titles import Title, Vector, cosine, idf, title, vector

ALIKE: Final = 0.50
SHARED_WORDS: Final = 2
RARE: Final = 0.02
APART: Final = timedelta(hours=24)
SAME_TITLE_FROM: Final = 4
"""Words from which on an equal title proves the same article; shorter ones are often names of series."""
SMALLEST: Final = 250
"""Fewer titles are read as if they were this many: what is rare cannot be told from a handful."""

_WORDS: Final = re.compile(r"[^\W_]+")
_WEEKDAYS: Final = frozenset(
    [
        "montag",
        "dienstag",
        "mittwoch",
        "donnerstag",
        "freitag",
        "samstag",
        "sonnabend",
        "sonntag",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ]
)
_MONTHS: Final = frozenset(
    [
        "januar",
        "jaenner",
        "februar",
        "maerz",
        "april",
        "mai",
        "juni",
        "juli",
        "august",
        "september",
        "oktober",
        "november",
        "dezember",
        "january",
        "february",
        "march",
        "may",
        "june",
        "july",
        "october",
        "december",
    ]
)


class Headline(NamedTuple):
    """What folding reads of an article; the title as printed."""

    article_id: int
    title: str
    language: str
    source: str
    at: datetime
    story_id: int | None


_Groups = defaultdict[str | int, list[Headline]]


class _Shape(NamedTuple):
    """A title that was read, with its vector of length 1."""

    title: Title
    vector: Vector


class TitleCounts:
    """In how many titles each feature stands: what is rare these days."""

    def __init__(self, titles: Iterable[Title]) -> None:
        self._counts: Counter[str] = Counter()
        total = 0
        for one in titles:
            total += 1
            self._counts.update(one.features)
        self.titles = max(total, SMALLEST)
        self._shapes: dict[int, _Shape] = {}

    def shape(self, one: Headline) -> _Shape:
        """The title of an article, read once."""
        if one.article_id not in self._shapes:
            read = title(one.title, language=one.language, source=one.source)
            weight = {feature: idf(self._counts[feature], titles=self.titles) for feature in read.features}
            self._shapes[one.article_id] = _Shape(read, vector(read, weight=weight, gram_weight=GRAM_WEIGHT))
        return self._shapes[one.article_id]

    def is_rare(self, word: str) -> bool:
        """Whether a word stands in at most 2 % of the titles."""
        return self._counts[word] <= RARE * self.titles


class Likeness:
    """Of each article those it may be folded with; articles may be added at any time, each is compared once."""

    def __init__(self) -> None:
        self.pairs: dict[int, set[int]] = {}
        """Both ways."""
        self._counted: TitleCounts | None = None
        self._known: set[int] = set()
        self._printed: _Groups = defaultdict(list)
        self._told: _Groups = defaultdict(list)

    def add(self, headlines: Iterable[Headline], counts: Callable[[], TitleCounts]) -> None:
        """Compare what is new with all the others; `counts` is asked once, and only if a story is told twice."""
        for one in headlines:
            if one.article_id in self._known:
                continue
            self._known.add(one.article_id)
            for other in _rivals(self._printed, _printed(one), one):
                self._note(one, other)
            for other in _rivals(self._told, one.story_id, one):
                self._counted = counted = self._counted or counts()
                if _tell_the_same(counted.shape(other), counted.shape(one), counted):
                    self._note(one, other)

    def _note(self, one: Headline, other: Headline) -> None:
        self.pairs.setdefault(one.article_id, set()).add(other.article_id)
        self.pairs.setdefault(other.article_id, set()).add(one.article_id)


def alike(headlines: Iterable[Headline], counts: Callable[[], TitleCounts]) -> dict[int, set[int]]:
    """Of each article those it may be folded with, both ways."""
    found = Likeness()
    found.add(headlines, counts)
    return found.pairs


def headline(article: int, heads: Mapping[int, int], pairs: Mapping[int, Collection[int]]) -> int | None:
    """The first headline an article may be folded under; `heads` maps headlines to their places."""
    return min(
        (head for head in pairs.get(article, ()) if head in heads), key=heads.__getitem__, default=None
    )


def fold(ordered: Iterable[int], pairs: Mapping[int, Collection[int]]) -> dict[int, int]:
    """Article to the headline it goes under, the best first; an article that is folded is no headline."""
    heads: dict[int, int] = {}
    under: dict[int, int] = {}
    for article in ordered:
        head = headline(article, heads, pairs)
        if head is None:
            heads[article] = len(heads)
        else:
            under[article] = head
    return under


def _rivals(groups: "_Groups", key: str | int | None, one: Headline) -> list[Headline]:
    """Who has the same key, another source and is within a day; from now on the article stands with them."""
    if key is None:
        return []
    group = groups[key]
    found = [other for other in group if one.source != other.source and abs(one.at - other.at) <= APART]
    group.append(one)
    return found


def _printed(one: Headline) -> str | None:
    """Letters and digits of a title long enough to prove that two are one."""
    text = title_without_source(clean(one.title), one.source)
    words = _WORDS.findall(plain(text))
    return "".join(words) if len(words) >= SAME_TITLE_FROM else None


def _tell_the_same(one: _Shape, other: _Shape, counts: TitleCounts) -> bool:
    shared = set(one.title.words) & set(other.title.words)
    return (
        sum(counts.is_rare(word) for word in shared) >= SHARED_WORDS
        and cosine(one.vector, other.vector) >= ALIKE
        and not any(
            mine and theirs and mine.isdisjoint(theirs)
            for mine, theirs in zip(_marks(one.title), _marks(other.title), strict=True)
        )
    )


def _marks(one: Title) -> tuple[set[str], set[str], set[str]]:
    """The numbers, weekdays and months of a title."""
    words = set(one.spelled)
    return {word for word in words if word.isdigit()}, words & _WEEKDAYS, words & _MONTHS
