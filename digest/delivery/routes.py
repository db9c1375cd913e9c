"""What workers tell each other about providers: rows with the end of a pause, read at each beat."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session, col

from digest.db import changed
from digest.delivery.models import Route


def pause(session: Session, provider: str, *, until: datetime, window: int, reason: str) -> None:
    """Write down that a provider wants no mail until a moment."""
    values: dict[str, Any] = {"window": window, "paused_until": until, "reason": reason[:64]}
    if changed(session, update(Route).where(col(Route.provider) == provider).values(values)) == 0:
        session.add(Route(provider=provider, **values))


def pauses(session: Session, *, now: datetime) -> dict[str, datetime]:
    """The providers that want no mail now, and until when."""
    rows = session.execute(
        select(col(Route.provider), col(Route.paused_until)).where(col(Route.paused_until) > now)
    )
    return {row.provider: row.paused_until for row in rows}
