"""The gate: an article that mentions something is not yet about it.

A true query is a match only if its evidence suffices: a place near enough, three places altogether, or a part that
speaks of no text at all. Evidence is the places of those values that make the query true, each value once.
"""

from collections.abc import Iterable, Sequence, Set
from typing import Final, TypeAlias

from digest.matching.batch import Batch
from digest.matching.program import (
    Branch,
    Flat,
    Operator,
    Program,
    articles,
    asks_no_text,
    in_least,
    true_leaves,
)
from digest.matching.reasons import reason
from digest.matching.syntax import Precision
from digest.matching.traces import BODY, ENOUGH, Enough, Reason, Trace

Matches: TypeAlias = Sequence[tuple[int, Reason]]
"""Articles of a batch by number, each with its reason."""

_ALL: Final = Operator.ALL


def matches(program: Program, gate: Precision, batch: Batch) -> Matches:
    """The articles of a batch that match."""
    if isinstance(program, int):
        return batch.alone[gate][program]
    if isinstance(program, Branch):
        return _judged(program, articles(program, batch.articles), gate, batch)
    if program.operator is _ALL:
        return _with_all(program, gate, batch)
    return _with_some(program, gate, batch)


def evidence(program: Program, article: int, batch: Batch) -> Sequence[Trace]:
    """Where the leaves stand that make a true program true in one article."""
    if isinstance(program, Flat):
        leaves = [leaf for leaf in program.children if article in batch.positions[leaf]]
    else:
        leaves = true_leaves(program, lambda leaf: article in batch.positions[leaf])
    return [batch.traces[leaf, article] for leaf in leaves]


def _with_all(program: Flat, gate: Precision, batch: Batch) -> Matches:
    """Where all of some leaves stand, and none of those excluded."""
    if len(program.children) == 1:
        without = _union(program.excluded, batch)
        return [one for one in batch.alone[gate][program.children[0]] if one[0] not in without]
    found: Set[int] | None = None
    for leaf in program.children:
        rows = batch.positions[leaf].keys()
        found = rows if found is None else found & rows
        if not found:
            return ()
    if program.excluded:
        found = (found or set()) - _union(program.excluded, batch)
    return _judged(program, found or (), gate, batch)


def _union(leaves: Iterable[int], batch: Batch) -> set[int]:
    return set[int]().union(*[batch.positions[leaf] for leaf in leaves])


def _with_some(program: Flat, gate: Precision, batch: Batch) -> Matches:
    """Where at least so many of some leaves stand; mostly no article holds two of them."""
    seen: set[int] = set()
    twice: set[int] = set()
    for leaf in program.children:
        rows = batch.positions[leaf]
        if not seen.isdisjoint(rows):
            twice.update(seen & rows.keys())
        seen.update(rows)
    if program.least > 1:
        return _judged(program, _at_least(program, twice, batch), gate, batch) if twice else ()
    found: list[tuple[int, Reason]] = []
    for leaf in program.children:
        found += batch.alone[gate][leaf]
    if not twice:
        return found
    return [one for one in found if one[0] not in twice] + _judged(program, twice, gate, batch)


def _at_least(program: Flat, twice: set[int], batch: Batch) -> set[int]:
    return (
        twice if program.least == 2 else set(in_least(program.least, map(batch.articles, program.children)))
    )


def _judged(
    program: Flat | Branch, found: Iterable[int], gate: Precision, batch: Batch
) -> list[tuple[int, Reason]]:
    """Those of the articles in which a program is true whose evidence suffices."""
    enough = ENOUGH[gate]
    judged = []
    for article in found:
        traces = evidence(program, article, batch)
        if _suffices(traces, enough) or _is_free(program, article, traces, batch):
            judged.append((article, reason(traces)))
    return judged


def _suffices(traces: Sequence[Trace], enough: Enough) -> bool:
    return min([trace.rank for trace in traces]) <= enough.rank or (
        sum([trace.places for trace in traces]) >= enough.places
    )


def _is_free(program: Flat | Branch, article: int, traces: Sequence[Trace], batch: Batch) -> bool:
    """Whether the program is true by a part that asks for no text."""
    is_possible = any(trace.rank > BODY for trace in traces)
    return is_possible and asks_no_text(program, lambda leaf: article in batch.positions[leaf])
