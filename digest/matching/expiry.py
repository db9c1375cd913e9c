"""When topics made from an article end: after 21 days without a match, and 180 days after they were made.

An ended topic keeps its followers, who may follow it again (`subscribers.preferences.follow_again`).
"""

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import and_, case, func, or_, update
from sqlmodel import Session, col

from digest.db import changed
from subscribers.models import Topic, TopicKind, TopicState

log = structlog.get_logger()

SILENT: Final = timedelta(days=21)
REASON_SILENT: Final = "no article in 21 days"
REASON_OLD: Final = "180 days old"


def expire_similar(session: Session, *, now: datetime) -> int:
    """End the similar-news topics whose time is over, with the reason; how many ended."""
    c_created, c_changed, c_match = col(Topic.created_at), col(Topic.changed_at), col(Topic.last_match_at)
    before = now - SILENT
    is_silent = and_(
        c_created <= before,
        func.coalesce(c_changed, c_created) <= before,
        func.coalesce(c_match, c_created) <= before,
    )
    is_old = col(Topic.expires_at) <= now
    ended = changed(
        session,
        update(Topic)
        .where(
            col(Topic.kind) == TopicKind.SIMILAR,
            col(Topic.state) == TopicState.ACTIVE,
            or_(is_old, is_silent),
        )
        .values(state=TopicState.EXPIRED, state_reason=case((is_old, REASON_OLD), else_=REASON_SILENT)),
    )
    if ended:
        log.info("similar topics ended", topics=ended)
    return ended
