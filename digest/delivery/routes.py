"""What workers tell each other about providers: rows with the end of a pause, read at each beat."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import Session, col

from digest.delivery.models import Route
from subscribers.types import metadata
from subscribers.upsert import insert

_ROUTE: Final = metadata.tables["route"]


def pause(session: Session, provider: str, *, until: datetime, window: int, reason: str) -> None:
    """Write down that a provider wants no mail until a moment; of two pauses the longer one holds."""
    values: dict[str, Any] = {"window": window, "paused_until": until, "reason": reason[:64]}
    row = insert(session, _ROUTE).values(provider=provider, **values)
    is_longer = _ROUTE.c.paused_until.is_(None) | (_ROUTE.c.paused_until < until)
    session.execute(row.on_conflict_do_update(index_elements=["provider"], set_=values, where=is_longer))


def pauses(session: Session, *, now: datetime) -> dict[str, datetime]:
    """The providers that want no mail now, and until when."""
    rows = session.execute(
        select(col(Route.provider), col(Route.paused_until)).where(col(Route.paused_until) > now)
    )
    return {row.provider: row.paused_until for row in rows}
