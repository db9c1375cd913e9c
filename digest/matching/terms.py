"""What an article is about in words a reader would type: the proposal for "similar news as this one". Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Final, NamedTuple

from digest.matching.article import ArticleText, Reading, read
from digest.matching.frequencies import Frequencies
from digest.matching.query import parse_query
from digest.matching.spelling import plain
from digest.matching.wordlists import stop_words

PROPOSED: Final = 6
"""Terms that stand in the query at first."""
NAMED: Final = 8
"""Terms that are shown: two more to choose from."""
COMMON: Final = 0.10
COMMON_FROM: Final = 200
"""Articles from which on a word in more than a tenth of them is no proposal."""

_SHORTEST: Final = 3
_PAIR_FROM: Final = 2
_COUNTED: Final = 5
_ZONES: Final = (3, 3, 2, 1)
"""Worth of title, category, lead and body."""
_SIMPLE: Final = re.compile(r"\w[\w-]+")
_OPERATORS: Final = frozenset({"AND", "UND", "OR", "ODER", "NOT", "NICHT", "OF", "VON"})


class Term(NamedTuple):
    """A word, hyphen word or phrase as printed, and how much it tells: more is better."""

    text: str
    weight: float


@dataclass(slots=True)
class _Found:
    """Something that may be proposed: how it is printed first, its words, where it stands best, how often."""

    text: str
    words: tuple[str, ...]
    zone: int
    df: int
    times: int = field(default=0)

    def weight(self, articles: int) -> float:
        rarity = log((articles + 1) / (self.df + 1)) if articles else 1.0
        return (self.zone + min(self.times, _COUNTED) - 1) * rarity


def proposal(article: ArticleText, frequencies: Frequencies, *, limit: int = NAMED) -> list[Term]:
    """The terms that tell most about an article, the best first; `frequencies` of the articles around it."""
    reading = read(article)
    most = COMMON * frequencies.articles if frequencies.articles >= COMMON_FROM else frequencies.articles
    found = [one for one in _collected(reading, frequencies).values() if one.df <= most]
    ranked = sorted(found, key=lambda one: -round(one.weight(frequencies.articles), 6))  # ties: as they stand
    chosen: list[_Found] = []
    for one in _without_parts(ranked):
        if len(chosen) < limit:
            chosen.append(one)
    return [Term(one.text, round(one.weight(frequencies.articles), 4)) for one in chosen]


def similar_query(terms: Iterable[Term], *, language: str) -> str:
    """The canonical query for chosen terms: any two of them, both of two, or the one; "" for none."""
    values = [as_typed(term) for term in terms]
    if not values:
        return ""
    text = f"2 OF ({', '.join(values)})" if len(values) > 1 else values[0]
    return str(parse_query(f"{text} lang:{language}" if language else text))


def as_typed(term: Term) -> str:
    """A term as one value of a query."""
    is_simple = _SIMPLE.fullmatch(term.text) and term.text not in _OPERATORS
    return term.text if is_simple else f'"{term.text}"'


def _collected(reading: Reading, frequencies: Frequencies) -> dict[tuple[str, ...], _Found]:
    """Every word, hyphen word and pair of names, by its lemmas, in the order in which they stand."""
    found: dict[tuple[str, ...], _Found] = {}
    before: tuple[int, str] | None = None
    for position, length, lemma in _words(reading):
        _count(found, reading, position, length, (lemma,), frequencies.df(lemma))
        if length > 1:
            before = None
            continue
        if before and before[0] == position - 1 and _is_pair(reading, position - 1):
            df = min(frequencies.df(before[1]), frequencies.df(lemma))
            _count(found, reading, position - 1, 2, (before[1], lemma), df)
        before = (position, lemma)
    return {key: one for key, one in found.items() if len(key) == 1 or one.times >= _PAIR_FROM}


def _count(
    found: dict[tuple[str, ...], _Found],
    reading: Reading,
    position: int,
    length: int,
    words: tuple[str, ...],
    df: int,
) -> None:
    zone = _ZONES[reading.rank(position)]
    one = found.setdefault(words, _Found(reading.printed(position, length), words, zone, df))
    one.zone = max(one.zone, zone)
    one.times += 1


def _words(reading: Reading) -> Iterator[tuple[int, int, str]]:
    """(position, tokens, lemma) of everything that can be a term."""
    closed = dict(reading.closed)
    stops = stop_words(reading.language) | set(reading.meta.source)
    position = 0
    while position < len(reading.tokens):
        length = reading.closed_lengths.get(position, 1)
        token = closed.get(position) or reading.tokens[position]
        if token.forms and _tells(reading.printed(position, length), reading.language, stops):
            yield position, length, token.forms[-1]
        position += length


def _tells(printed: str, language: str, stops: set[str] | frozenset[str]) -> bool:
    return (
        len(printed) >= _SHORTEST
        and not printed.isdigit()
        and printed.lower() not in stops
        and plain(printed) not in stops
        and (language != "de" or printed[0].isupper())
    )


def _is_pair(reading: Reading, position: int) -> bool:
    """Whether two names stand next to each other with nothing but a space between them."""
    first, second = (reading.tokens[place].printed for place in (position, position + 1))
    return first[0].isupper() and second[0].isupper() and reading.printed(position, 2) == f"{first} {second}"


def _without_parts(ranked: Sequence[_Found]) -> Iterator[_Found]:
    """Of a phrase and a part of it: the phrase if the part never stands without it, else the part."""
    times = {one.words[0]: one.times for one in ranked if len(one.words) == 1}
    phrases = [one for one in ranked if len(one.words) > 1]
    kept = [one for one in phrases if all(times.get(word, 0) <= one.times for word in one.words)]
    inside = {word for one in kept for word in one.words}
    for one in ranked:
        if one in kept or (len(one.words) == 1 and one.words[0] not in inside):
            yield one
