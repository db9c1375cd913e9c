"""The gate: an article that mentions something is not yet about it.

A true query is a match only if its evidence suffices: a place near enough, three places altogether, or a part that
speaks of no text at all. Evidence is the places of those values that make the query true, each value once.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from digest.matching.batch import Batch
from digest.matching.program import SCOPE_MASK, Branch, Operator, Program, articles, asks_no_text, true_leaves
from digest.matching.syntax import Precision

OFTEN: Final = 3
"""So many places altogether are no mere mention."""


def matches(program: Program, gate: Precision, batch: Batch) -> Iterator[tuple[int, Sequence[int]]]:
    """The articles of a batch that match, by number, each with the leaves that make the program true there."""
    values = _plain_values(program)
    if values:
        yield from _plain_matches(program, values, gate, batch)
        return
    for article in articles(program, batch.articles):
        leaves = evidence(program, batch, article)
        if (
            gate is Precision.ALL
            or _suffices(leaves, article, gate, batch)
            or _is_free(program, batch, article)
        ):
            yield article, leaves


def _plain_values(program: Program) -> tuple[int, ...]:
    """The leaves of a program that is one operator over words of the whole text, exclusions aside; else none.

    Nearly all queries are of this kind, and quicker to answer.
    """
    if not isinstance(program, Branch):
        return () if program & SCOPE_MASK else (program,)
    found = []
    for child in program.children:
        if isinstance(child, Branch):
            if child.operator is not Operator.NONE:
                return ()
        elif child & SCOPE_MASK:
            return ()
        else:
            found.append(child)
    return tuple(dict.fromkeys(found))


def _plain_matches(
    program: Program, values: tuple[int, ...], gate: Precision, batch: Batch
) -> Iterator[tuple[int, Sequence[int]]]:
    ends = batch.ends(gate)
    often = OFTEN if gate is Precision.NORMAL else math.inf
    if len(values) == 1 and values[0] == program:
        for article, positions in batch.table(program).items():
            if positions[0] < ends[article] or len(positions) >= often:
                yield article, values
        return
    tables = [(value, batch.table(value)) for value in values]
    for article in articles(program, batch.articles):
        leaves, first, count = [], math.inf, 0
        for value, table in tables:
            if article in table:
                positions = table[article]
                leaves.append(value)
                count += len(positions)
                first = min(first, positions[0])
        if first < ends[article] or count >= often:
            yield article, leaves


def _is_free(program: Program, batch: Batch, article: int) -> bool:
    """Whether a part of the query asks for no text at all."""
    return isinstance(program, Branch) and batch.has_fields and asks_no_text(program, batch.holder(article))


def evidence(program: Program, batch: Batch, article: int) -> Sequence[int]:
    """The leaves that make a true program true in one article."""
    return true_leaves(program, batch.holder(article)) if isinstance(program, Branch) else [program]


def place_count(leaves: Iterable[int], batch: Batch, article: int) -> int:
    """In how many places of the text leaves stand altogether."""
    return sum(len(batch.positions(leaf, article) or ()) for leaf in leaves)


def _suffices(leaves: Sequence[int], article: int, gate: Precision, batch: Batch) -> bool:
    """Whether the places of the evidence pass; a single value that is no text needs none."""
    end = batch.ends(gate)[article]
    count = 0
    for leaf in leaves:
        positions = batch.positions(leaf, article)
        if positions:
            if positions[0] < end:
                return True
            count += len(positions)
        elif len(leaves) == 1:
            return True
    return gate is Precision.NORMAL and count >= OFTEN
