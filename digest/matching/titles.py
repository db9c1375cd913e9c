"""What a title is about, as numbers to compare: its words without stop words, and runs of four letters for what words miss.

Pure. A title's language is told from its tag or the title alone, so the same title always gives the same features.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import log, sqrt
from sys import intern
from typing import Final, NamedTuple

from digest.matching.furniture import title_without_source
from digest.matching.language import guessed, primary
from digest.matching.spelling import clean
from digest.matching.text import Token, tokens
from digest.matching.wordlists import stop_words

LANGUAGES: Final = ("de", "en")
GRAM: Final = 4
GRAM_MARK: Final = "#"
"""Stands before a run of letters, so that it is never taken for a word."""

Vector = Mapping[str, float]


class Title(NamedTuple):
    """The features of one title."""

    language: str
    words: tuple[str, ...]
    grams: tuple[str, ...]
    spelled: tuple[str, ...]
    """Every word in plain spelling, stop words too."""

    @property
    def length(self) -> int:
        """How many words it has, stop words too."""
        return len(self.spelled)

    @property
    def features(self) -> tuple[str, ...]:
        """Its distinct words and runs of letters; equal ones of many titles are one object."""
        return tuple(map(intern, {*self.words, *self.grams}))


def title(text: str, *, language: str | None = None, source: str = "", has_quiet_grams: bool = True) -> Title:
    """The features of a title as printed; `language` is the article's tag, `source` is cut from the end.

    Runs of letters go through stop words too, unless `has_quiet_grams` is off.
    """
    cleaned = title_without_source(clean(text), source)
    spoken = primary(language) or guessed(cleaned, LANGUAGES)
    found = tokens(cleaned, spoken)
    stops = stop_words(spoken)
    words = tuple(token.forms[-1] for token in found if _is_content(token, stops))
    spelled = tuple(token.plain[0] for token in found if token.plain)
    telling = spelled if has_quiet_grams else [token.plain[0] for token in found if _is_content(token, stops)]
    return Title(spoken, words, tuple(_grams(" ".join(telling))), spelled)


def vector(one: Title, *, weight: Mapping[str, float], gram_weight: float) -> Vector:
    """The features with their weights (1 + ln tf) · `weight`, runs of letters times `gram_weight`, at length 1."""
    found = dict(_weighted(one.words, weight, 1.0))
    if gram_weight:
        found.update(_weighted(one.grams, weight, gram_weight))
    length = sqrt(sum(value * value for value in found.values()))
    return {feature: value / length for feature, value in found.items()} if length else {}


def idf(df: int, *, titles: int) -> float:
    """The weight of a feature that stands in `df` of so many titles: ln((N + 1) / df)."""
    return log((titles + 1) / max(df, 1))


def cosine(one: Vector, other: Vector) -> float:
    """How alike two vectors of length 1 are: 0 … 1."""
    if len(other) < len(one):
        one, other = other, one
    return sum(value * other[feature] for feature, value in one.items() if feature in other)


def _weighted(
    features: Iterable[str], weight: Mapping[str, float], factor: float
) -> Iterable[tuple[str, float]]:
    for feature, count in Counter(features).items():
        yield feature, factor * (1 + log(count)) * weight[feature]


def _is_content(token: Token, stops: frozenset[str]) -> bool:
    return bool(token.plain) and token.printed.lower() not in stops


def _grams(text: str) -> Iterable[str]:
    padded = f" {text} "
    for start in range(len(padded) - GRAM + 1):
        yield GRAM_MARK + padded[start : start + GRAM]
