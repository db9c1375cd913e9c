"""What was sent: to one person, and of each edition; rows become plain values here."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import String, and_, case, cast, func, select
from sqlmodel import Session, col

from digest.db import in_batches
from digest.delivery.models import Chunk, Delivery, DeliveryState, Reason
from digest.editions.models import Content, Edition


def deliveries_of(session: Session, subscriber_id: int, *, limit: int = 1000) -> list[dict[str, Any]]:
    """The mails of a person, newest first: kind, edition and its date, state, reason, times."""
    rows = session.execute(
        select(
            col(Delivery.id),
            col(Delivery.kind),
            col(Delivery.edition_id),
            col(Edition.local_date),
            col(Delivery.state),
            col(Delivery.reason),
            col(Delivery.created_at),
            col(Delivery.settled_at),
        )
        .outerjoin(Edition, col(Edition.id) == Delivery.edition_id)
        .where(col(Delivery.subscriber_id) == subscriber_id)
        .order_by(col(Delivery.id).desc())
        .limit(limit)
    )
    return [
        {
            "id": row[0],
            "kind": row[1].value,
            "edition": row[2],
            "local_date": row[3].isoformat() if row[3] else None,
            "state": row[4].value,
            "reason": str(row[5]),
            "created_at": row[6].isoformat(),
            "settled_at": row[7].isoformat() if row[7] else None,
        }
        for row in rows
    ]


def shown_lately(session: Session, subscriber_id: int, *, since: date) -> dict[int, date]:
    """The articles that stood in a person's mails, sent or on their way, from a date on, and when they did last."""
    rows = session.execute(
        select(col(Edition.local_date), col(Content.selection))
        .join(Edition, col(Edition.id) == col(Content.edition_id))
        .join(Delivery, col(Delivery.content_id) == col(Content.id))
        .where(
            col(Delivery.subscriber_id) == subscriber_id,
            col(Delivery.state).not_in([DeliveryState.FAILED, DeliveryState.SKIPPED]),
            col(Edition.local_date) >= since,
        )
        .order_by(col(Edition.local_date))
    )
    return {item[0]: on for on, selection in rows for item in selection["shown"]}


def counts_by_reason(session: Session, edition_id: int) -> dict[str, dict[str, int]]:
    """The deliveries of one edition that have a reason, by state and reason."""
    rows = session.execute(
        select(col(Delivery.state), col(Delivery.reason), func.count())
        .where(col(Delivery.edition_id) == edition_id, col(Delivery.reason) != "")
        .group_by(col(Delivery.state), col(Delivery.reason))
        .order_by(col(Delivery.state), col(Delivery.reason))
    )
    counts: dict[str, dict[str, int]] = {}
    for state, reason, number in rows:
        counts.setdefault(state.value, {})[str(reason)] = number
    return counts


def faults(session: Session, edition_id: int) -> dict[str, int]:
    """Why mails of one edition could not be made, each sentence with the number of its deliveries."""
    rows = session.execute(
        select(col(Delivery.reply), func.count())
        .where(col(Delivery.edition_id) == edition_id, col(Delivery.reason) == Reason.ERROR)
        .group_by(col(Delivery.reply))
        .order_by(func.count().desc(), col(Delivery.reply))
    )
    return {str(sentence): number for sentence, number in rows if sentence}


def counts_by_state(session: Session, edition_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """The deliveries of editions by state; those that wait in a chunk somebody is working on count as `claimed`."""
    waits = col(Delivery.state).in_([DeliveryState.PLANNED, DeliveryState.DEFERRED])
    is_claimed = and_(waits, col(Chunk.is_open), col(Chunk.owner) != "")
    state = case((is_claimed, "claimed"), else_=cast(col(Delivery.state), String))
    counts: dict[int, dict[str, int]] = {}
    for ids in in_batches(sorted(edition_ids)):
        rows = session.execute(
            select(col(Delivery.edition_id), state, func.count())
            .join(Chunk, col(Chunk.id) == Delivery.chunk_id)
            .where(col(Delivery.edition_id).in_(ids))
            .group_by(col(Delivery.edition_id), state)
        )
        for edition, name, number in rows:
            counts.setdefault(edition or 0, {})[str(name)] = number
    return counts
