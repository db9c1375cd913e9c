"""A batch of articles turned around: for every atom that stands in it, where.

Only what stands in the batch is there, so the work follows the articles' words and not the number of queries. Sets of
article numbers are small (most words stand in few articles), which made them faster here than integers as bit sets.
"""

from collections.abc import Callable, Sequence, Set
from typing import Final

from digest.matching.article import Reading
from digest.matching.places import PlaceFinder
from digest.matching.program import SCOPE_BITS, SCOPE_MASK, Scope
from digest.matching.syntax import Precision

_ANYWHERE: Final = (int(Scope.TEXT), int(Scope.META))
_NOWHERE: Final[dict[int, list[int]]] = {}


class Batch:
    """Analysed articles by number, and the positions of every atom found."""

    def __init__(self, readings: Sequence[Reading], finder: PlaceFinder) -> None:
        self.readings = readings
        self.postings: dict[int, dict[int, list[int]]] = {}
        """Atom number to article number to positions."""
        self._ends = {
            Precision.TITLE: [reading.head_end for reading in readings],
            Precision.LEAD: [reading.lead_end for reading in readings],
            Precision.ALL: [len(reading.tokens) for reading in readings],
        }
        self.has_fields = finder.has_fields
        """Whether any value speaks of something else than text."""
        for number, reading in enumerate(readings):
            for atom, positions in finder.places(reading).items():
                if atom in self.postings:
                    self.postings[atom][number] = positions
                else:
                    self.postings[atom] = {number: positions}

    def ends(self, gate: Precision) -> Sequence[int]:
        """The position in each article before which one place suffices for a gate."""
        return self._ends[Precision.LEAD if gate is Precision.NORMAL else gate]

    def table(self, leaf: int) -> dict[int, list[int]]:
        """Where the atom of a leaf stands anywhere: article to positions."""
        return self.postings.get(leaf >> SCOPE_BITS, _NOWHERE)

    def positions(self, leaf: int, article: int) -> list[int] | None:
        """Where a leaf stands in an article in its scope; None if it does not, empty for what is no text."""
        articles = self.postings.get(leaf >> SCOPE_BITS)
        positions = articles.get(article) if articles else None
        scope = leaf & SCOPE_MASK
        if positions is None or scope in _ANYWHERE:
            return positions
        reading = self.readings[article]
        begin, end = (0, reading.title_end) if scope == Scope.TITLE else (reading.title_end, reading.head_end)
        return [position for position in positions if begin <= position < end] or None

    def articles(self, leaf: int) -> Set[int]:
        """The articles in which a leaf stands in its scope."""
        found = self.postings.get(leaf >> SCOPE_BITS, _NOWHERE)
        if leaf & SCOPE_MASK in _ANYWHERE:
            return found.keys()
        return {article for article in found if self.positions(leaf, article)}

    def holder(self, article: int) -> Callable[[int], bool]:
        """Tells of a leaf whether it stands in an article in its scope."""
        postings = self.postings

        def holds(leaf: int) -> bool:
            articles = postings.get(leaf >> SCOPE_BITS)
            if articles is None or article not in articles:
                return False
            return leaf & SCOPE_MASK in _ANYWHERE or self.positions(leaf, article) is not None

        return holds
