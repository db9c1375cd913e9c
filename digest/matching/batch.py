"""A batch of articles as bit sets: what stands where, so that a query is a few integer operations for all of them."""

from collections.abc import Sequence

from digest.matching.article import Reading
from digest.matching.index import AtomIndex
from digest.matching.places import PlaceFinder
from digest.matching.program import NOTHING, Evidence, Scope, atom_of, scope_of
from digest.matching.syntax import Precision


class Batch:
    """Up to a thousand analysed articles and the atoms that stand in them; bit i is article i."""

    def __init__(self, readings: Sequence[Reading], index: AtomIndex) -> None:
        self.readings = readings
        self.full = (1 << len(readings)) - 1
        self.postings: dict[int, dict[int, list[int]]] = {}
        """Atom number to article to positions."""
        self._evidence: dict[tuple[int, bool], Evidence] = {}
        finder = PlaceFinder(index)
        for number, reading in enumerate(readings):
            for atom, positions in finder.places(reading).items():
                self.postings.setdefault(atom, {})[number] = positions

    def positions(self, leaf: int, article: int) -> list[int] | None:
        """Where a leaf stands in an article in its scope; None if it does not, empty for what is no text."""
        positions = self.postings.get(atom_of(leaf), {}).get(article)
        scope = scope_of(leaf)
        if positions is None or scope in {Scope.TEXT, Scope.META}:
            return positions
        reading = self.readings[article]
        begin, end = (0, reading.title_end) if scope == Scope.TITLE else (reading.title_end, reading.head_end)
        return [position for position in positions if begin <= position < end] or None

    def evidence(self, leaf: int, gate: Precision) -> Evidence:
        """The evidence of one leaf; near is title or category for `in:title`, else the lead too."""
        is_head = gate is Precision.TITLE
        found = self._evidence.get((leaf, is_head))
        if found is None:
            found = self._evidence[leaf, is_head] = self._gathered(leaf, is_head=is_head)
        return found

    def _gathered(self, leaf: int, *, is_head: bool) -> Evidence:
        articles = self.postings.get(atom_of(leaf))
        if not articles:
            return NOTHING
        scope = scope_of(leaf)
        if scope == Scope.META:
            true = sum(1 << article for article in articles)
            return Evidence(true, 0, 0, 0, 0, true)
        if scope != Scope.TEXT:
            true = sum(1 << article for article in articles if self.positions(leaf, article))
            return Evidence(true, true, true, 0, 0, 0)
        near = two = three = true = 0
        for article, positions in articles.items():
            bit = 1 << article
            true |= bit
            reading = self.readings[article]
            if positions[0] < (reading.head_end if is_head else reading.lead_end):
                near |= bit
            if len(positions) > 1:
                two |= bit
                if len(positions) > 2:
                    three |= bit
        return Evidence(true, near, true, two, three, 0)
