"""Editions as the publisher sees them: one row each, with what became of its mails."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from sqlalchemy import func, select
from sqlmodel import Session, col

from digest.editions.models import Content, Edition, EditionState

STATES: Final = ("planned", "claimed", "in_data", "sent", "deferred", "failed", "skipped", "unknown")

CountStates = Callable[[Session, Iterable[int]], Mapping[int, Mapping[str, int]]]
"""Given by delivery: the deliveries of editions by state, `claimed` among them."""


def list_editions(
    session: Session, *, count: CountStates, limit: int = 50, edition_id: int | None = None
) -> list[dict[str, Any]]:
    """The newest editions first: the keys scripts rely on, counts frozen once an edition is finished."""
    rows = select(Edition).order_by(col(Edition.due_at).desc(), col(Edition.id).desc()).limit(limit)
    if edition_id is not None:
        rows = rows.where(col(Edition.id) == edition_id)
    editions = list(session.execute(rows).scalars())
    contents = _contents(session, [one.id for one in editions])
    open_ones = [one.id for one in editions if not one.counts]
    counts = count(session, open_ones) if open_ones else {}
    return [_row(one, contents[one.id], one.counts or counts.get(one.id, {})) for one in editions]


def _row(edition: Edition, contents: int, counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": edition.id,
        "cadence": edition.cadence.value,
        "local_date": edition.local_date.isoformat(),
        "local_time": edition.local_time,
        "timezone": edition.timezone,
        "due_at": edition.due_at.isoformat(),
        "state": edition.state.value,
        "release": edition.release_no,
        "contents": contents,
        "deliveries": {state: int(counts.get(state, 0)) for state in STATES},
        "reason": edition.hold_reason if edition.state is EditionState.HELD else edition.reason,
    }


def _contents(session: Session, ids: list[int]) -> dict[int, int]:
    found: dict[int, int] = defaultdict(int)
    rows = select(col(Content.edition_id), func.count()).where(col(Content.edition_id).in_(ids))
    found.update({row[0]: row[1] for row in session.execute(rows.group_by(col(Content.edition_id)))})
    return found
