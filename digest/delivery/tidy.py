"""What nobody is asked for: deliveries whose time is over end, and editions that are through are finished."""

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlmodel import Session, col

from digest.db import Database
from digest.delivery.models import Chunk
from digest.delivery.queue import finish_all
from digest.delivery.settlement import Settlement

BATCH: Final = 20


def tidy(db: Database, settlement: Settlement, *, now: datetime, lease_now: float) -> int:
    """Expire open chunks that nobody works on, held ones too, and finish editions; how many deliveries expired."""
    expired = 0
    with db.read() as session:
        over = list(_over(session, now, lease_now))
    for chunk_id in over:
        with db.write() as session:
            expired += _expire(session, settlement, chunk_id, now=now, lease_now=lease_now)
    with db.write() as session:
        finish_all(session, now=now)
    return expired


def _over(session: Session, now: datetime, lease_now: float) -> list[int]:
    rows = session.execute(
        select(col(Chunk.id))
        .where(col(Chunk.is_open), col(Chunk.expires_at) <= now, col(Chunk.lease_until) < lease_now)
        .order_by(col(Chunk.id))
        .limit(BATCH)
    )
    return list(rows.scalars())


def _expire(
    session: Session, settlement: Settlement, chunk_id: int, *, now: datetime, lease_now: float
) -> int:
    """Under the chunk's lock, and only if still nobody works on it."""
    chunk = session.get_one(Chunk, chunk_id, with_for_update=True)
    if not chunk.is_open or chunk.lease_until >= lease_now:
        return 0
    settlement.take_over(session, chunk_id, now=now)
    expired = settlement.expire(session, chunk_id, now=now)
    chunk.is_open = False
    chunk.fence += 1
    session.add(chunk)
    return expired
