"""Where one leaf stands in one article: the best zone, the words as printed there, and what that weighs.

Worked out once for each leaf and article of a batch, whatever the number of queries that speak of it.
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple

from digest.matching.article import Reading, Zone
from digest.matching.atoms import Atom, Style, keys
from digest.matching.index import AtomIndex
from digest.matching.memo import Memo
from digest.matching.patterns import fits
from digest.matching.places import place_in_rows, rows_of, stands
from digest.matching.program import Scope, atom_of, scope_of
from digest.matching.spelling import clean
from digest.matching.syntax import Field, Precision

TERM_LENGTH: Final = 60
OFTEN: Final = 3
"""So many places altogether are no mere mention."""
WEIGHTS: Final = (3.0, 2.5, 2.0, 1.0)
"""Of title, category, lead and body."""
OFTEN_BONUS: Final = 0.5
_WEIGHT: Final = {
    (rank, is_often): weight + is_often * OFTEN_BONUS
    for rank, weight in enumerate(WEIGHTS)
    for is_often in (False, True)
}

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


new_reason = partial(tuple.__new__, Reason)
"""Makes a reason of its three parts; they are made for every hit, and this is twice as fast as the constructor."""


class Tracer:
    """Makes the traces and reasons of one batch."""

    def __init__(self, index: AtomIndex) -> None:
        self._index = index
        self._idf = Memo(index.frequencies.idf)
        self._rounded: Memo[float, float] = Memo(_rounded)

    def trace(self, leaf: int, places: Sequence[int], reading: Reading) -> Trace:
        """Where a leaf stands in an article."""
        number = atom_of(leaf)
        atom = self._index.atoms[number]
        if scope_of(leaf) == Scope.META:
            return Trace(_META[atom.field], 0, 0, printed_field(atom, reading), 0, 0.0)
        start, count = places[0], len(places)
        length = self._length(atom, reading, start)
        rank = reading.rank(start)
        weight = _WEIGHT[rank, count >= OFTEN] * self._idf_of(number, reading.language)
        return Trace(rank, start, start + length, reading.printed(start, length), count, weight)

    def reasons(
        self, leaf: int, positions: Mapping[int, Sequence[int]], readings: Sequence[Reading], enough: Enough
    ) -> list[tuple[int, Reason]]:
        """The articles in which a leaf is evidence enough by itself, with the reason; what is no text always is."""
        number = atom_of(leaf)
        atom = self._index.atoms[number]
        if scope_of(leaf) == Scope.META:
            return [(article, _outside(atom, readings[article])) for article in positions]
        is_word, spoken, idf = len(atom.elements) == 1, "", 0.0
        found = []
        for article, places in positions.items():
            reading, start, count = readings[article], places[0], len(places)
            rank = reading.rank(start)
            if rank > enough.rank and count < enough.places:
                continue
            if is_word and start not in reading.closed_lengths:
                printed = reading.tokens[start].printed
            else:
                printed = reading.printed(start, self._length(atom, reading, start))
            if reading.language != spoken or not idf:
                spoken, idf = reading.language, self._idf_of(number, reading.language)
            weight = _WEIGHT[rank, count >= OFTEN] * idf
            found.append((article, new_reason((RANKS[rank], printed[:TERM_LENGTH], self._rounded[weight]))))
        return found

    def _length(self, atom: Atom, reading: Reading, start: int) -> int:
        return atom_length(atom, reading, start, self._index.language_index(reading.language))

    def _idf_of(self, number: int, language: str) -> float:
        """The weight of the rarest word of an atom in a language."""
        index = self._index.language_index(language)
        df_of = self._index.frequencies.df_of
        elements = self._index.atoms[number].elements
        return self._idf[min([df_of(keys(element, index)) for element in elements])]


def _rounded(weight: float) -> float:
    return round(weight, 4)


def _outside(atom: Atom, reading: Reading) -> Reason:
    """The reason of what is no text."""
    return Reason(RANKS[_META[atom.field]], printed_field(atom, reading)[:TERM_LENGTH], 1.0)


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
