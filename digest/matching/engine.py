"""The Matcher: which articles belong to which topics, and why. Pure; no database, no clock.

A percolator: queries are filed once, articles come by in batches. Equal queries are one entry with many topics, so the
cost grows with distinct queries and with what the articles say, not with readers. What it finds is what a naive reading
of each query finds, for every batch size and order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from digest.collector import uncollected
from digest.matching.article import ArticleText, Reading, read
from digest.matching.atoms import atom
from digest.matching.batch import Batch
from digest.matching.explain import Explanation, explain
from digest.matching.frequencies import Frequencies
from digest.matching.gate import matches
from digest.matching.index import AtomIndex
from digest.matching.places import PlaceFinder
from digest.matching.program import Program, anchors, atom_of, compiled, leaf
from digest.matching.program import leaves as leaves_of
from digest.matching.query import Precision, Query
from digest.matching.syntax import Value

__all__ = ["ArticleText", "Explanation", "Hit", "Matcher", "Precision", "explain"]

BATCH_SIZE: Final = 1_000
"""Articles matched at once: wider bit sets are slower."""


class Hit(NamedTuple):
    """An article belongs to a topic; where, by which printed words, and how strongly."""

    article_id: int
    topic_id: int
    field: str
    term: str
    score: float


class Entry:
    """One distinct query and the topics that ask for it."""

    __slots__ = ("gate", "is_shared", "program", "topics")

    def __init__(self, program: Program, gate: Precision) -> None:
        self.program = program
        self.gate = gate
        self.topics: tuple[int, ...] = ()
        self.is_shared = False
        """Whether it is filed under several atoms."""


class Matcher:
    """Topics by id; `match` finds the hits of articles. `topics` is read once, item by item, and not kept.

    `precision` is the gate of queries that name none; `frequencies` weigh scores and choose keys, and change no match.
    """

    def __init__(
        self,
        topics: Mapping[int, Query] | None = None,
        languages: Sequence[str] = ("de", "en"),
        *,
        precision: Precision = Precision.NORMAL,
        frequencies: Frequencies | None = None,
    ) -> None:
        self.languages = tuple(languages)
        self.precision = precision
        self._index = AtomIndex(self.languages, frequencies or Frequencies())
        self._entries: dict[Precision, dict[Program, Entry]] = {gate: {} for gate in Precision}
        self._by_topic: dict[int, Entry] = {}
        self._filed: dict[int, list[Entry]] = {}
        self._finder: PlaceFinder | None = None
        self._leaves: dict[int, int] = {}
        """Each leaf's number once: a million programs share them."""
        with uncollected():
            for topic_id, query in (topics or {}).items():
                self.add(topic_id, query)

    def __len__(self) -> int:
        return len(self._by_topic)

    def __contains__(self, topic_id: int) -> bool:
        return topic_id in self._by_topic

    def add(self, topic_id: int, query: Query) -> None:
        """File a topic; one already filed gets the new query."""
        self.discard(topic_id)
        program = compiled(query.root, self._leaf)
        gate = query.within or self.precision
        entry = self._entries[gate].get(program)
        if entry is None:
            entry = self._entries[gate][program] = Entry(program, gate)
            for part in set(leaves_of(program)):
                self._index.hold(atom_of(part))
            anchored = self._anchors(program)
            entry.is_shared = len(anchored) > 1
            for number in anchored:
                self._filed.setdefault(number, []).append(entry)
            self._finder = None
        entry.topics = (*entry.topics, topic_id)
        self._by_topic[topic_id] = entry

    def _leaf(self, value: Value) -> int:
        found = leaf(self._index.number(atom(value, self.languages)), value.field)
        return self._leaves.setdefault(found, found)

    def discard(self, topic_id: int) -> None:
        """Take a topic out, if it is filed."""
        entry = self._by_topic.pop(topic_id, None)
        if entry is None:
            return
        entry.topics = tuple(other for other in entry.topics if other != topic_id)
        if entry.topics:
            return
        del self._entries[entry.gate][entry.program]
        for number in self._anchors(entry.program):
            self._filed[number].remove(entry)
            if not self._filed[number]:
                del self._filed[number]
        for part in set(leaves_of(entry.program)):
            self._index.release(atom_of(part))
        self._finder = None

    def match(self, articles: Sequence[ArticleText]) -> list[Hit]:
        """All hits of the articles, in no particular order."""
        hits: list[Hit] = []
        for start in range(0, len(articles), BATCH_SIZE):
            hits += self.match_read(
                [read(article, self.languages) for article in articles[start : start + BATCH_SIZE]]
            )
        return hits

    def match_read(self, readings: Sequence[Reading]) -> list[Hit]:
        """All hits of articles that are analysed already, as one batch."""
        with uncollected():
            return self._matched(readings)

    def _matched(self, readings: Sequence[Reading]) -> list[Hit]:
        if self._finder is None:
            self._finder = PlaceFinder(self._index)
        batch = Batch(readings, self._finder, self._index)
        hits: list[Hit] = []
        for entry in self._met(batch):
            if rows := matches(entry.program, entry.gate, batch):
                topics = entry.topics
                hits += [
                    _new(Hit, (article, topic, field, term, score))
                    for _, article, field, term, score in rows
                    for topic in topics
                ]
        return hits

    def leading_keys(self, vocabulary: Iterable[str]) -> set[str]:
        """The keys of a vocabulary of which every article with a hit holds one."""
        return {key for number in self._filed for key in self._index.leading_keys(number, vocabulary)}

    def _anchors(self, program: Program) -> set[int]:
        return {atom_of(leaf) for leaf in anchors(program, lambda part: self._index.cost(atom_of(part)))}

    def _met(self, batch: Batch) -> Iterator[Entry]:
        """Every entry filed under something that stands in the batch, once."""
        seen: set[Entry] = set()
        filed = self._filed
        for number in batch.postings:
            for entry in filed.get(number, ()):
                if entry.is_shared:
                    if entry in seen:
                        continue
                    seen.add(entry)
                yield entry


_new = tuple.__new__  # more than twice as fast as the constructor of a hit, and millions are made
