"""What a query means, read naively: walk its syntax tree over one article.

It shares parser and analyzer with the product and nothing else: no index, no bit sets, no batch. Slow on purpose.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import fsum, log
from typing import NamedTuple

from digest.matching.article import Reading, Zone
from digest.matching.atoms import atom
from digest.matching.engine import Hit
from digest.matching.frequencies import Frequencies
from digest.matching.query import Precision, Query
from digest.matching.spelling import plain
from digest.matching.syntax import And, Count, Field, Node, Not, Or, Value
from digest.matching.text import Token, closed_forms, is_abbreviation, plain_forms, value_forms, value_parts

WEIGHTS = {Zone.TITLE: 3.0, Zone.CATEGORY: 2.5, Zone.LEAD: 2.0, Zone.BODY: 1.0}
NAMES = ["title", "category", "lead", "body", "source", "author", "url", "language"]


class Place(NamedTuple):
    start: int
    length: int


@dataclass(frozen=True)
class Part:
    """One true positive value: its identity, its places in the text, or what it names outside of it."""

    identity: tuple[object, ...]
    places: tuple[Place, ...]
    weight: float
    named: tuple[int, str] | None = None


class Naive:
    """One article and one query."""

    def __init__(
        self,
        query: Query,
        reading: Reading,
        *,
        languages: tuple[str, ...] = ("de", "en"),
        precision: Precision = Precision.NORMAL,
        frequencies: Frequencies | None = None,
    ) -> None:
        self.query = query
        self.reading = reading
        self.languages = languages
        self.language = reading.language if reading.language in languages else ""
        self.gate = query.within or precision
        self.frequencies = frequencies or Frequencies()
        self.closed = dict(reading.closed)
        self._parts: dict[Value, Part | None] = {}

    def hit(self, topic_id: int) -> Hit | None:
        if not self.is_true(self.query.root) or not self.passes():
            return None
        return Hit(self.reading.article.id, topic_id, *self.reason())

    # truth

    def is_true(self, node: Node) -> bool:
        match node:
            case Value():
                return self.part(node) is not None
            case Not(child):
                return not self.is_true(child)
            case And(children):
                return all(self.is_true(child) for child in children)
            case Or(children):
                return any(self.is_true(child) for child in children)
            case Count(least, values):
                return sum(self.is_true(value) for value in values) >= least

    def evidence(self, node: Node) -> Iterator[Part]:
        """The true positive values that make a true node true."""
        if isinstance(node, Not) or not self.is_true(node):
            return
        if isinstance(node, Value):
            part = self.part(node)
            assert part is not None
            yield part
        for child in node.values if isinstance(node, Count) else getattr(node, "children", ()):
            yield from self.evidence(child)

    # gate

    def passes(self) -> bool:
        if self.gate is Precision.ALL or self.asks_no_text(self.query.root):
            return True
        places = [place for part in self.parts() for place in part.places]
        zones = {self.reading.zone(place.start) for place in places}
        near = (
            {Zone.TITLE, Zone.CATEGORY}
            if self.gate is Precision.TITLE
            else {Zone.TITLE, Zone.CATEGORY, Zone.LEAD}
        )
        return bool(zones & near) or (self.gate is Precision.NORMAL and len(places) >= 3)

    def asks_no_text(self, node: Node) -> bool:
        """Whether the node is true by a part that speaks of no text."""
        match node:
            case Value():
                return self.is_true(node) and node.field not in {Field.ANY, Field.TITLE, Field.CATEGORY}
            case And(children):
                return all(isinstance(child, Not) or self.asks_no_text(child) for child in children)
            case Or(children):
                return any(self.is_true(child) and self.asks_no_text(child) for child in children)
            case Count(least, values):
                return sum(self.asks_no_text(value) for value in values) >= least
            case _:
                return True

    def parts(self) -> list[Part]:
        return list({part.identity: part for part in self.evidence(self.query.root)}.values())

    # reason

    def reason(self) -> tuple[str, str, float]:
        parts = self.parts()
        ranked = [(self.rank(part), part) for part in parts]
        best = min(rank for rank, _ in ranked)
        shown = sorted(
            (part.places[0].start, -part.places[0].start - part.places[0].length, self.printed(part))
            if part.places
            else (0, 0, self.printed(part))
            for rank, part in ranked
            if rank == best
        )
        score = fsum(part.weight for part in parts)
        return NAMES[best], self.listed(shown), round(score or 1.0, 4)

    def rank(self, part: Part) -> int:
        if part.named:
            return part.named[0]
        return NAMES.index(self.reading.zone(part.places[0].start).value)

    def printed(self, part: Part) -> str:
        if part.named:
            return part.named[1]
        return self.reading.printed(part.places[0].start, part.places[0].length)

    @staticmethod
    def listed(shown: list[tuple[int, int, str]]) -> str:
        term, reached = "", 0
        for start, minus_end, printed in shown:
            if start < reached:
                continue
            longer = f"{term}, {printed}" if term else printed
            if len(longer) > 60:
                return term or longer[:60]
            term, reached = longer, -minus_end
        return term

    # values

    def part(self, value: Value) -> Part | None:
        if value not in self._parts:
            self._parts[value] = self._found(value)
        return self._parts[value]

    def _found(self, value: Value) -> Part | None:
        identity = (atom(value, self.languages), value.field)
        if value.field not in {Field.ANY, Field.TITLE, Field.CATEGORY}:
            named = self.named(value)
            return None if named is None else Part(identity, (), 0.0, named)
        places = tuple(place for place in self.places(value) if self.is_inside(value.field, place.start))
        if not places:
            return None
        zone = WEIGHTS[self.reading.zone(places[0].start)] + 0.5 * (len(places) >= 3)
        return Part(identity, places, zone * self.idf(value))

    def is_inside(self, field: Field, position: int) -> bool:
        zone = self.reading.zone(position)
        return field is Field.ANY or zone.value == field.value

    def idf(self, value: Value) -> float:
        if not self.frequencies.articles:
            return 1.0
        parts, _ = value_parts(value.text)
        if value.has_star:
            found = self.frequencies.df("".join(map(plain, parts)))
        else:
            exact = value.is_exact or (len(parts) == 1 and is_abbreviation(parts[0]))
            found = min(
                max(self.frequencies.df(form) for form in (plain_forms(part) if exact else self.forms(part)))
                for part in parts
            )
        return log(1 + self.frequencies.articles / (1 + found))

    def forms(self, part: str) -> tuple[str, ...]:
        return _forms(part, self.language)

    def places(self, value: Value) -> list[Place]:
        found: dict[int, int] = {}
        parts, is_hyphen_word = value_parts(value.text)
        for start in range(len(self.reading.tokens)):
            group = self.reading.closed_lengths.get(start, 0)
            length = self.length(value, parts, start, group, is_hyphen_word=is_hyphen_word)
            if length:
                found[start] = length
        return [Place(start, length) for start, length in sorted(found.items())]

    def length(self, value: Value, parts: list[str], start: int, group: int, *, is_hyphen_word: bool) -> int:
        """How many tokens a value covers at a position; 0 if it does not stand there."""
        if value.has_star:
            return self.starred_length(value, parts, start, group)
        if self.stands(value, parts, start):
            return len(parts)
        token, closed = self.reading.tokens[start], self.closed.get(start)
        if len(parts) == 1:
            return group if closed and self.meets(value, parts[0], closed, alone=True) else 0
        wanted = (
            set(closed_forms(parts, self.forms(parts[-1])))
            if is_hyphen_word and not value.is_exact
            else set()
        )
        if wanted & set(token.forms):
            return 1
        return group if closed and wanted & set(closed.forms) else 0

    def starred_length(self, value: Value, parts: list[str], start: int, group: int) -> int:
        tokens, closed = self.reading.tokens, self.closed.get(start)
        if self.fits(value, parts, tokens[start]):
            return 1
        is_inner = any(self.fits(value, parts, token) for token in tokens[start : start + group])
        return group if closed and self.fits(value, parts, closed) and not is_inner else 0

    def stands(self, value: Value, parts: list[str], start: int) -> bool:
        tokens = self.reading.tokens[start : start + len(parts)]
        return len(tokens) == len(parts) and all(
            self.meets(value, part, token, alone=len(parts) == 1)
            for part, token in zip(parts, tokens, strict=True)
        )

    def meets(self, value: Value, part: str, token: Token, *, alone: bool) -> bool:
        if alone and is_abbreviation(part):
            return token.is_capitals and not set(_plain_forms(part)).isdisjoint(token.plain)
        if value.is_exact:
            return not set(_plain_forms(part)).isdisjoint(token.plain)
        return not set(self.forms(part)).isdisjoint(token.forms)

    @staticmethod
    def fits(value: Value, parts: list[str], token: Token) -> bool:
        core = "".join(map(plain, parts))
        return any(_fits(value, core, form) for form in token.forms)

    def named(self, value: Value) -> tuple[int, str] | None:
        """The rank and the words of a value about source, author, address or language."""
        meta, article = self.reading.meta, self.reading.article
        if value.field is Field.LANGUAGE:
            return (7, self.reading.language) if value.text == self.reading.language else None
        rank, rows, shown = {
            Field.SOURCE: (4, (meta.source,), article.source),
            Field.AUTHOR: (5, meta.authors, article.author),
            Field.URL: (6, (meta.url,), ""),
        }[value.field]
        parts, _ = value_parts(value.text)
        wanted = tuple(plain_forms(part)[0] for part in parts)
        if value.has_star:
            for token in (token for row in rows for token in row):
                if _fits(value, "".join(map(plain, parts)), token):
                    return rank, token
            return None
        for row in rows:
            if any(row[at : at + len(wanted)] == wanted for at in range(len(row))):
                return rank, " ".join(shown.split()) if shown else " ".join(wanted)
        host = value.text.lower().removeprefix("www.")
        if value.field is Field.SOURCE and "." in host and f".{meta.host}".endswith(f".{host}"):
            return rank, meta.host
        return None


_forms = cache(value_forms)
_plain_forms = cache(plain_forms)


def _fits(value: Value, core: str, form: str) -> bool:
    if value.star_before and value.star_after:
        return core in form
    return form.endswith(core) if value.star_before else form.startswith(core)
