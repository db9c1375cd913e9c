"""What could make a topic better: at most three changed queries, each with what it would find in the sample."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from digest.matching.health import Health
from digest.matching.preview import per_week
from digest.matching.query import Precision, Query, QueryError, parse_query
from digest.matching.sample import Sample
from digest.matching.spelling import plain
from digest.matching.syntax import And, Field, Node, Not, Or, Shape, Value, alternation, conjunction
from digest.matching.wordlists import all_stop_words

AT_MOST: Final = 3


class Change(StrEnum):
    """What is different from the topic's query."""

    RAREST_DROPPED = "rarest_dropped"
    PHRASE_AS_WORDS = "phrase_as_words"
    STAR_ADDED = "star_added"
    IN_ALL = "in_all"
    IN_LEAD = "in_lead"
    IN_TITLE = "in_title"
    COMPANION_ADDED = "companion_added"


_SENTENCES: Final = MappingProxyType(
    {
        Change.RAREST_DROPPED: ("Ohne das seltenste Wort", "Without its rarest word"),
        Change.PHRASE_AS_WORDS: ("Wörter statt Wendung", "Words instead of a phrase"),
        Change.STAR_ADDED: ("Auch längere Wörter", "Longer words too"),
        Change.IN_ALL: ("Auch wo es nur erwähnt ist", "Also where it is only mentioned"),
        Change.IN_LEAD: ("Nur in Titel und Anfang", "Only in title and lead"),
        Change.IN_TITLE: ("Nur im Titel", "Only in the title"),
        Change.COMPANION_ADDED: (
            "Mit einem Wort, das oft dabeisteht",
            "With a word that often stands there too",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A changed query in canonical form and the articles a week it would bring."""

    change: Change
    query: str
    per_week: float

    def sentence(self, language: str = "en") -> str:
        """What is different, the query, and its yield, in German (`de`) or English."""
        german, english = _SENTENCES[self.change]
        if language.startswith("de"):
            return f"{german}: {self.query} (etwa {self.per_week:.0f} pro Woche)"
        return f"{english}: {self.query} (about {self.per_week:.0f} a week)"


def proposals(query: Query, health: Health, sample: Sample) -> tuple[Proposal, ...]:
    """Changes for a silent topic that find something, or for a noisy one that find less; none for a good one."""
    if health is Health.GOOD:
        return ()
    now = len(sample.hits(query))
    options = _wider(query, sample) if health is Health.SILENT else _narrower(query, sample)
    found: list[Proposal] = []
    for change, option in options:
        hits = len(sample.hits(option))
        is_better = hits > now if health is Health.SILENT else 0 < hits < now
        if is_better:
            found.append(Proposal(change, str(option), per_week(sample, hits)))
    return tuple(found[:AT_MOST])


def _wider(query: Query, sample: Sample) -> Iterator[tuple[Change, Query]]:
    for change, root in (
        (Change.RAREST_DROPPED, _without_rarest(query.root, sample)),
        (Change.PHRASE_AS_WORDS, _changed(query.root, _apart)),
        (Change.STAR_ADDED, _changed(query.root, _starred)),
    ):
        if root is not None and root != query.root:
            yield from _parsed(change, replace(query, root=root))
    if query.within is not Precision.ALL:
        yield from _parsed(Change.IN_ALL, replace(query, within=Precision.ALL))


def _narrower(query: Query, sample: Sample) -> Iterator[tuple[Change, Query]]:
    if query.within is None or query.within is Precision.ALL:
        yield from _parsed(Change.IN_LEAD, replace(query, within=Precision.LEAD))
    if query.within is not Precision.TITLE:
        yield from _parsed(Change.IN_TITLE, replace(query, within=Precision.TITLE))
    companion = _companion(query, sample)
    if companion:
        yield from _parsed(Change.COMPANION_ADDED, replace(query, root=conjunction((query.root, companion))))


def _parsed(change: Change, query: Query) -> Iterator[tuple[Change, Query]]:
    """The query as it would be stored, if it can be."""
    try:
        yield change, parse_query(str(query))
    except QueryError:
        return


def _without_rarest(root: Node, sample: Sample) -> Node | None:
    if not isinstance(root, And):
        return None
    positive = [child for child in root.children if not isinstance(child, Not)]
    if len(positive) < 2:
        return None
    rarest = min(positive, key=lambda child: len(sample.hits(Query(child, Precision.ALL))))
    return conjunction(child for child in root.children if child is not rarest)


def _changed(root: Node, change: Callable[[Value], Node]) -> Node:
    match root:
        case Value():
            return change(root)
        case And(children):
            return conjunction(
                child if isinstance(child, Not) else _changed(child, change) for child in children
            )
        case Or(children):
            return alternation(_changed(child, change) for child in children)
        case _:
            return root


def _apart(value: Value) -> Node:
    words = value.text.split()
    if value.shape is not Shape.QUOTED or len(words) < 2:
        return value
    return conjunction(Value(word, value.field, is_exact=value.is_exact) for word in words)


def _starred(value: Value) -> Node:
    is_plain_word = value.shape is Shape.WORD and value.text.isalpha() and len(value.text) >= 4
    if not is_plain_word or value.is_exact or value.has_star or value.field not in {Field.ANY, Field.TITLE}:
        return value
    return replace(value, star_after=True)


def _companion(query: Query, sample: Sample) -> Value | None:
    """The word that stands most often in the titles of what the query finds."""
    found = {hit.article_id for hit in sample.hits(query)}
    own = plain(str(query))
    counts: Counter[str] = Counter()
    for article in sample.articles:
        reading = article.reading
        if reading.article.id in found:
            title = {token.printed for token in reading.tokens[: reading.title_end - 1]}
            counts.update(word for word in title if _is_content(word) and plain(word) not in own)
    return Value(max(counts, key=lambda word: (counts[word], word))) if counts else None


def _is_content(word: str) -> bool:
    return len(word) >= 4 and word.isalpha() and word.lower() not in all_stop_words()
