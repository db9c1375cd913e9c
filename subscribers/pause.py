"""Pausing: no editions up to and including a day, then on by itself.

The window stays, so the first edition afterwards covers the gap.
"""

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from subscribers import register
from subscribers.models import SubscriberState
from subscribers.tables import SUBSCRIBER


def pause(session: Session, public_id: UUID, *, until: date | None) -> bool:
    """Send no editions up to and including the local day `until` (None: until resumed); False if nobody is here."""
    person = register.locked(session, public_id)
    if person is None or person.state is SubscriberState.UNSUBSCRIBED:
        return False
    person.state, person.paused_until = SubscriberState.PAUSED, until
    session.flush()
    return True


def resume(session: Session, public_id: UUID) -> bool:
    """Go on with editions; False if somebody is not here or has left."""
    person = register.locked(session, public_id)
    if person is None or person.state is SubscriberState.UNSUBSCRIBED:
        return False
    person.state, person.paused_until = SubscriberState.ACTIVE, None
    session.flush()
    return True


def resume_due(session: Session, *, now: datetime) -> int:
    """Resume everybody whose last day of pause is over on their own clock; how many."""
    c = SUBSCRIBER.c
    is_waiting = (c.state == SubscriberState.PAUSED) & c.paused_until.is_not(None)
    zones = session.execute(select(c.timezone).where(is_waiting).distinct()).scalars().all()
    return sum(_resume_zone(session, zone, now.astimezone(ZoneInfo(zone)).date()) for zone in zones)


def _resume_zone(session: Session, zone: str, today: date) -> int:
    c = SUBSCRIBER.c
    due = (
        update(SUBSCRIBER)
        .where(c.state == SubscriberState.PAUSED, c.timezone == zone, c.paused_until < today)
        .values(state=SubscriberState.ACTIVE, paused_until=None)
    )
    return len(session.execute(due.returning(c.id)).all())
