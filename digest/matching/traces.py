"""Where one leaf stands in one article: the best zone, the words as printed there, and what that weighs.

Worked out once for each leaf and article of a batch, whatever the number of queries that speak of it.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from digest.matching.article import Reading, Zone
from digest.matching.atoms import Atom, Style, keys
from digest.matching.index import AtomIndex
from digest.matching.patterns import fits
from digest.matching.places import PlaceFinder, place_in_rows, rows_of, stands
from digest.matching.program import SCOPE_BITS, Scope, atom_of, scope_of
from digest.matching.spelling import clean
from digest.matching.syntax import Field, Precision

TERM_LENGTH: Final = 60
OFTEN: Final = 3
"""So many places altogether are no mere mention."""
RANKS: Final = (*(zone.value for zone in Zone), "source", "author", "url", "language")
"""Where a leaf may stand, the best first."""
BODY: Final = 3
"""The last rank that is text."""
_META: Final = MappingProxyType({Field.SOURCE: 4, Field.AUTHOR: 5, Field.URL: 6, Field.LANGUAGE: 7})


class Enough(NamedTuple):
    """The last rank in which one place suffices, and how many places altogether do."""

    rank: int
    places: float


ENOUGH: Final = MappingProxyType(
    {
        Precision.TITLE: Enough(1, math.inf),
        Precision.LEAD: Enough(2, math.inf),
        Precision.NORMAL: Enough(2, OFTEN),
        Precision.ALL: Enough(BODY, 0),
    }
)


class Reason(NamedTuple):
    """`field`: where; `term`: the words printed there; `score`: rounded to 4 places."""

    field: str
    term: str
    score: float


class Trace(NamedTuple):
    """The rank of the best zone, the span there, what is printed, in how many places, and the weight.

    What is no text has no place and weighs 0.
    """

    rank: int
    start: int
    end: int
    printed: str
    places: int
    weight: float


Row: TypeAlias = tuple[int, int, str, str, float]
"""An article of a batch by number and by id, and the reason why it matches: field, term, score."""


class Tracer:
    """Makes the traces and reasons of one batch."""

    def __init__(self, index: AtomIndex, finder: PlaceFinder, readings: Sequence[Reading]) -> None:
        self._index = index
        self._finder = finder
        self._readings = readings

    def trace(self, leaf: int, places: Sequence[int], article: int) -> Trace:
        """Where a leaf stands in an article."""
        number, reading = atom_of(leaf), self._readings[article]
        atom = self._index.atoms[number]
        if scope_of(leaf) == Scope.META:
            return Trace(_META[atom.field], 0, 0, printed_field(atom, reading), 0, 0.0)
        start, count = places[0], len(places)
        language = self._index.language_index(reading.language)
        length = atom_length(atom, reading, start, language)
        rank = bisect_right(reading.ends, start)
        weight = self._finder.facts(language)[number].exact[2 * rank + (count >= OFTEN)]
        return Trace(rank, start, start + length, reading.printed(start, length), count, weight)

    def told(self, article: int, found: Mapping[int, Sequence[int]]) -> Iterator[tuple[int, Row]]:
        """Of all atoms found in an article those that are usually evidence enough by themselves, as text leaves."""
        reading = self._readings[article]
        ends, tokens, closed = reading.ends, reading.tokens, reading.closed_lengths
        lead_end, article_id = reading.lead_end, reading.article.id
        language = self._index.language_index(reading.language)
        facts = self._finder.facts(language)
        for number, places in found.items():
            is_often = len(places) >= OFTEN
            if not places or (places[0] >= lead_end and not is_often):
                continue
            start, (is_word, _, rounded) = places[0], facts[number]
            if is_word and start not in closed:
                printed = tokens[start].printed
            else:
                atom = self._index.atoms[number]
                printed = reading.printed(start, atom_length(atom, reading, start, language))
            rank = bisect_right(ends, start)
            score = rounded[2 * rank + is_often]
            yield number << SCOPE_BITS, (article, article_id, RANKS[rank], printed[:TERM_LENGTH], score)

    def rows(self, leaf: int, positions: Mapping[int, Sequence[int]], enough: Enough) -> list[Row]:
        """The articles in which a leaf is evidence enough by itself, with the reason; what is no text always is."""
        is_text = scope_of(leaf) != Scope.META
        return [
            self._row(self.trace(leaf, places, article), article)
            for article, places in positions.items()
            if not is_text
            or places[0] < self._readings[article].ends[enough.rank]
            or len(places) >= enough.places
        ]

    def _row(self, trace: Trace, article: int) -> Row:
        score = round(trace.weight, 4) if trace.rank <= BODY else 1.0
        article_id = self._readings[article].article.id
        return article, article_id, RANKS[trace.rank], trace.printed[:TERM_LENGTH], score


def atom_length(atom: Atom, reading: Reading, start: int, language: int) -> int:
    """How many tokens an atom covers where it begins: a hyphen word found as one covers its parts."""
    if atom.closed is None if len(atom.elements) > 1 else start not in reading.closed_lengths:
        return len(atom.elements)
    token = reading.tokens[start]
    if len(atom.elements) > 1:
        if stands(atom, reading.tokens, start, language):
            return len(atom.elements)
        is_closed = any(key in token.keys for key in keys(atom.closed or (), language))
    else:
        is_closed = _meets(atom, token.keys, token.forms, language)
    return 1 if is_closed else reading.closed_lengths[start]


def _meets(atom: Atom, token_keys: Sequence[str], forms: Sequence[str], language: int) -> bool:
    wanted = keys(atom.elements[0], language)
    if atom.style is Style.WORDS:
        return any(key in token_keys for key in wanted)
    return any(fits(atom.style, wanted[0], form) for form in forms)


def printed_field(atom: Atom, reading: Reading) -> str:
    """What a true value of source, author, url or language says in the article."""
    article = reading.article
    if atom.field is Field.LANGUAGE:
        return reading.language
    rows = dict(rows_of(reading.meta))[atom.field]
    if atom.style is not Style.WORDS:
        words = [(token,) for row in rows for token in row if _meets(atom, (token,), (token,), 0)]
        return " ".join(words[0]) if words else ""
    if place_in_rows(atom, rows) is None:
        return reading.meta.host
    if atom.field is Field.URL:
        return " ".join(keys(element, 0)[0] for element in atom.elements)
    return " ".join(clean(article.source if atom.field is Field.SOURCE else article.author).split())
