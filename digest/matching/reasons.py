"""Why an article is a hit: the best zone with evidence, the words as printed there, and the score.

Worked out only for hits, once per article and leaf, and shared by all topics of a query.
"""

from collections.abc import Sequence
from math import fsum
from types import MappingProxyType
from typing import Final, NamedTuple

from digest.matching.article import Reading, Zone
from digest.matching.atoms import Atom, Style, keys
from digest.matching.batch import Batch
from digest.matching.frequencies import Frequencies
from digest.matching.gate import OFTEN
from digest.matching.index import AtomIndex
from digest.matching.places import place_in_rows, rows_of, stands
from digest.matching.program import Scope, atom_of, scope_of
from digest.matching.spelling import clean
from digest.matching.syntax import Field

TERM_LENGTH: Final = 60
WEIGHTS: Final = MappingProxyType({Zone.TITLE: 3.0, Zone.CATEGORY: 2.5, Zone.LEAD: 2.0, Zone.BODY: 1.0})
OFTEN_BONUS: Final = 0.5

_ZONES: Final = tuple(Zone)
_META: Final = MappingProxyType({Field.SOURCE: 4, Field.AUTHOR: 5, Field.URL: 6, Field.LANGUAGE: 7})
_NAMES: Final = (*(zone.value for zone in Zone), "source", "author", "url", "language")


class Reason(NamedTuple):
    """`field`: where; `term`: the words printed there; `score`: rounded to 4 places."""

    field: str
    term: str
    score: float


class Trace(NamedTuple):
    """One leaf in one article: the rank of its best zone, its span there, what is printed, and its weight."""

    rank: int
    start: int
    end: int
    printed: str
    weight: float


class Reasons:
    """The reasons of one batch."""

    def __init__(self, batch: Batch, index: AtomIndex) -> None:
        self._batch = batch
        self._index = index
        self._traces: dict[tuple[int, int], Trace] = {}
        self._idf: dict[tuple[int, int], float] = {}

    def reason(self, leaves: Sequence[int], article: int) -> Reason:
        """The reason that the true leaves of a query give for one article."""
        if len(leaves) == 1:
            trace = self.trace(leaves[0], article)
            return Reason(_NAMES[trace.rank], trace.printed[:TERM_LENGTH], round(trace.weight or 1.0, 4))
        traces = [self.trace(leaf, article) for leaf in dict.fromkeys(leaves)]
        best = min(trace.rank for trace in traces)
        score = fsum(trace.weight for trace in traces)
        return Reason(
            _NAMES[best], _listed([trace for trace in traces if trace.rank == best]), round(score or 1.0, 4)
        )

    def trace(self, leaf: int, article: int) -> Trace:
        """Where a true leaf stands in an article; its weight is 0 if it is no text."""
        found = self._traces.get((leaf, article))
        if found is None:
            found = self._traces[leaf, article] = self._found(leaf, article)
        return found

    def _found(self, leaf: int, article: int) -> Trace:
        reading = self._batch.readings[article]
        number = atom_of(leaf)
        atom = self._index.atoms[number]
        if scope_of(leaf) == Scope.META:
            return Trace(_META[atom.field], 0, 0, printed_field(atom, reading), 0.0)
        positions = self._batch.positions(leaf, article) or []
        start = positions[0]
        zone = reading.zone(start)
        length = atom_length(atom, reading, start, self._index.language_index(reading.language))
        weight = WEIGHTS[zone] + OFTEN_BONUS * (len(positions) >= OFTEN)
        weight *= self.idf(number, self._index.language_index(reading.language))
        return Trace(_ZONES.index(zone), start, start + length, reading.printed(start, length), weight)

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
    match atom.style:
        case Style.WORDS:
            return any(key in token_keys for key in wanted)
        case Style.PREFIX:
            return any(form.startswith(wanted[0]) for form in forms)
        case Style.SUFFIX:
            return any(form.endswith(wanted[0]) for form in forms)
        case Style.INNER:
            return any(wanted[0] in form for form in forms)


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
    term, end = "", 0
    for trace in sorted(traces, key=lambda trace: (trace.start, -trace.end, trace.printed)):
        if trace.start < end:
            continue
        longer = f"{term}, {trace.printed}" if term else trace.printed
        if len(longer) > TERM_LENGTH:
            return term or longer[:TERM_LENGTH]
        term, end = longer, trace.end
    return term
