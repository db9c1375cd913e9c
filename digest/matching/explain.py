"""Why a query matches an article, or why not, in words a reader understands. Pure.

It asks the same index and the same gate as the Matcher, with one query and one article.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from digest.matching.article import ArticleText, read
from digest.matching.atoms import atom
from digest.matching.batch import Batch
from digest.matching.frequencies import Frequencies
from digest.matching.gate import evidence, matches
from digest.matching.index import AtomIndex
from digest.matching.places import PlaceFinder
from digest.matching.program import Scope, compiled, is_true, leaf, scope_of
from digest.matching.query import Precision, Query
from digest.matching.reasons import reason
from digest.matching.syntax import And, Count, Field, Node, Not, Or, Value
from digest.matching.traces import RANKS, Reason


class Verdict(StrEnum):
    """What came of a query and an article."""

    MATCHED = "matched"
    MISSING = "missing"
    EXCLUDED = "excluded"
    OTHER_LANGUAGE = "other_language"
    MENTIONED = "mentioned"
    FILTERED = "filtered"


_SENTENCES = MappingProxyType(
    {
        Verdict.MATCHED: ("Passt.", "Matches."),
        Verdict.MISSING: ("Fehlt: {words}.", "Missing: {words}."),
        Verdict.EXCLUDED: ("Ausgeschlossen durch: {words}.", "Excluded by: {words}."),
        Verdict.OTHER_LANGUAGE: ("Andere Sprache: {words}.", "Other language: {words}."),
        Verdict.MENTIONED: (
            "Nur erwähnt ({count}-mal, {words}).",
            "Only mentioned (places: {count}, {words}).",
        ),
        Verdict.FILTERED: (
            "Von der Regel der Quelle aussortiert: {words}.",
            "Filtered by the feed's rule: {words}.",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One value found: `field` its best zone, `printed` as in the article, `around` with 60 characters on each side."""

    value: str
    field: str
    printed: str
    around: str
    count: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict; what was found; and `words`, the values that decided a miss."""

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    words: tuple[str, ...] = ()
    places: int = 0
    reason: Reason | None = None
    """The field, term and score a match would store; only of a match."""

    @property
    def is_match(self) -> bool:
        """Whether the article belongs to the topic."""
        return self.verdict is Verdict.MATCHED

    def sentence(self, language: str = "en") -> str:
        """The verdict as one sentence in German (`de`) or English."""
        german, english = _SENTENCES[self.verdict]
        words = ", ".join(self.words)
        return (german if language.startswith("de") else english).format(words=words, count=self.places)


def explain(
    query: Query,
    article: ArticleText,
    *,
    languages: Sequence[str] = ("de", "en"),
    precision: Precision = Precision.NORMAL,
) -> Explanation:
    """The verdict of the Matcher on one query and one article, with its reasons."""
    return _Inquiry(query, article, tuple(languages), query.within or precision).explanation()


class _Inquiry:
    """One query compiled against an index of its own, and one article as a batch."""

    def __init__(
        self, query: Query, article: ArticleText, languages: tuple[str, ...], gate: Precision
    ) -> None:
        self.query = query
        self.gate = gate
        self.languages = languages
        self.index = AtomIndex(languages, Frequencies())
        self.program = compiled(query.root, self.leaf)
        self.batch = Batch([read(article, languages)], PlaceFinder(self.index), self.index)

    def leaf(self, value: Value) -> int:
        return leaf(self.index.number(atom(value, self.languages)), value.field)

    def holds(self, node: Node) -> bool:
        if isinstance(node, Not):
            return not self.holds(node.child)
        return is_true(compiled(node, self.leaf), lambda leaf: 0 in self.batch.positions[leaf])

    def explanation(self) -> Explanation:
        findings = tuple(self.findings(self.query.root))
        if not self.holds(self.query.root):
            verdict, words = self.miss()
            return Explanation(verdict, findings, words)
        traces = [self.batch.traces[leaf, 0] for leaf in evidence(self.program, 0, self.batch)]
        places = sum(trace.places for trace in traces)
        if not matches(self.program, self.gate, self.batch):
            zones = tuple(dict.fromkeys(finding.field for finding in findings))
            return Explanation(Verdict.MENTIONED, findings, zones, places)
        return Explanation(Verdict.MATCHED, findings, (), places, reason(traces))

    def findings(self, node: Node) -> Iterator[Finding]:
        """Every value found that speaks for the article."""
        match node:
            case Value() if self.holds(node):
                yield self.finding(node)
            case Count(_, values):
                for value in values:
                    yield from self.findings(value)
            case And(children) | Or(children):
                for child in children:
                    yield from self.findings(child)

    def finding(self, value: Value) -> Finding:
        part = self.leaf(value)
        trace = self.batch.traces[part, 0]
        around = trace.printed
        if scope_of(part) != Scope.META:
            around = self.batch.readings[0].around(trace.start, trace.end - trace.start)
        return Finding(str(value), RANKS[trace.rank], trace.printed, around, trace.places)

    def miss(self) -> tuple[Verdict, tuple[str, ...]]:
        """What made the query false: an exclusion, the language, or values that are missing."""
        parts = self.query.root.children if isinstance(self.query.root, And) else (self.query.root,)
        false = [part for part in parts if not self.holds(part)]
        missing = [part for part in false if not isinstance(part, Not) and not _is_language(part)]
        if missing:
            return Verdict.MISSING, tuple(str(value) for part in missing for value in self.absent(part))
        excluded = [str(part.child) for part in false if isinstance(part, Not)]
        if excluded:
            return Verdict.EXCLUDED, tuple(excluded)
        return Verdict.OTHER_LANGUAGE, tuple(str(part) for part in false)

    def absent(self, node: Node) -> Iterator[Node]:
        """The parts that would have to be there: of alternatives and counts those that are not."""
        children = node.values if isinstance(node, Count) else getattr(node, "children", ())
        if not children:
            yield node
        for child in children:
            if not self.holds(child):
                yield child


def _is_language(node: Node) -> bool:
    return isinstance(node, Value) and node.field is Field.LANGUAGE
