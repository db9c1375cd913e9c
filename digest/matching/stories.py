"""Which articles tell the same story: each new title joins the story it is most like, or starts one. Pure, online.

A title is weighed by the words of the last seven days, the new ones at once, so a name nobody had yet counts most. The
result depends on nothing but the titles, their moments and their order; replaying fourteen days with the stored numbers
(`restore`) leaves a clusterer that decides as the one before would have.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from math import sqrt
from typing import Final

from digest.matching.article import ArticleText
from digest.matching.titles import Title, Vector, idf, title, vector

REPLAYED: Final = timedelta(days=14)
"""How far back a new process restores; the older half only makes the weights of the younger the same."""
WINDOW: Final = timedelta(days=7)
"""How long a title's words count, and how old the beginning of a story may be."""
SILENCE: Final = timedelta(hours=72)
"""How long after its last article a story is told on."""
JOINS: Final = 0.08
GRAM_WEIGHT: Final = 0.35
FEWEST_WORDS: Final = 3
COMMON: Final = 0.10
COMMON_FROM: Final = 200
"""Titles from which on a word in more than a tenth of them no longer leads to a story."""
CLEARED_EVERY: Final = timedelta(hours=1)

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Story:
    """A story that may be told on: when it began and was last told, and the sum of its titles."""

    id: int
    first: datetime
    last: datetime
    sum: dict[str, float] = field(default_factory=dict)
    square: float = 0.0

    def is_open(self, at: datetime) -> bool:
        """Whether an article of this moment may join."""
        return abs(at - self.last) <= SILENCE and abs(at - self.first) <= WINDOW

    def is_over(self, now: datetime) -> bool:
        """Whether nothing can join any more."""
        return now - self.last > SILENCE or now - self.first > WINDOW

    def likeness(self, shape: Vector) -> float:
        """Cosine to the sum of the story's titles."""
        get = self.sum.get
        dot = sum([value * get(feature, 0.0) for feature, value in shape.items()])
        return dot / sqrt(self.square) if self.square else 0.0

    def take(self, shape: Vector, at: datetime) -> None:
        """Add a title."""
        self.first, self.last = min(self.first, at), max(self.last, at)
        for feature, value in shape.items():
            before = self.sum.get(feature, 0.0)
            self.sum[feature] = before + value
            self.square += value * (2 * before + value)


class _Shelf:
    """The titles and open stories of one language."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.titles: list[tuple[datetime, int, tuple[str, ...]]] = []
        self.stories: dict[int, Story] = {}
        self.by_word: defaultdict[str, set[int]] = defaultdict(set)
        self.newest = _LONG_AGO
        self.cleared_at = _LONG_AGO

    def count(self, one: Title, number: int, at: datetime) -> list[int]:
        """Let the words of a title count; the articles whose titles no longer do, as they left the window."""
        self.newest = max(self.newest, at)
        features = one.features
        self.counts.update(features)
        heappush(self.titles, (at, number, features))
        forgotten = []
        while self.titles and self.newest - self.titles[0][0] > WINDOW:
            _, old, gone = heappop(self.titles)
            self._forget(gone)
            forgotten.append(old)
        if self.newest - self.cleared_at > CLEARED_EVERY:
            self._clear()
        return forgotten

    def shape(self, one: Title) -> Vector:
        """The title's vector by what is counted now."""
        weight = {feature: idf(self.counts[feature], titles=len(self.titles)) for feature in one.features}
        return vector(one, weight=weight, gram_weight=GRAM_WEIGHT)

    def best(self, one: Title, shape: Vector, at: datetime) -> int | None:
        """The open story most like the title, if it is alike enough; of equals the lowest number."""
        if one.length < FEWEST_WORDS:
            return None
        found = [
            (-round(story.likeness(shape), 9), story.id)
            for story in (self.stories[number] for number in self._nominated(one))
            if story.is_open(at) and not story.is_over(self.newest)
        ]
        best = min(found, default=(0.0, 0))
        return best[1] if -best[0] >= JOINS else None

    def tell(self, story_id: int, one: Title, shape: Vector, at: datetime) -> None:
        """Add a title to a story, which begins with it if it is new."""
        story = self.stories.get(story_id)
        if story is None:
            story = self.stories[story_id] = Story(story_id, at, at)
        story.take(shape, at)
        for word in one.words:
            self.by_word[word].add(story_id)

    def _nominated(self, one: Title) -> set[int]:
        total = len(self.titles)
        most = COMMON * total if total >= COMMON_FROM else total
        return {
            number for word in one.words if self.counts[word] <= most for number in self.by_word.get(word, ())
        }

    def _forget(self, features: tuple[str, ...]) -> None:
        for feature in features:
            self.counts[feature] -= 1
            if not self.counts[feature]:
                del self.counts[feature]

    def _clear(self) -> None:
        """Give back the memory of stories that are over; they are not joined anyway."""
        self.cleared_at = self.newest
        for story in [story for story in self.stories.values() if story.is_over(self.newest)]:
            self._close(story)

    def _close(self, story: Story) -> None:
        del self.stories[story.id]
        for word in story.sum.keys() & self.by_word.keys():
            self.by_word[word].discard(story.id)
            if not self.by_word[word]:
                del self.by_word[word]


class StoryClusterer:
    """Gives each article the number of its story, online; an article asked for twice keeps its first answer."""

    def __init__(self) -> None:
        self._shelves: defaultdict[str, _Shelf] = defaultdict(_Shelf)
        self._story_of: dict[int, int] = {}

    def assign(self, article: ArticleText, at: datetime) -> int:
        """The story of an article published at `at` (aware): the id of the story's first article."""
        known = self._story_of.get(article.id)
        return self._place(article, at, None) if known is None else known

    def restore(self, article: ArticleText, at: datetime, story_id: int) -> None:
        """Take in an article whose story was told before; in the order in which they were assigned."""
        if article.id not in self._story_of:
            self._place(article, at, story_id)

    def _place(self, article: ArticleText, at: datetime, story_id: int | None) -> int:
        one = title(article.title, language=article.language, source=article.source)
        shelf = self._shelves[one.language]
        forgotten = shelf.count(one, article.id, at)
        shape = shelf.shape(one)
        if story_id is None:
            story_id = shelf.best(one, shape, at) or article.id
        shelf.tell(story_id, one, shape, at)
        self._story_of[article.id] = story_id
        for number in forgotten:
            self._story_of.pop(number, None)
        return story_id
