"""A query as a small program: a leaf is one number, an atom's number and where it counts; branches are tuples.

So equal queries are equal programs, and a million of them fit in memory. A program is answered for a whole batch by sets
of articles, and for one article leaf by leaf.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias, Union

from digest.matching.syntax import And, Count, Field, Node, Not, Or, Value


class Scope(IntEnum):
    """Where a leaf's places count: the low bits of its number."""

    TEXT = 0
    TITLE = 1
    CATEGORY = 2
    META = 3


class Operator(IntEnum):
    """What a branch does with its children."""

    ALL = 0
    ANY = 1
    NONE = 2
    LEAST = 3


Program: TypeAlias = Union[int, "Branch"]


class Branch(NamedTuple):
    """An operator over programs; `least` counts only for `LEAST`."""

    operator: Operator
    children: tuple[Program, ...]
    least: int = 0


_NO_ARTICLES: Final[frozenset[int]] = frozenset()
SCOPE_BITS: Final = 2
SCOPE_MASK: Final = 3
_SCOPES: Final = {Field.ANY: Scope.TEXT, Field.TITLE: Scope.TITLE, Field.CATEGORY: Scope.CATEGORY}


def leaf(atom: int, field: Field) -> int:
    """The program that holds where an atom stands in a field."""
    return atom << SCOPE_BITS | _SCOPES.get(field, Scope.META)


def atom_of(program: int) -> int:
    """The atom's number of a leaf."""
    return program >> SCOPE_BITS


def scope_of(program: int) -> int:
    """Where a leaf's places count, as a `Scope`."""
    return program & SCOPE_MASK


def compiled(node: Node, leaf_of: Callable[[Value], int]) -> Program:
    """The program of a syntax tree; `leaf_of` gives the leaf of each value."""
    match node:
        case Value():
            return leaf_of(node)
        case Not(child):
            return Branch(Operator.NONE, (compiled(child, leaf_of),))
        case Count(least, values):
            return _branch(Operator.LEAST, (leaf_of(value) for value in values), least)
        case And(children):
            return _branch(Operator.ALL, (compiled(child, leaf_of) for child in children))
        case Or(children):
            return _branch(Operator.ANY, (compiled(child, leaf_of) for child in children))


def _branch(operator: Operator, children: Iterable[Program], least: int = 0) -> Program:
    """Values of different spelling may be one atom; a count still counts each of them."""
    parts = tuple(sorted(children if operator is Operator.LEAST else set(children), key=_order))
    return parts[0] if len(parts) == 1 else Branch(operator, parts, least)


def _order(program: Program) -> tuple[int, str]:
    return (0, str(program)) if isinstance(program, Branch) else (program, "")


def leaves(program: Program) -> Iterator[int]:
    """Every leaf, excluded ones too."""
    if not isinstance(program, Branch):
        yield program
        return
    for child in program.children:
        yield from leaves(child)


def articles(program: Program, of_leaf: Callable[[int], Set[int]]) -> Set[int]:
    """The articles in which a program is true; `of_leaf` knows those of each leaf."""
    if not isinstance(program, Branch):
        return of_leaf(program)
    match program.operator:
        case Operator.ALL:
            return _in_all(program.children, of_leaf)
        case Operator.ANY:
            return set[int]().union(*[articles(child, of_leaf) for child in program.children])
        case Operator.LEAST:
            return _in_least(program.least, [articles(child, of_leaf) for child in program.children])
        case Operator.NONE:
            raise AssertionError("an exclusion stands beside something that must occur")


def _in_all(children: Sequence[Program], of_leaf: Callable[[int], Set[int]]) -> Set[int]:
    found: Set[int] | None = None
    for child in children:
        if _is_exclusion(child):
            continue
        more = articles(child, of_leaf)
        found = more if found is None else found & more
        if not found:
            return _NO_ARTICLES
    for child in children:
        if _is_exclusion(child):
            found = (found or _NO_ARTICLES) - _excluded(child, of_leaf)
    return found or _NO_ARTICLES


def _is_exclusion(program: Program) -> bool:
    return isinstance(program, Branch) and program.operator is Operator.NONE


def _excluded(program: Program, of_leaf: Callable[[int], Set[int]]) -> Set[int]:
    return articles(program.children[0], of_leaf) if isinstance(program, Branch) else _NO_ARTICLES


def _in_least(least: int, sets: Iterable[Set[int]]) -> Set[int]:
    """What is in at least so many of the sets: `reached[n]` is in n + 1 of those seen."""
    reached: list[set[int]] = [set() for _ in range(least)]
    for found in sets:
        for count in range(least - 1, 0, -1):
            reached[count] |= reached[count - 1] & found
        reached[0] |= found
    return reached[-1]


def anchors(program: Program, cost: Callable[[int], float]) -> tuple[int, ...]:
    """Leaves of which every match holds at least one, the cheapest choice; never empty for a parsed query.

    Speed only: which leaves are chosen changes how often a program is looked at, never its result.
    """
    return _anchors(program, cost)[1] if isinstance(program, Branch) else (program,)


def _anchors(program: Program, cost: Callable[[int], float]) -> tuple[float, tuple[int, ...]]:
    if not isinstance(program, Branch):
        return cost(program), (program,)
    if program.operator is Operator.NONE:
        return float("inf"), ()
    options = sorted(_anchors(child, cost) for child in program.children)
    match program.operator:
        case Operator.ALL:
            return options[0]
        case Operator.LEAST:
            options = options[: len(options) - program.least + 1]
    return sum(price for price, _ in options), tuple(
        dict.fromkeys(leaf for _, found in options for leaf in found)
    )


def true_leaves(program: Branch, holds: Callable[[int], bool]) -> list[int]:
    """The leaves whose places are the evidence in one article where the program is true, each once."""
    found: list[int] = []
    must_hold = program.operator is Operator.ALL
    for child in program.children:
        if not isinstance(child, Branch):
            if must_hold or holds(child):
                found.append(child)
        elif child.operator is not Operator.NONE and (must_hold or is_true(child, holds)):
            found += true_leaves(child, holds)
    return list(dict.fromkeys(found)) if len(found) > 1 else found


def is_true(program: Program, holds: Callable[[int], bool]) -> bool:
    """Whether a program is true in one article."""
    if not isinstance(program, Branch):
        return holds(program)
    return _decided(program, (is_true(child, holds) for child in program.children))


def asks_no_text(program: Program, holds: Callable[[int], bool]) -> bool:
    """Whether a program that is true in one article is true by a part that speaks of no text."""
    if not isinstance(program, Branch):
        return scope_of(program) == Scope.META and holds(program)
    if program.operator is Operator.NONE:
        return is_true(program, holds)
    return _decided(program, (asks_no_text(child, holds) for child in program.children))


def _decided(program: Branch, truths: Iterator[bool]) -> bool:
    match program.operator:
        case Operator.ALL:
            return all(truths)
        case Operator.ANY:
            return any(truths)
        case Operator.NONE:
            return not any(truths)
        case Operator.LEAST:
            return sum(truths) >= program.least
