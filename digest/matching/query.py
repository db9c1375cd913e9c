"""Topic queries: text to `Query` and back; pure, and whatever the text, only `QueryError` is raised.

`str(query)` is the canonical form; `parse_query(str(query)) == query`. What a writer may have meant differently is in
`query.hints`, which take no part in equality. The language is described in docs/reference/queries.md.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from digest.matching.errors import QueryError
from digest.matching.hints import ErrorCode, Hint, HintCode
from digest.matching.scan import Lexeme, Scanner, Sign
from digest.matching.spelling import clean, plain
from digest.matching.syntax import (
    And,
    Field,
    Node,
    Not,
    Or,
    Precision,
    Shape,
    Value,
    alternation,
    conjunction,
    counted,
    has_positive,
)
from digest.matching.wordlists import ignored_words

__all__ = ["Field", "Node", "Precision", "Query", "QueryError", "parse_query"]

MAX_LENGTH: Final = 512
MAX_VALUES: Final = 32
MAX_DEPTH: Final = 8
MAX_WORD: Final = 64
MAX_STARS: Final = 4
COUNT_VALUES: Final = range(2, 13)

_END: Final = Lexeme(Sign.NOTHING, -1)
_GROUP_ENDS: Final = frozenset({Sign.OR, Sign.SEPARATOR, Sign.CLOSE})
_KEEPS_COMMON_WORDS: Final = frozenset({Field.LANGUAGE, Field.URL, Field.SOURCE})


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: what must be found, and how much evidence is asked for (`None`: the usual)."""

    root: Node
    within: Precision | None = None
    hints: tuple[Hint, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        """Return the canonical form."""
        if self.within is None:
            return str(self.root)
        root = f"({self.root})" if isinstance(self.root, Or) else str(self.root)
        return f"{root} in:{self.within.value}"


def parse_query(text: str) -> Query:
    """Read a typed query; raises `QueryError(position, hint)` and nothing else."""
    if len(text) > MAX_LENGTH:
        raise QueryError(Hint(ErrorCode.TOO_LONG, MAX_LENGTH))
    cleaned = _cleaned(text)
    try:
        query = _Parser(cleaned).parse()
    except QueryError as error:
        raise QueryError(_as_typed(error.reason, text)) from None
    return replace(query, hints=tuple(_as_typed(hint, text) for hint in query.hints))


def _cleaned(text: str) -> str:
    cleaned = clean(text)
    if cleaned.isprintable():
        return cleaned
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in cleaned)


def _as_typed(hint: Hint, text: str) -> Hint:
    """The hint with its place in the typed text: cleaning may shorten or lengthen what stands before it."""
    if text.isascii():
        return hint
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(clean(text[:middle])) <= hint.position else (low, middle - 1)
    return replace(hint, position=low)


