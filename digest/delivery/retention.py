"""How long the ledger of mail knows whom it was about: then people are taken out, counts stay, contents go.

Unconfirmed sign-ups are forgotten whole. Each call ends at most so many rows; repeat in new transactions until it says 0.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, delete, func, select, update
from sqlmodel import Session, col

from digest.db import changed
from digest.delivery.models import Attempt, Chunk, Delivery, DeliveryState
from digest.editions.models import Content, Edition

LIMIT: Final = 1000
_ENDED: Final = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.SKIPPED, DeliveryState.UNKNOWN)
_NOBODY: Final = {"subscriber_id": None, "address": None, "data": None, "reply": ""}


def forget_deliveries(
    session: Session, *, now: datetime, unconfirmed: timedelta, people: timedelta, limit: int = LIMIT
) -> int:
    """End what is due; how many rows. `people` is for how long a mail still says to whom it went, and what stood in it."""
    ended = _strangers(session, before=now - unconfirmed, limit=limit)
    ended += _readers(session, before=now - people, limit=limit)
    return ended + _contents(session, before=now - people, limit=limit)


def _strangers(session: Session, *, before: datetime, limit: int) -> int:
    """Mails to somebody who never confirmed: deleted with their chunks. The newest of all stays, without the person.

    On SQLite its number would be given out again, and a number stands in a Message-ID.
    """
    due = _addressed(before, limit).where(col(Delivery.subscriber_id).is_(None))
    rows = session.execute(due.add_columns(col(Delivery.chunk_id))).all()
    newest = session.execute(select(func.max(col(Delivery.id)))).scalar()
    _empty(session, [row.id for row in rows if row.id == newest])
    chunks = [row.chunk_id for row in rows if row.id != newest]
    session.execute(delete(Chunk).where(col(Chunk.id).in_(chunks)))
    return len(rows)


def _readers(session: Session, *, before: datetime, limit: int) -> int:
    """System mails by their address, those of editions by the edition: both are found without reading the whole ledger."""
    ids = list(session.execute(_addressed(before, limit)).scalars())
    edition = _old_edition(session, before)
    if edition is not None:
        of_edition = (
            select(col(Delivery.id))
            .where(col(Delivery.edition_id) == edition, col(Delivery.subscriber_id).is_not(None))
            .where(col(Delivery.state).in_(_ENDED))
            .limit(limit - len(ids))
        )
        ids += session.execute(of_edition).scalars()
    _empty(session, ids)
    return len(ids)


def _contents(session: Session, *, before: datetime, limit: int) -> int:
    """What stood in the mails of an edition that nobody can be told about any more."""
    edition = _old_edition(session, before)
    if edition is None or _has_people(session, edition):
        return 0
    due = select(col(Content.id)).where(col(Content.edition_id) == edition).limit(limit)
    return changed(session, delete(Content).where(col(Content.id).in_(due)))


def _addressed(before: datetime, limit: int) -> Select[tuple[int]]:
    """Ended system mails that still name somebody, oldest first."""
    return (
        select(col(Delivery.id).label("id"))
        .where(col(Delivery.address).is_not(None), col(Delivery.created_at) <= before)
        .where(col(Delivery.state).in_(_ENDED))
        .order_by(col(Delivery.id))
        .limit(limit)
    )


def _old_edition(session: Session, before: datetime) -> int | None:
    """The oldest edition that is through and still has contents: having none is what says that it is forgotten."""
    has_contents = select(col(Content.id)).where(col(Content.edition_id) == col(Edition.id)).exists()
    old = select(col(Edition.id)).where(col(Edition.finished_at) <= before, has_contents)
    return session.execute(old.order_by(col(Edition.id)).limit(1)).scalar()


def _has_people(session: Session, edition: int) -> bool:
    named = select(col(Delivery.id)).where(
        col(Delivery.edition_id) == edition, col(Delivery.subscriber_id).is_not(None)
    )
    return session.execute(named.limit(1)).first() is not None


def _empty(session: Session, ids: Sequence[int]) -> None:
    session.execute(update(Attempt).where(col(Attempt.delivery_id).in_(ids)).values(reply=""))
    session.execute(update(Delivery).where(col(Delivery.id).in_(ids)).values(_NOBODY | {"content_id": None}))
