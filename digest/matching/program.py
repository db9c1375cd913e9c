"""A query as a small program over bit sets: bit i stands for article i of a batch.

A leaf is one number, an atom's number and where it counts; branches are tuples, so equal queries are equal programs and
a million of them fit in memory. Truth and evidence are computed together: `Evidence.near` and the three counts hold the
places of those values only that make the query true.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias, Union

from digest.matching.syntax import And, Count, Field, Node, Not, Or, Precision, Value


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


class Evidence(NamedTuple):
    """Bit sets: where the program is true, and the places that make it so."""

    true: int
    near: int
    """A place that is near enough for the gate."""
    one: int
    two: int
    three: int
    """At least so many places altogether."""
    free: int
    """True by a part that speaks of no text, so no place is asked for."""


NOTHING: Final = Evidence(0, 0, 0, 0, 0, 0)
_SCOPE_BITS: Final = 2
_SCOPES: Final = {Field.ANY: Scope.TEXT, Field.TITLE: Scope.TITLE, Field.CATEGORY: Scope.CATEGORY}


def leaf(atom: int, field: Field) -> int:
    """The program that holds where an atom stands in a field."""
    return atom << _SCOPE_BITS | _SCOPES.get(field, Scope.META)


def atom_of(program: int) -> int:
    """The atom's number of a leaf."""
    return program >> _SCOPE_BITS


def scope_of(program: int) -> int:
    """Where a leaf's places count, as a `Scope`."""
    return program & 3


def compiled(node: Node, number: Callable[[Value], int]) -> Program:
    """The program of a syntax tree; `number` gives each value's atom a number."""
    match node:
        case Value():
            return leaf(number(node), node.field)
        case Not(child):
            return Branch(Operator.NONE, (compiled(child, number),))
        case Count(least, values):
            return _branch(Operator.LEAST, (compiled(value, number) for value in values), least)
        case And(children):
            return _branch(Operator.ALL, (compiled(child, number) for child in children))
        case Or(children):
            return _branch(Operator.ANY, (compiled(child, number) for child in children))


def _branch(operator: Operator, children: Iterable[Program], least: int = 0) -> Program:
    """Values of different spelling may be one atom; a count still counts each of them."""
    parts = tuple(sorted(children if operator is Operator.LEAST else set(children), key=_order))
    return parts[0] if len(parts) == 1 else Branch(operator, parts, least)


def _order(program: Program) -> tuple[int, str]:
    return (0, str(program)) if isinstance(program, Branch) else (program, "")


def repeats(program: Program) -> bool:
    """Whether a leaf stands twice, so that places must be counted one article at a time."""
    found = list(leaves(program)) if isinstance(program, Branch) else []
    return len(set(found)) < len(found)


def leaves(program: Program) -> Iterator[int]:
    """Every leaf, excluded ones too."""
    if not isinstance(program, Branch):
        yield program
        return
    for child in program.children:
        yield from leaves(child)


def evidence(program: Program, of_leaf: Callable[[int], Evidence], full: int) -> Evidence:
    """Truth and evidence of a program; `full` has the bit of every article set."""
    if not isinstance(program, Branch):
        return of_leaf(program)
    parts = [evidence(child, of_leaf, full) for child in program.children]
    match program.operator:
        case Operator.NONE:
            return Evidence(full & ~parts[0].true, 0, 0, 0, 0, full)
        case Operator.ALL:
            true, free = _all(part.true for part in parts), _all(part.free for part in parts)
        case Operator.ANY:
            true, free = _any(part.true for part in parts), _any(part.free for part in parts)
        case Operator.LEAST:
            true = _at_least(program.least, [part.true for part in parts])
            free = _at_least(program.least, [part.free for part in parts])
    return _gathered(parts, true, free) if true else NOTHING


def _gathered(parts: Sequence[Evidence], true: int, free: int) -> Evidence:
    """The places of all true parts together; counts saturate at three."""
    near = one = two = three = 0
    for part in parts:
        near |= part.near
        three |= part.three | two & part.one | one & part.two
        two |= part.two | one & part.one
        one |= part.one
    return Evidence(true, near & true, one & true, two & true, three & true, free & true)


def _all(sets: Iterable[int]) -> int:
    found = -1
    for bits in sets:
        found &= bits
    return found


def _any(sets: Iterable[int]) -> int:
    found = 0
    for bits in sets:
        found |= bits
    return found


def _at_least(least: int, sets: Sequence[int]) -> int:
    reached = [-1] + [0] * least
    for bits in sets:
        for count in range(least, 0, -1):
            reached[count] |= reached[count - 1] & bits
    return reached[least]


def passing(found: Evidence, gate: Precision) -> int:
    """The articles whose evidence suffices."""
    match gate:
        case Precision.ALL:
            return found.true
        case Precision.NORMAL:
            return found.near | found.three | found.free
        case _:
            return found.near | found.free


def anchors(program: Program, cost: Callable[[int], float]) -> tuple[int, ...]:
    """Leaves of which every match holds at least one, the cheapest choice; never empty for a parsed query.

    Speed only: which leaves are chosen changes how often a program is looked at, never its result.
    """
    return _anchors(program, cost)[1]


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


def true_leaves(program: Program, holds: Callable[[int], bool]) -> Iterator[int]:
    """The leaves whose places are the evidence in one article where the program is true."""
    if not isinstance(program, Branch):
        yield program
    elif program.operator is Operator.ALL:
        for child in program.children:
            yield from true_leaves(child, holds)
    elif program.operator is not Operator.NONE:
        for child in program.children:
            if is_true(child, holds):
                yield from true_leaves(child, holds)


def is_true(program: Program, holds: Callable[[int], bool]) -> bool:
    """Whether a program is true in one article."""
    if not isinstance(program, Branch):
        return holds(program)
    truths = (is_true(child, holds) for child in program.children)
    match program.operator:
        case Operator.ALL:
            return all(truths)
        case Operator.ANY:
            return any(truths)
        case Operator.NONE:
            return not any(truths)
        case Operator.LEAST:
            return sum(truths) >= program.least
