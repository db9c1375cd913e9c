"""Why an article is a hit: the best zone with evidence, the words as printed there, and the score."""

from collections.abc import Sequence
from math import fsum

from digest.matching.traces import RANKS, TERM_LENGTH, Reason, Trace


def reason(traces: Sequence[Trace]) -> Reason:
    """The reason that the evidence of a matching query gives for one article."""
    best = min([trace.rank for trace in traces])
    score = fsum([trace.weight for trace in traces])
    shown = [trace for trace in traces if trace.rank == best]
    return Reason(RANKS[best], _listed(shown), round(score or 1.0, 4))


def _listed(traces: Sequence[Trace]) -> str:
    """The printed words in the order of the article, overlapping ones once, as many as fit."""
    if len(traces) == 1:
        return traces[0].printed[:TERM_LENGTH]
    term, end = "", 0
    for trace in sorted(traces, key=_in_order):
        if trace.start < end:
            continue
        longer = f"{term}, {trace.printed}" if term else trace.printed
        if len(longer) > TERM_LENGTH:
            return term or longer[:TERM_LENGTH]
        term, end = longer, trace.end
    return term


def _in_order(trace: Trace) -> tuple[int, int, str]:
    return (trace.start, -trace.end, trace.printed)
