"""Checking the chain of consent from its first event to its last, in flat memory, at tens of thousands a second."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from subscribers import chain
from subscribers.chain import Anchor
from subscribers.models import ConsentKind
from subscribers.tables import CONSENT

PAGE = 2000
_NAMES = tuple(CONSENT.c.keys())
_PAGE = (
    select(CONSENT).where(CONSENT.c.seq > bindparam("after")).order_by(CONSENT.c.seq).limit(bindparam("size"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The state of the chain: `first_bad` is the number of the first event that does not fit, None if all do."""

    events: int
    subjects: int
    erased: int
    head: str
    first_bad: int | None

    @property
    def ok(self) -> bool:
        """Whether every event is where and what it was."""
        return self.first_bad is None


def verify(session: Session, *, anchors: Iterable[Anchor] = ()) -> Verification:
    """Recompute every hash; with anchors kept elsewhere, also show a chain that was cut or rewritten as a whole."""
    expected = {anchor.seq: anchor.hash for anchor in anchors if anchor.seq}
    last, bad = chain.START, None
    for row in _rows(session):
        if not _fits(row, last) or expected.pop(row["seq"], row["hash"]) != row["hash"]:
            bad = last.seq + 1
            break
        last = Anchor(row["seq"], row["hash"])
    if bad is None and expected:
        bad = min(expected)  # an anchor names an event that is no longer there
    return Verification(first_bad=bad, head=last.hash, **_counts(session))


def _rows(session: Session) -> Iterator[dict[str, Any]]:
    """All events in order, a page at a time: the key is the bookmark. Ends early at a row that cannot even be read."""
    after, size = 0, PAGE
    while True:
        try:
            found = session.connection().execute(_PAGE, {"after": after, "size": size})
            # Plain dicts: their keys are looked up a dozen times each.
            rows = [dict(zip(_NAMES, row, strict=True)) for row in found]
        except (LookupError, ValueError, TypeError):  # a damaged value: find its row one by one
            if size == 1:
                yield {"seq": None}
                return
            size = 1
            continue
        yield from rows
        if len(rows) < size:
            return
        after = rows[-1]["seq"]


def _fits(row: Mapping[str, Any], last: Anchor) -> bool:
    return (
        row["seq"] == last.seq + 1
        and row["prev_hash"] == last.hash
        and row["hash"] == chain.event_hash(last.hash, row)
        and _is_whole(row, "person")
        and _is_whole(row, "network")
    )


def _is_whole(row: Mapping[str, Any], name: str) -> bool:
    """An erasable part is either gone with its salt or exactly what was sealed."""
    part, salt = row[name], row[f"{name}_salt"]
    if part is None or salt is None:
        return part is None and salt is None
    return bool(chain.part_hash(part, salt) == row[f"{name}_hash"])


def _counts(session: Session) -> dict[str, int]:
    c = CONSENT.c
    erased = func.count().filter(c.kind == ConsentKind.ERASED)
    row = session.execute(select(func.count(), func.count(c.subject.distinct()), erased)).one()
    return {"events": row[0], "subjects": row[1], "erased": row[2]}
