"""Which articles are about the same as one of them: the cosine of their titles, by weighted words and runs of letters. Pure."""

import heapq
from collections import defaultdict
from typing import Final

from digest.matching.article import ArticleText
from digest.matching.terms import Term, proposal, similar_query
from digest.matching.titles import Title, Vector, cosine, idf, title, vector

__all__ = ["SimilarIndex", "Term", "proposal", "similar_query"]

AT_MOST: Final = 50_000
"""Articles an index holds; the oldest leave first."""

_GRAM_WEIGHT: Final = 1.0
_LOOKED_AT: Final = 6_000
"""Entries of the index that are read for one answer, the rarest features first."""
_COMPARED: Final = 100
"""Articles whose likeness is worked out exactly."""


class SimilarIndex:
    """The titles of the last articles; `add` them in the order of their age, ask for the nearest of any one."""

    def __init__(self, *, at_most: int = AT_MOST) -> None:
        self._at_most = at_most
        self._titles: dict[int, Title] = {}
        self._with: defaultdict[str, set[int]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._titles)

    def add(self, article: ArticleText) -> None:
        """Take in an article; one that is known already gets its new title."""
        self.discard(article.id)
        one = self._titles[article.id] = features(article)
        for feature in one.features:
            self._with[feature].add(article.id)
        if len(self._titles) > self._at_most:
            self.discard(next(iter(self._titles)))

    def discard(self, article_id: int) -> None:
        """Let an article go, if it is known."""
        one = self._titles.pop(article_id, None)
        for feature in one.features if one else ():
            self._with[feature].discard(article_id)
            if not self._with[feature]:
                del self._with[feature]

    def similar(self, article: ArticleText, limit: int) -> list[tuple[int, float]]:
        """Up to `limit` articles with their likeness (0 … 1), the nearest first, ties by id; never the article itself."""
        asked = features(article)
        wanted = self._vector(asked)
        found = [
            (-round(cosine(wanted, self._vector(self._titles[number])), 6), number)
            for number in self._nominated(wanted, except_for=article.id)
        ]
        return [(number, -likeness) for likeness, number in heapq.nsmallest(limit, found)]

    def _vector(self, one: Title) -> Vector:
        total = len(self._titles)
        weight = {feature: idf(len(self._with.get(feature, ())), titles=total) for feature in one.features}
        return vector(one, weight=weight, gram_weight=_GRAM_WEIGHT)

    def _nominated(self, wanted: Vector, *, except_for: int) -> list[int]:
        """The articles that share most of what is rare in a title; only they are compared exactly."""
        shared: defaultdict[int, float] = defaultdict(float)
        looked_at = 0
        for feature in sorted(wanted, key=lambda feature: (len(self._with.get(feature, ())), feature)):
            holders = self._with.get(feature, ())
            looked_at += len(holders)
            if looked_at > _LOOKED_AT and shared:
                break
            for number in holders:
                shared[number] += wanted[feature] ** 2
        shared.pop(except_for, None)
        return heapq.nsmallest(_COMPARED, shared, key=lambda number: (-round(shared[number], 9), number))


def features(article: ArticleText) -> Title:
    """What is compared of an article: its title's words and their runs of letters, stop words aside."""
    return title(article.title, language=article.language, source=article.source, has_quiet_grams=False)
