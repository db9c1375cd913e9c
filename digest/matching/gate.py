"""The gate: an article that mentions something is not yet about it.

A true query is a match only if its evidence suffices: a place near enough, three places altogether, or a part that
speaks of no text at all.
"""

from collections.abc import Iterator
from typing import Final

from digest.matching.batch import Batch
from digest.matching.program import Program, evidence, passing, repeats, true_leaves
from digest.matching.syntax import Precision

OFTEN: Final = 3
"""So many places altogether are no mere mention."""


def matching_articles(program: Program, gate: Precision, batch: Batch) -> list[int]:
    """The articles of a batch that match, by their places in it."""
    found = evidence(program, lambda leaf: batch.evidence(leaf, gate), batch.full)
    passed = _members(passing(found, gate))
    if gate is not Precision.NORMAL or not repeats(program):
        return passed
    sure = found.near | found.free
    return [
        article for article in passed if sure >> article & 1 or place_count(program, batch, article) >= OFTEN
    ]


def place_count(program: Program, batch: Batch, article: int) -> int:
    """In how many places the evidence stands; a value written twice counts once."""
    found = set(evidence_leaves(program, batch, article))
    return sum(len(batch.positions(leaf, article) or ()) for leaf in found)


def evidence_leaves(program: Program, batch: Batch, article: int) -> Iterator[int]:
    """The leaves that make a true program true in one article."""
    return true_leaves(program, lambda leaf: batch.positions(leaf, article) is not None)


def _members(bits: int) -> list[int]:
    """The numbers of the bits that are set."""
    found = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return found
