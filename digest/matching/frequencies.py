"""In how many articles a word form stands: the weight of rare words, and the choice of cheap keys."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log

from digest.matching.article import Reading


@dataclass(frozen=True, slots=True)
class Frequencies:
    """Counts over `articles` analysed articles; a form never seen counts 0, the rarest."""

    articles: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    def df(self, form: str) -> int:
        """In how many of the articles a form stands."""
        return self.counts.get(form, 0)

    def df_of(self, keys: Sequence[str]) -> int:
        """The highest count among the keys of one word."""
        if len(keys) == 1:
            return self.counts.get(keys[0].lstrip("=^"), 0)
        return max([self.counts.get(key.lstrip("=^"), 0) for key in keys], default=0)

    def idf(self, df: int) -> float:
        """The weight of a word that stands in `df` articles: ln(1 + N / (1 + df)); 1 where nothing was counted."""
        return log(1 + self.articles / (1 + df)) if self.articles else 1.0


def counted(readings: Iterable[Reading]) -> Frequencies:
    """The frequencies of every form in analysed articles."""
    articles = 0
    counts: Counter[str] = Counter()
    for reading in readings:
        articles += 1
        counts.update({form for token in set(reading.tokens) for form in token.forms})
        counts.update({form for _, token in reading.closed for form in token.forms})
    return Frequencies(articles, counts)
