"""Topic queries: text to `Query` and back; pure, and whatever the text, only `QueryError` is raised.

`str(query)` is the canonical form; `parse_query(str(query)) == query`. What a writer may have meant differently is in
`query.hints`, which take no part in equality.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from digest.matching.errors import QueryError
from digest.matching.hints import ErrorCode, Hint
from digest.matching.parser import Parser
from digest.matching.spelling import clean
from digest.matching.syntax import Field, Node, Or, Precision

__all__ = ["Field", "Node", "Precision", "Query", "QueryError", "parse_query"]

MAX_LENGTH: Final = 512


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: what must be found, and how much evidence is asked for (`None`: the usual)."""

    root: Node
    within: Precision | None = None
    hints: tuple[Hint, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        """Return the canonical form."""
        if self.within is None:
            return str(self.root)
        root = f"({self.root})" if isinstance(self.root, Or) else str(self.root)
        return f"{root} in:{self.within.value}"


def parse_query(text: str) -> Query:
    """Read a typed query; raises `QueryError(position, hint)` and nothing else."""
    if len(text) > MAX_LENGTH:
        raise QueryError(Hint(ErrorCode.TOO_LONG, MAX_LENGTH))
    try:
        root, within, hints = Parser(_cleaned(text)).parse()
    except QueryError as error:
        raise QueryError(_as_typed(error.reason, text)) from None
    query = Query(root, within, tuple(sorted((_as_typed(hint, text) for hint in hints), key=_position)))
    if len(str(query)) > MAX_LENGTH:  # what is stored must be readable again
        raise QueryError(Hint(ErrorCode.TOO_LONG, len(text)))
    return query


def _position(hint: Hint) -> int:
    return hint.position


def _cleaned(text: str) -> str:
    cleaned = clean(text)
    if cleaned.isprintable():
        return cleaned
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in cleaned)


def _as_typed(hint: Hint, text: str) -> Hint:
    """The hint with its place in the typed text: cleaning may shorten or lengthen what stands before it."""
    if text.isascii():
        return hint
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(clean(text[:middle])) <= hint.position else (low, middle - 1)
    return replace(hint, position=low)