class _Parser:
    """One pass over the lexemes of one query."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.scanner = Scanner(text)
        self.lexemes = list(self.scanner.lexemes())
        self.index = 0
        self.depth = 0
        self.values = 0
        self.stars = 0
        self.within: Lexeme | None = None
        self.ignored: Lexeme | None = None

    @property
    def next(self) -> Lexeme:
        return self.lexemes[self.index] if self.index < len(self.lexemes) else _END

    def take(self) -> Lexeme:
        lexeme = self.next
        self.index += 1
        return lexeme

    def parse(self) -> Query:
        parts = self.alternatives()
        if self.next.sign is Sign.CLOSE:
            raise _error(ErrorCode.STRAY_BRACKET, self.next)
        if not parts:
            raise self.nothing()
        if self.within and len(parts) > 1:
            raise _error(ErrorCode.MISPLACED_IN, self.within)
        self.require_positive(parts)
        self.note_partial_exclusions(parts)
        query = Query(
            alternation(node for _, node in parts),
            self.within.precision if self.within else None,
            tuple(sorted(self.scanner.hints, key=lambda hint: hint.position)),
        )
        if len(str(query)) > MAX_LENGTH:
            raise QueryError(Hint(ErrorCode.TOO_LONG, len(self.text)))
        return query

    def alternatives(self, kind: Field = Field.ANY) -> list[tuple[Lexeme, Node]]:
        """The parts between OR and commas up to a closing bracket, each with its first lexeme."""
        parts: list[tuple[Lexeme, Node]] = []
        operator: Lexeme | None = None
        while True:
            first = self.next
            node = self.conjunction(kind)
            if node is not None:
                parts.append((first, node))
            end = self.next
            if node is None and Sign.OR in {end.sign, operator.sign if operator else end.sign}:
                raise _error(ErrorCode.EMPTY_ALTERNATIVE, end if end.sign is Sign.OR else operator or end)
            if end.sign not in {Sign.OR, Sign.SEPARATOR}:
                return parts
            operator = self.take()
            self.note_comma(operator, parts)

    def note_comma(self, operator: Lexeme, parts: Sequence[tuple[Lexeme, Node]]) -> None:
        seen = any(hint.code is HintCode.COMMA_IS_OR for hint in self.scanner.hints)
        if operator.text in {",", ";"} and parts and not seen:
            self.scanner.hint(HintCode.COMMA_IS_OR, operator.position)

    def conjunction(self, kind: Field) -> Node | None:
        """The atoms up to the next OR, comma or closing bracket; None if there is none."""
        nodes: list[Node] = []
        while self.next is not _END and self.next.sign not in _GROUP_ENDS:
            node = self.unary(kind)
            if node is not None:
                nodes.append(node)
        return conjunction(nodes) if nodes else None

    def unary(self, kind: Field) -> Node | None:
        lexeme = self.take()
        match lexeme.sign:
            case Sign.NOT:
                return self.exclusion(lexeme, kind)
            case Sign.WITHIN:
                self.direct(lexeme)
                return None
            case Sign.AND | Sign.NOTHING:
                self.ignored = self.ignored or lexeme
                return None
            case _:
                return self.atom(lexeme, kind)

    def exclusion(self, minus: Lexeme, kind: Field) -> Node | None:
        if self.next is _END or self.next.sign in _GROUP_ENDS or self.next.sign is Sign.NOT:
            self.scanner.hint(HintCode.LONELY_MINUS, minus.position)
            return None
        if self.next.sign is Sign.WITHIN:
            raise _error(ErrorCode.MISPLACED_IN, self.next)
        child = self.atom(self.take(), kind)
        if child is not None and _excludes_only(child):
            raise _error(ErrorCode.ONLY_EXCLUSIONS, minus)
        return None if child is None else Not(child)

    def direct(self, lexeme: Lexeme) -> None:
        if self.within:
            raise _error(ErrorCode.SECOND_IN, lexeme)
        if self.depth:
            raise _error(ErrorCode.MISPLACED_IN, lexeme)
        self.within = lexeme

    def atom(self, lexeme: Lexeme, kind: Field) -> Node | None:
        match lexeme.sign:
            case Sign.OPEN:
                return self.group(lexeme, kind)
            case Sign.COUNT:
                return self.count(lexeme, kind)
            case Sign.FIELD:
                return self.in_field(lexeme, kind)
            case Sign.VALUE if lexeme.value:
                return self.checked(lexeme, lexeme.value, kind)
            case _:
                return None

    def in_field(self, lexeme: Lexeme, kind: Field) -> Node | None:
        if self.next.sign in {Sign.VALUE, Sign.OPEN}:
            return self.atom(self.take(), lexeme.field)
        self.scanner.hint(HintCode.UNKNOWN_FIELD, lexeme.position, lexeme.text)
        return self.checked(lexeme, Value(lexeme.text), kind)

    def group(self, bracket: Lexeme, kind: Field) -> Node | None:
        self.enter(bracket)
        parts = self.alternatives(kind)
        self.leave(bracket)
        if len(parts) > 1:
            self.require_positive(parts)
        return alternation(node for _, node in parts) if parts else None

    def enter(self, bracket: Lexeme) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _error(ErrorCode.TOO_DEEP, bracket)

    def leave(self, bracket: Lexeme) -> None:
        self.depth -= 1
        if self.take().sign is not Sign.CLOSE:
            self.scanner.hint(HintCode.BRACKET_CLOSED, bracket.position)

    def count(self, lexeme: Lexeme, kind: Field) -> Node:
        self.enter(lexeme)
        found: list[Value] = []
        while self.next is not _END and self.next.sign is not Sign.CLOSE:
            found += self.counted_value(lexeme, kind)
        self.leave(lexeme)
        least = int(lexeme.text[:4])
        if len(set(found)) not in COUNT_VALUES or not 1 <= least <= len(set(found)):
            raise _error(ErrorCode.BAD_COUNT, lexeme)
        return counted(least, found)

    def counted_value(self, count: Lexeme, kind: Field) -> list[Value]:
        """One value of a count with the comma after it."""
        lexeme = self.take()
        if lexeme.sign is Sign.FIELD and lexeme.field is not Field.LANGUAGE:
            kind, lexeme = lexeme.field, self.take()
        node = self.atom(lexeme, kind) if lexeme.sign is Sign.VALUE else None
        if lexeme.sign not in {Sign.VALUE, Sign.NOTHING} or self.next.sign not in {
            Sign.SEPARATOR,
            Sign.CLOSE,
            _END.sign,
        }:
            raise _error(ErrorCode.BAD_COUNT, count)
        if self.next.sign is Sign.SEPARATOR:
            self.take()
        return [node] if isinstance(node, Value) else []

    def checked(self, lexeme: Lexeme, value: Value, kind: Field) -> Value | None:
        """The value in its field and within the limits, or None for a word too common to search."""
        if (
            value.text in ignored_words()
            and value.shape is Shape.WORD
            and not (value.is_exact or value.has_star or kind in _KEEPS_COMMON_WORDS)
        ):
            self.scanner.hint(HintCode.IGNORED_WORD, lexeme.position, value.text)
            self.ignored = self.ignored or lexeme
            return None
        self.values += 1
        self.stars += value.star_before + value.star_after
        for is_over, code in (
            (self.values > MAX_VALUES, ErrorCode.TOO_MANY_VALUES),
            (self.stars > MAX_STARS, ErrorCode.TOO_MANY_STARS),
            (max(map(len, value.text.split())) > MAX_WORD, ErrorCode.LONG_WORD),
            (_has_short_star(value), ErrorCode.STAR_TOO_SHORT),
        ):
            if is_over:
                raise _error(code, lexeme)
        return _in_field(value, kind)

    def require_positive(self, parts: Sequence[tuple[Lexeme, Node]]) -> None:
        for first, node in parts:
            if has_positive(node):
                continue
            if len(parts) > 1:
                raise _error(ErrorCode.EMPTY_ALTERNATIVE, first)
            raise _error(
                ErrorCode.ONLY_EXCLUSIONS if _excludes_only(node) else ErrorCode.ONLY_LANGUAGE, first
            )

    def nothing(self) -> QueryError:
        if self.ignored and any(letter.isalnum() for letter in self.ignored.text):
            return QueryError(Hint(ErrorCode.ONLY_IGNORED, self.ignored.position, self.ignored.text))
        return QueryError(Hint(ErrorCode.EMPTY, 0))

    def note_partial_exclusions(self, parts: Sequence[tuple[Lexeme, Node]]) -> None:
        if len(parts) < 2:
            return
        for first, node in parts:
            for child in node.children if isinstance(node, And) else ():
                if isinstance(child, Not):
                    self.scanner.hint(HintCode.PARTIAL_EXCLUSION, first.position, str(child))


def _error(code: ErrorCode, lexeme: Lexeme) -> QueryError:
    return QueryError(Hint(code, max(lexeme.position, 0), lexeme.text))


def _excludes_only(node: Node) -> bool:
    parts = node.children if isinstance(node, And) else (node,)
    return all(isinstance(part, Not) for part in parts)


def _has_short_star(value: Value) -> bool:
    letters = sum(letter.isalnum() for letter in value.text)
    return value.has_star and letters < (4 if value.star_before and value.star_after else 3)


def _in_field(value: Value, kind: Field) -> Value:
    """The value as its field compares it: a language is a primary tag, and only text fields know exactness."""
    if kind is Field.LANGUAGE:
        tag = re.match(r"[^\W_]+", plain(value.text))
        return Value(tag.group() if tag else "und", kind)
    if kind in {Field.SOURCE, Field.AUTHOR, Field.URL}:
        return replace(value, field=kind, is_exact=False)
    return replace(value, field=kind)
