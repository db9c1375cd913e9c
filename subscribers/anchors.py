"""Lines of an anchor file, pure: each day's end of the consent chain, kept where the database's owner cannot reach it.

A line is `2026-11-22 17 <64 hex digits>`: the day, the number of events, the hash of the last one.
"""

import re
from collections.abc import Iterable
from datetime import date

from subscribers.chain import Anchor
from subscribers.errors import AnchorError

_LINE = re.compile(r"(\d{4}-\d\d-\d\d) (\d+) ([0-9a-f]{64})")


def line(anchor: Anchor, *, on: date) -> str:
    """One line, without its end."""
    return f"{on.isoformat()} {anchor.seq} {anchor.hash}"


def read(lines: Iterable[str]) -> list[Anchor]:
    """The anchors of a file; blank lines count for nothing. Raises AnchorError with the number of a line that is none."""
    found = []
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        parts = _LINE.fullmatch(text.strip())
        if parts is None:
            raise AnchorError(f"line {number} is no anchor")
        found.append(Anchor(int(parts[2]), parts[3]))
    return found


def has_day(lines: Iterable[str], on: date) -> bool:
    """Whether a file has a line of this day already; one is enough."""
    return any(text.startswith(f"{on.isoformat()} ") for text in lines)
