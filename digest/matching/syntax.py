"""The syntax tree of a topic's query and its canonical text; the tree knows nothing of articles.

A tree made by `conjunction`, `alternation` and `counted` is flat, distinct and sorted, so equal queries are equal trees
and one text stands for each of them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar


class Field(StrEnum):
    """Where a value is looked for; `ANY` is title, categories, lead and body."""

    ANY = "any"
    TITLE = "title"
    CATEGORY = "category"
    SOURCE = "source"
    AUTHOR = "author"
    URL = "url"
    LANGUAGE = "lang"


TEXT_FIELDS = frozenset({Field.ANY, Field.TITLE, Field.CATEGORY})


class Precision(StrEnum):
    """How much evidence makes a mention a match: `in:title`, `in:lead`, nothing said, `in:all`."""

    TITLE = "title"
    LEAD = "lead"
    NORMAL = "normal"
    ALL = "all"


class Shape(StrEnum):
    """How a value was written."""

    WORD = "word"
    QUOTED = "quoted"


@dataclass(frozen=True, slots=True)
class Value:
    """One thing to find: its text as typed (NFKC), where, and how strictly."""

    text: str
    field: Field = Field.ANY
    shape: Shape = Shape.WORD
    is_exact: bool = False
    star_before: bool = False
    star_after: bool = False

    @property
    def has_star(self) -> bool:
        """Whether only a part of a word is given."""
        return self.star_before or self.star_after

    def __str__(self) -> str:
        """Return the value as it is typed."""
        text = f'"{self.text}"' if self.shape is Shape.QUOTED else self.text
        text = f"{'=' * self.is_exact}{'*' * self.star_before}{text}{'*' * self.star_after}"
        return text if self.field is Field.ANY else f"{self.field.value}:{text}"


@dataclass(frozen=True, slots=True)
class Not:
    """The child must not occur."""

    child: "Node"

    def __str__(self) -> str:
        """Return the exclusion as it is typed."""
        return f"-{_bracketed(self.child)}"


@dataclass(frozen=True, slots=True)
class And:
    """All children must hold: at least two, positive ones first."""

    children: tuple["Node", ...]

    def __str__(self) -> str:
        """Return the children one after the other."""
        return " ".join(_bracketed(child) if isinstance(child, Or) else str(child) for child in self.children)


@dataclass(frozen=True, slots=True)
class Or:
    """One child must hold: at least two."""

    children: tuple["Node", ...]

    def __str__(self) -> str:
        """Return the alternatives."""
        return " OR ".join(str(child) for child in self.children)


@dataclass(frozen=True, slots=True)
class Count:
    """At least `least` of the values must hold: more than one, fewer than all."""

    least: int
    values: tuple[Value, ...]

    def __str__(self) -> str:
        """Return the count as it is typed."""
        return f"{self.least} OF ({', '.join(str(value) for value in self.values)})"


Node = Value | Not | And | Or | Count


def conjunction(nodes: Iterable[Node]) -> Node:
    """All of the nodes, in canonical shape."""
    return _joined(nodes, And)


def alternation(nodes: Iterable[Node]) -> Node:
    """One of the nodes, in canonical shape."""
    return _joined(nodes, Or)


def counted(least: int, values: Iterable[Value]) -> Node:
    """At least `least` of the distinct values; 1 OF is OR, n OF n is AND."""
    distinct = _ordered(set(values))
    if least == 1:
        return alternation(distinct)
    if least == len(distinct):
        return conjunction(distinct)
    return Count(least, tuple(distinct))


def values(node: Node) -> Iterator[Value]:
    """Every value of the tree, excluded ones too, in order."""
    match node:
        case Value():
            yield node
        case Not(child):
            yield from values(child)
        case Count():
            yield from node.values
        case And(children) | Or(children):
            for child in children:
                yield from values(child)


def has_positive(node: Node) -> bool:
    """Whether some value must occur for the tree to hold; a language is no such value."""
    match node:
        case Value():
            return node.field is not Field.LANGUAGE
        case Not():
            return False
        case Count():
            return True
        case And(children):
            return any(has_positive(child) for child in children)
        case Or(children):
            return all(has_positive(child) for child in children)


_Part = TypeVar("_Part", bound=Node)


def _joined(nodes: Iterable[Node], kind: type[And] | type[Or]) -> Node:
    flat: set[Node] = set()
    for node in nodes:
        flat.update(node.children if isinstance(node, kind) else (node,))
    children = tuple(_ordered(flat))
    return children[0] if len(children) == 1 else kind(children)


def _ordered(nodes: Iterable[_Part]) -> list[_Part]:
    return sorted(nodes, key=lambda node: (isinstance(node, Not), str(node)))


def _bracketed(node: Node) -> str:
    return f"({node})" if isinstance(node, And | Or) else str(node)
