"""A query as a small program: a leaf is one number, an atom's number and where it counts; branches are tuples.

So equal queries are equal programs, and a million of them fit in memory. A program is answered for a whole batch by bit
sets of articles, and for one article leaf by leaf.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from enum import IntEnum
from functools import reduce
from operator import and_
from typing import Final, NamedTuple, TypeAlias

from digest.matching.syntax import And, Count, Field, Node, Not, Or, Value


class Scope(IntEnum):
    """Where a leaf's places count: the low bits of its number."""

    TEXT = 0
    TITLE = 1
    CATEGORY = 2
    META = 3


class Operator(IntEnum):
    """What a branch asks of its children."""

    ALL = 0
    LEAST = 1
    """At least so many: one of them is an alternative."""


class Flat(NamedTuple):
    """An operator over leaves, each once: nearly all queries are of this kind, and they are quicker to answer.

    `least` counts for `LEAST`; `excluded` stands beside `ALL`.
    """

    operator: Operator
    children: tuple[int, ...]
    least: int
    excluded: tuple[int, ...]


class Branch(NamedTuple):
    """An operator over any programs."""

    operator: Operator
    children: tuple["Program", ...]
    least: int
    excluded: tuple["Program", ...]


Program: TypeAlias = int | Flat | Branch


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
        case Count(least, values):
            return _branch(Operator.LEAST, [leaf_of(value) for value in values], least=least)
        case And(children):
            kept = [compiled(child, leaf_of) for child in children if not isinstance(child, Not)]
            excluded = [compiled(child.child, leaf_of) for child in children if isinstance(child, Not)]
            return _branch(Operator.ALL, set(kept), excluded=excluded)
        case Or(children):
            return _branch(Operator.LEAST, {compiled(child, leaf_of) for child in children}, least=1)
        case Not():
            raise AssertionError("an exclusion stands beside something that must occur")


def _branch(
    operator: Operator, children: Collection[Program], *, least: int = 0, excluded: Iterable[Program] = ()
) -> Program:
    """Values of different spelling may be one atom; a count still counts each of them."""
    parts = tuple(sorted(children, key=_order))
    without = tuple(sorted(set(excluded), key=_order))
    if len(parts) == 1 and not without:
        return parts[0]
    found = [one for one in (*parts, *without) if isinstance(one, int)]
    if len(set(found)) == len(parts) + len(without):
        return Flat(operator, tuple(found[: len(parts)]), least, tuple(found[len(parts) :]))
    return Branch(operator, parts, least, without)


def _order(program: Program) -> tuple[int, str]:
    return (program, "") if isinstance(program, int) else (0, str(program))


def leaves(program: Program) -> Iterator[int]:
    """Every leaf, excluded ones too."""
    if isinstance(program, int):
        yield program
        return
    for child in (*program.children, *program.excluded):
        yield from leaves(child)


def articles(program: Program, masks: Mapping[int, int]) -> int:
    """The articles in which a program is true, as a bit set; `masks` knows those of each leaf."""
    if isinstance(program, int):
        return masks[program]
    sets = (articles(child, masks) for child in program.children)
    if program.operator is Operator.LEAST:
        return in_least(program.least, sets)
    found = reduce(and_, sets)
    for child in program.excluded:
        found &= ~articles(child, masks)
    return found


def in_least(least: int, sets: Iterable[int]) -> int:
    """What is in at least so many of the bit sets: `reached[n]` is in n + 1 of those seen."""
    reached = [0] * least
    for found in sets:
        if found:
            for count in range(least - 1, 0, -1):
                reached[count] |= reached[count - 1] & found
            reached[0] |= found
    return reached[-1]


def anchors(program: Program, cost: Callable[[int], float]) -> tuple[int, ...]:
    """Leaves of which every match holds at least one, the cheapest choice; never empty.

    Speed only: which leaves are chosen changes how often a program is looked at, never its result.
    """
    return (program,) if isinstance(program, int) else _anchors(program, cost)[1]


def _anchors(program: Program, cost: Callable[[int], float]) -> tuple[float, tuple[int, ...]]:
    if isinstance(program, int):
        return cost(program), (program,)
    options = sorted(_anchors(child, cost) for child in program.children)
    if program.operator is Operator.ALL:
        return options[0]
    options = options[: len(options) - program.least + 1]
    return sum(price for price, _ in options), tuple(
        dict.fromkeys(leaf for _, found in options for leaf in found)
    )


def true_leaves(program: Program, holds: Callable[[int], bool]) -> list[int]:
    """The leaves whose places are the evidence in one article where the program is true, each once."""
    if isinstance(program, int):
        return [program]
    found = [
        leaf
        for child in program.children
        if program.operator is Operator.ALL or is_true(child, holds)
        for leaf in true_leaves(child, holds)
    ]
    return list(dict.fromkeys(found))


def is_true(program: Program, holds: Callable[[int], bool]) -> bool:
    """Whether a program is true in one article."""
    if isinstance(program, int):
        return holds(program)
    truths = (is_true(child, holds) for child in program.children)
    return _decided(program, truths) and not any(is_true(child, holds) for child in program.excluded)


def asks_no_text(program: Program, holds: Callable[[int], bool]) -> bool:
    """Whether a program that is true in one article is true by a part that speaks of no text."""
    if isinstance(program, int):
        return scope_of(program) == Scope.META and holds(program)
    return _decided(program, (asks_no_text(child, holds) for child in program.children)) and is_true(
        program, holds
    )


def _decided(program: Flat | Branch, truths: Iterator[bool]) -> bool:
    return all(truths) if program.operator is Operator.ALL else sum(truths) >= program.least
