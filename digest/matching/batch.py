"""A batch of articles turned around: for every atom that stands in it, in which articles and where.

Only what stands in the batch is there, so the work follows the articles' words and not the number of queries. Whether a
query is true is asked of integers as bit sets, bit i for article i; where its words stand is read only of what is true.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

from digest.matching.article import Reading
from digest.matching.index import AtomIndex
from digest.matching.memo import Memo
from digest.matching.places import PlaceFinder
from digest.matching.program import SCOPE_BITS, SCOPE_MASK, Scope
from digest.matching.syntax import Field, Precision
from digest.matching.traces import ENOUGH, Row, Trace, Tracer

Positions: TypeAlias = Mapping[int, Sequence[int]]
"""Article number to the positions of a leaf there; none for what is no text."""

_NOWHERE: Final[Positions] = {}
_ANYWHERE: Final = frozenset({Scope.TEXT.value, Scope.META.value})
_TITLE: Final = Scope.TITLE.value


class Batch:
    """Analysed articles by number, and where atoms stand in them."""

    def __init__(self, readings: Sequence[Reading], finder: PlaceFinder, index: AtomIndex) -> None:
        self.readings = readings
        tracer = Tracer(index, finder, readings)
        atoms = index.atoms
        self.postings, told = _turned(finder, tracer, readings)
        """Atom number to article number to positions."""
        self.positions: Memo[int, Positions] = Memo(partial(_positions, self.postings, readings))
        """Where a leaf stands in its scope."""
        self.positions.update(
            (atom << SCOPE_BITS | (Scope.TEXT if atoms[atom].field is Field.ANY else Scope.META), found)
            for atom, found in self.postings.items()
        )
        self.masks: Memo[int, int] = Memo(partial(_mask, self.positions))
        """The articles in which a leaf stands in its scope, as bit sets."""
        bits = [1 << article for article in range(len(readings))]
        for leaf, found in self.positions.items():
            self.masks[leaf] = sum([bits[article] for article in found])
        self.alone: dict[Precision, Memo[int, Sequence[Row]]] = {
            gate: Memo(partial(_alone, tracer, self.positions, gate)) for gate in Precision
        }
        """The articles in which a leaf by itself is evidence enough, with the reason."""
        self.alone[Precision.NORMAL].update(told)
        self.traces: Memo[tuple[int, int], Trace] = Memo(partial(_trace, tracer, self.positions))
        """Where a leaf stands in one article in which it does."""


def numbers(mask: int) -> Iterator[int]:
    """The articles of a bit set, ascending."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


# Plain functions, so that a batch holds no cycle and its memory goes as soon as it is done.


def _turned(
    finder: PlaceFinder, tracer: Tracer, readings: Sequence[Reading]
) -> tuple[dict[int, dict[int, list[int]]], dict[int, list[Row]]]:
    """The postings, and by text leaf the articles in which it is usually evidence enough by itself.

    Both in one go, while the article is at hand: reading it again for each leaf costs more than all the rest.
    """
    postings: dict[int, dict[int, list[int]]] = {}
    told: dict[int, list[Row]] = {}
    for number, reading in enumerate(readings):
        found = finder.places(reading)
        for atom, places in found.items():
            if atom in postings:
                postings[atom][number] = places
            else:
                postings[atom] = {number: places}
        for leaf, row in tracer.told(number, found):
            if leaf in told:
                told[leaf].append(row)
            else:
                told[leaf] = [row]
    return postings, told


def _positions(
    postings: Mapping[int, dict[int, list[int]]], readings: Sequence[Reading], leaf: int
) -> Positions:
    """Of a leaf that stands nowhere, or is asked of title or category only."""
    found = postings.get(leaf >> SCOPE_BITS, _NOWHERE)
    scope = leaf & SCOPE_MASK
    if not found or scope in _ANYWHERE:
        return found
    return dict(_in_title(found, readings) if scope == _TITLE else _in_categories(found, readings))


def _in_title(positions: Positions, readings: Sequence[Reading]) -> Iterator[tuple[int, list[int]]]:
    for article, places in positions.items():
        end = readings[article].title_end
        if places[0] < end:
            yield article, [place for place in places if place < end]


def _in_categories(positions: Positions, readings: Sequence[Reading]) -> Iterator[tuple[int, list[int]]]:
    for article, places in positions.items():
        begin, end = readings[article].title_end, readings[article].head_end
        if inside := [place for place in places if begin <= place < end]:
            yield article, inside


def _mask(positions: Mapping[int, Positions], leaf: int) -> int:
    return sum([1 << article for article in positions[leaf]])


def _alone(tracer: Tracer, positions: Mapping[int, Positions], gate: Precision, leaf: int) -> Sequence[Row]:
    found = positions[leaf]
    return tracer.rows(leaf, found, ENOUGH[gate]) if found else ()


def _trace(tracer: Tracer, positions: Mapping[int, Positions], where: tuple[int, int]) -> Trace:
    leaf, article = where
    return tracer.trace(leaf, positions[leaf][article], article)
