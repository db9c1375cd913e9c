"""The grammar of topic queries over the lexemes of one text: a syntax tree, or the reason why there is none."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from digest.matching.errors import QueryError
from digest.matching.hints import ErrorCode, Hint, HintCode
from digest.matching.scan import Lexeme, Scanner, Sign
from digest.matching.spelling import plain
from digest.matching.syntax import (
    And,
    Field,
    Node,
    Not,
    Precision,
    Shape,
    Value,
    alternation,
    conjunction,
    counted,
    has_positive,
)
from digest.matching.wordlists import ignored_words

MAX_VALUES: Final = 32
MAX_DEPTH: Final = 8
MAX_WORD: Final = 64
MAX_STARS: Final = 4
COUNT_VALUES: Final = range(2, 13)

_END: Final = Lexeme(Sign.NOTHING, -1)
_GROUP_ENDS: Final = frozenset({Sign.OR, Sign.SEPARATOR, Sign.CLOSE})
_KEEPS_COMMON_WORDS: Final = frozenset({Field.LANGUAGE, Field.URL, Field.SOURCE})


class Parsed(NamedTuple):
    """The tree of a query, its `in:` if it has one, and the remarks in the order of their discovery."""

    root: Node
    within: Precision | None
    hints: tuple[Hint, ...]


class Parser:
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
    def _next(self) -> Lexeme:
        return self.lexemes[self.index] if self.index < len(self.lexemes) else _END

    def _take(self) -> Lexeme:
        lexeme = self._next
        self.index += 1
        return lexeme

    def parse(self) -> Parsed:
        """The whole query; raises `QueryError` with a place in the cleaned text."""
        parts = self._alternatives()
        if self._next.sign is Sign.CLOSE:
            raise _error(ErrorCode.STRAY_BRACKET, self._next)
        if not parts:
            raise self._nothing()
        if self.within and len(parts) > 1:
            raise _error(ErrorCode.MISPLACED_IN, self.within)
        self._require_positive(parts)
        self._note_partial_exclusions(parts)
        root = alternation(node for _, node in parts)
        return Parsed(root, self.within.precision if self.within else None, tuple(self.scanner.hints))

    def _alternatives(self, kind: Field = Field.ANY) -> list[tuple[Lexeme, Node]]:
        """The parts between OR and commas up to a closing bracket, each with its first lexeme."""
        parts: list[tuple[Lexeme, Node]] = []
        operator: Lexeme | None = None
        while True:
            first = self._next
            node = self._conjunction(kind)
            if node is not None:
                parts.append((first, node))
            end = self._next
            if node is None and Sign.OR in {end.sign, operator.sign if operator else end.sign}:
                raise _error(ErrorCode.EMPTY_ALTERNATIVE, end if end.sign is Sign.OR else operator or end)
            if end.sign not in {Sign.OR, Sign.SEPARATOR}:
                return parts
            operator = self._take()
            self._note_comma(operator, parts)

    def _note_comma(self, operator: Lexeme, parts: Sequence[tuple[Lexeme, Node]]) -> None:
        seen = any(hint.code is HintCode.COMMA_IS_OR for hint in self.scanner.hints)
        if operator.text in {",", ";"} and parts and not seen:
            self.scanner.hint(HintCode.COMMA_IS_OR, operator.position)

    def _conjunction(self, kind: Field) -> Node | None:
        """The atoms up to the next OR, comma or closing bracket; None if there is none."""
        nodes: list[Node] = []
        while self._next is not _END and self._next.sign not in _GROUP_ENDS:
            node = self._unary(kind)
            if node is not None:
                nodes.append(node)
        return conjunction(nodes) if nodes else None

    def _unary(self, kind: Field) -> Node | None:
        lexeme = self._take()
        match lexeme.sign:
            case Sign.NOT:
                return self._exclusion(lexeme, kind)
            case Sign.WITHIN:
                self._direct(lexeme)
                return None
            case Sign.AND | Sign.NOTHING:
                self.ignored = self.ignored or lexeme
                return None
            case _:
                return self._atom(lexeme, kind)

    def _exclusion(self, minus: Lexeme, kind: Field) -> Node | None:
        if self._next is _END or self._next.sign in _GROUP_ENDS or self._next.sign is Sign.NOT:
            self.scanner.hint(HintCode.LONELY_MINUS, minus.position)
            return None
        if self._next.sign is Sign.WITHIN:
            raise _error(ErrorCode.MISPLACED_IN, self._next)
        child = self._atom(self._take(), kind)
        if child is not None and _excludes_only(child):
            raise _error(ErrorCode.ONLY_EXCLUSIONS, minus)
        return None if child is None else Not(child)

    def _direct(self, lexeme: Lexeme) -> None:
        if self.within:
            raise _error(ErrorCode.SECOND_IN, lexeme)
        if self.depth:
            raise _error(ErrorCode.MISPLACED_IN, lexeme)
        self.within = lexeme

    def _atom(self, lexeme: Lexeme, kind: Field) -> Node | None:
        match lexeme.sign:
            case Sign.OPEN:
                return self._group(lexeme, kind)
            case Sign.COUNT:
                return self._count(lexeme, kind)
            case Sign.FIELD:
                return self._in_field(lexeme, kind)
            case Sign.VALUE if lexeme.value:
                return self._checked(lexeme, lexeme.value, kind)
            case _:
                return None

    def _in_field(self, lexeme: Lexeme, kind: Field) -> Node | None:
        if self._next.sign in {Sign.VALUE, Sign.OPEN}:
            return self._atom(self._take(), lexeme.field)
        self.scanner.hint(HintCode.UNKNOWN_FIELD, lexeme.position, lexeme.text)
        return self._checked(lexeme, Value(lexeme.text), kind)

    def _group(self, bracket: Lexeme, kind: Field) -> Node | None:
        self._enter(bracket)
        parts = self._alternatives(kind)
        self._leave(bracket)
        if len(parts) > 1:
            self._require_positive(parts)
        return alternation(node for _, node in parts) if parts else None

    def _enter(self, bracket: Lexeme) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _error(ErrorCode.TOO_DEEP, bracket)

    def _leave(self, bracket: Lexeme) -> None:
        self.depth -= 1
        if self._take().sign is not Sign.CLOSE:
            self.scanner.hint(HintCode.BRACKET_CLOSED, bracket.position)

    def _count(self, lexeme: Lexeme, kind: Field) -> Node:
        self._enter(lexeme)
        found: list[Value] = []
        while self._next is not _END and self._next.sign is not Sign.CLOSE:
            found += self._counted_value(lexeme, kind)
        self._leave(lexeme)
        least = int(lexeme.text[:4])
        if len(set(found)) not in COUNT_VALUES or not 1 <= least <= len(set(found)):
            raise _error(ErrorCode.BAD_COUNT, lexeme)
        return counted(least, found)

    def _counted_value(self, count: Lexeme, kind: Field) -> list[Value]:
        """One value of a count with the comma after it."""
        lexeme = self._take()
        if lexeme.sign is Sign.FIELD and lexeme.field is not Field.LANGUAGE:
            kind, lexeme = lexeme.field, self._take()
        node = self._atom(lexeme, kind) if lexeme.sign is Sign.VALUE else None
        if lexeme.sign not in {Sign.VALUE, Sign.NOTHING} or self._next.sign not in {
            Sign.SEPARATOR,
            Sign.CLOSE,
            _END.sign,
        }:
            raise _error(ErrorCode.BAD_COUNT, count)
        if self._next.sign is Sign.SEPARATOR:
            self._take()
        return [node] if isinstance(node, Value) else []

    def _checked(self, lexeme: Lexeme, value: Value, kind: Field) -> Value | None:
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

    def _require_positive(self, parts: Sequence[tuple[Lexeme, Node]]) -> None:
        for first, node in parts:
            if has_positive(node):
                continue
            if len(parts) > 1:
                raise _error(ErrorCode.EMPTY_ALTERNATIVE, first)
            raise _error(
                ErrorCode.ONLY_EXCLUSIONS if _excludes_only(node) else ErrorCode.ONLY_LANGUAGE, first
            )

    def _nothing(self) -> QueryError:
        if self.ignored and any(letter.isalnum() for letter in self.ignored.text):
            return QueryError(Hint(ErrorCode.ONLY_IGNORED, self.ignored.position, self.ignored.text))
        return QueryError(Hint(ErrorCode.EMPTY, 0))

    def _note_partial_exclusions(self, parts: Sequence[tuple[Lexeme, Node]]) -> None:
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
