"""A batch of articles turned around: for every atom that stands in it, in which articles and where.

Only what stands in the batch is there, so the work follows the articles' words and not the number of queries. Sets of
article numbers are small (most words stand in few articles), which made them faster here than integers as bit sets.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial
from typing import Final, TypeAlias

from digest.matching.article import Reading
from digest.matching.index import AtomIndex
from digest.matching.memo import Memo
from digest.matching.places import PlaceFinder
from digest.matching.program import SCOPE_BITS, SCOPE_MASK, Scope
from digest.matching.syntax import Precision
from digest.matching.traces import ENOUGH, Enough, Reason, Trace, Tracer

Positions: TypeAlias = Mapping[int, Sequence[int]]
"""Article number to the positions of a leaf there; none for what is no text."""

_NOWHERE: Final[Positions] = {}
_ANYWHERE: Final = frozenset({Scope.TEXT, Scope.META})


class Batch:
    """Analysed articles by number, and where atoms stand in them."""

    def __init__(self, readings: Sequence[Reading], finder: PlaceFinder, index: AtomIndex) -> None:
        self.readings = readings
        self.postings: dict[int, dict[int, list[int]]] = {}
        """Atom number to article number to positions."""
        tracer = Tracer(index)
        self.positions: Memo[int, Positions] = Memo(partial(_positions, self.postings, readings))
        """Where a leaf stands in its scope."""
        self.alone = {
            gate: Memo(partial(_alone, tracer, self.positions, readings, ENOUGH[gate])) for gate in Precision
        }
        """The articles in which a leaf by itself is evidence enough, with the reason."""
        self.traces: Memo[tuple[int, int], Trace] = Memo(partial(_trace, tracer, self.positions, readings))
        """Where a leaf stands in one article in which it does."""
        for number, reading in enumerate(readings):
            for atom, positions in finder.places(reading).items():
                if atom in self.postings:
                    self.postings[atom][number] = positions
                else:
                    self.postings[atom] = {number: positions}

    def articles(self, leaf: int) -> Set[int]:
        """The articles in which a leaf stands in its scope."""
        return self.positions[leaf].keys()


# Plain functions, so that a batch holds no cycle and its memory goes as soon as it is done.


def _positions(
    postings: Mapping[int, dict[int, list[int]]], readings: Sequence[Reading], leaf: int
) -> Positions:
    found = postings.get(leaf >> SCOPE_BITS, _NOWHERE)
    scope = Scope(leaf & SCOPE_MASK)
    return found if scope in _ANYWHERE else dict(_inside(found, readings, scope))


def _inside(
    positions: Positions, readings: Sequence[Reading], scope: Scope
) -> Iterator[tuple[int, list[int]]]:
    """What stands in the title, or in a category."""
    for article, places in positions.items():
        reading = readings[article]
        begin, end = (0, reading.title_end) if scope is Scope.TITLE else (reading.title_end, reading.head_end)
        if inside := [place for place in places if begin <= place < end]:
            yield article, inside


def _alone(
    tracer: Tracer, positions: Mapping[int, Positions], readings: Sequence[Reading], enough: Enough, leaf: int
) -> Sequence[tuple[int, Reason]]:
    return tracer.reasons(leaf, positions[leaf], readings, enough)


def _trace(
    tracer: Tracer, positions: Mapping[int, Positions], readings: Sequence[Reading], where: tuple[int, int]
) -> Trace:
    leaf, article = where
    return tracer.trace(leaf, positions[leaf][article], readings[article])
