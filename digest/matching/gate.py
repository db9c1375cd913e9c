"""The gate: an article that mentions something is not yet about it.

A true query is a match only if its evidence suffices: a place near enough, three places altogether, or a part that
speaks of no text at all. Evidence is the places of those values that make the query true, each value once.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from digest.matching.batch import Batch, numbers
from digest.matching.program import (
    Flat,
    Operator,
    Program,
    Scope,
    articles,
    asks_no_text,
    in_least,
    scope_of,
    true_leaves,
)
from digest.matching.reasons import reason
from digest.matching.syntax import Precision
from digest.matching.traces import ENOUGH, Row

_ALL: Final = Operator.ALL


def matches(program: Program, gate: Precision, batch: Batch) -> Sequence[Row]:
    """The articles of a batch that match, each with its reason."""
    if isinstance(program, int):
        return batch.alone[gate][program]
    if not isinstance(program, Flat):
        found = articles(program, batch.masks)
    elif program.operator is _ALL:
        if len(program.children) == 1:
            return _but_for(program, gate, batch)
        found = _with_all(program, batch)
    elif program.least == 1:
        return _with_one(program, gate, batch)
    else:
        found = in_least(program.least, [batch.masks[leaf] for leaf in program.children])
    return list(_judged(program, found, gate, batch)) if found else ()


def evidence(program: Program, article: int, batch: Batch) -> Sequence[int]:
    """The leaves that make a true program true in one article."""
    if not isinstance(program, Flat):
        return true_leaves(program, lambda leaf: article in batch.positions[leaf])
    if program.operator is _ALL:
        return program.children
    return [leaf for leaf in program.children if article in batch.positions[leaf]]


def _with_all(program: Flat, batch: Batch) -> int:
    """Where all of some leaves stand, and none of those excluded."""
    masks = batch.masks
    found = -1
    for leaf in program.children:
        found &= masks[leaf]
    for leaf in program.excluded:
        found &= ~masks[leaf]
    return found


def _but_for(program: Flat, gate: Precision, batch: Batch) -> Sequence[Row]:
    """Where one leaf is evidence enough, and none of those excluded stands."""
    rows = batch.alone[gate][program.children[0]]
    without = _union(program.excluded, batch) & batch.masks[program.children[0]]
    return _outside(rows, without) if without else rows


def _with_one(program: Flat, gate: Precision, batch: Batch) -> Sequence[Row]:
    """Where one of some leaves stands; mostly no article holds two of them, and each speaks for itself."""
    seen = several = 0
    rows: list[Row] = []
    masks, alone = batch.masks, batch.alone[gate]
    for leaf in program.children:
        mask = masks[leaf]
        if mask:
            several |= seen & mask
            seen |= mask
            rows += alone[leaf]
    return [*_outside(rows, several), *_judged(program, several, gate, batch)] if several else rows


def _outside(rows: Sequence[Row], mask: int) -> list[Row]:
    return [row for row in rows if not mask >> row[0] & 1]


def _union(leaves: Sequence[int], batch: Batch) -> int:
    found = 0
    for leaf in leaves:
        found |= batch.masks[leaf]
    return found


def _judged(program: Program, found: int, gate: Precision, batch: Batch) -> Iterator[Row]:
    """Those of the articles in which a program is true whose evidence suffices."""
    enough = ENOUGH[gate]
    for article in numbers(found):
        leaves = evidence(program, article, batch)
        reading = batch.readings[article]
        places = [stood for leaf in leaves if (stood := batch.positions[leaf][article])]
        if (
            (places and min([stood[0] for stood in places]) < reading.ends[enough.rank])
            or sum(map(len, places)) >= enough.places
            or _is_free(program, leaves, article, batch)
        ):
            told = reason([batch.traces[leaf, article] for leaf in leaves])
            yield article, reading.article.id, *told


def _is_free(program: Program, leaves: Sequence[int], article: int, batch: Batch) -> bool:
    """Whether the program is true by a part that asks for no text."""
    is_possible = Scope.META in map(scope_of, leaves)
    return is_possible and asks_no_text(program, lambda leaf: article in batch.positions[leaf])
