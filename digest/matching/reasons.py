"""Why an article is a hit: the best zone with evidence, the words as printed there, and the score.

Worked out only for hits, once per article and leaf, and shared by all topics of a query.
"""

from collections.abc import Sequence
from functools import partial
from math import fsum
from types import MappingProxyType
from typing import Final, NamedTuple

from digest.matching.article import Reading, Zone
from digest.matching.atoms import Atom, Style, keys
from digest.matching.batch import Batch
from digest.matching.frequencies import Frequencies
from digest.matching.gate import OFTEN
from digest.matching.index import AtomIndex
from digest.matching.patterns import fits
from digest.matching.places import place_in_rows, rows_of, stands
from digest.matching.program import Scope, atom_of, scope_of
from digest.matching.spelling import clean
from digest.matching.syntax import Field

TERM_LENGTH: Final = 60
WEIGHTS: Final = (3.0, 2.5, 2.0, 1.0)
"""Of title, category, lead and body."""
OFTEN_BONUS: Final = 0.5

_META: Final = MappingProxyType({Field.SOURCE: 4, Field.AUTHOR: 5, Field.URL: 6, Field.LANGUAGE: 7})
_NAMES: Final = (*(zone.value for zone in Zone), "source", "author", "url", "language")


class Reason(NamedTuple):
    """`field`: where; `term`: the words printed there; `score`: rounded to 4 places."""

    field: str
    term: str
    score: float


class Trace(NamedTuple):
    """One leaf in one article: the rank of its best zone, its span there, what is printed, and how often it stands.

    Ranks count title, category, lead, body, then source, author, url, language. What is no text has no place and weighs 0.
    """

    rank: int
    start: int
    end: int
    printed: str
    places: int
    weight: float
    reason: Reason


_trace = partial(tuple.__new__, Trace)
_reason = partial(tuple.__new__, Reason)  # both are made for every hit, and this is twice as fast


class Reasons:
    """The reasons of one batch."""

    def __init__(self, batch: Batch, index: AtomIndex) -> None:
        self._batch = batch
        self._index = index
        self._languages = [index.language_index(reading.language) for reading in batch.readings]
        self._traces: dict[int, Trace] = {}
        self._idf: dict[tuple[int, int], float] = {}

    def reason(self, leaves: Sequence[int], article: int) -> Reason:
        """The reason that the evidence of a matching query gives for one article."""
        if len(leaves) == 1:
            return self.trace(leaves[0], article).reason
        traces = [self.trace(leaf, article) for leaf in leaves]
        best = min([trace.rank for trace in traces])
        score = fsum([trace.weight for trace in traces])
        shown = [trace for trace in traces if trace.rank == best]
        return _reason((_NAMES[best], _listed(shown), round(score or 1.0, 4)))

    def trace(self, leaf: int, article: int) -> Trace:
        """Where a true leaf stands in an article."""
        key = leaf * len(self._languages) + article
        found = self._traces.get(key)
        if found is None:
            found = self._traces[key] = self._found(leaf, article)
        return found

    def _found(self, leaf: int, article: int) -> Trace:
        reading = self._batch.readings[article]
        number = atom_of(leaf)
        atom = self._index.atoms[number]
        if scope_of(leaf) == Scope.META:
            rank, printed = _META[atom.field], printed_field(atom, reading)
            return Trace(rank, 0, 0, printed, 0, 0.0, Reason(_NAMES[rank], printed[:TERM_LENGTH], 1.0))
        positions = self._batch.positions(leaf, article) or []
        start, places = positions[0], len(positions)
        language = self._languages[article]
        if len(atom.elements) == 1 and start not in reading.closed_lengths:
            end, printed = start + 1, reading.tokens[start].printed
        else:
            end = start + atom_length(atom, reading, start, language)
            printed = reading.printed(start, end - start)
        rank = reading.rank(start)
        weight = (WEIGHTS[rank] + OFTEN_BONUS if places >= OFTEN else WEIGHTS[rank]) * self.idf(
            number, language
        )
        reason = _reason((_NAMES[rank], printed[:TERM_LENGTH], round(weight, 4)))
        return _trace((rank, start, end, printed, places, weight, reason))

    def idf(self, number: int, language: int) -> float:
        """The weight of an atom by the rarest of its words."""
        found = self._idf.get((number, language))
        if found is None:
            found = self._idf[number, language] = rarest_idf(
                self._index.atoms[number], language, self._index.frequencies
            )
        return found


def rarest_idf(atom: Atom, language: int, frequencies: Frequencies) -> float:
    """The idf of the rarest word of an atom in a language."""
    rarest = min(frequencies.df_of((keys(element, language),)) for element in atom.elements)
    return frequencies.idf(rarest)


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


def _listed(traces: Sequence[Trace]) -> str:
    """The printed words in the order of the article, overlapping ones once, as many as fit."""
    if len(traces) == 1:
        return traces[0].printed[:TERM_LENGTH]
    term, end = "", 0
    for trace in sorted(traces, key=_in_order):
        if trace.start < end:
            continue
        longer = f"{term}, {trace.printed}" if term else trace.printed
        if len(longer) > TERM_LENGTH:
            return term or longer[:TERM_LENGTH]
        term, end = longer, trace.end
    return term


def _in_order(trace: Trace) -> tuple[int, int, str]:
    return (trace.start, -trace.end, trace.printed)
