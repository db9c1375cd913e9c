"""Who did what to which edition, when and why: written in the transaction that did it, so neither is there without the other."""

from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import select
from sqlmodel import Session, col

from digest.delivery.models import Action, Intervention
from digest.editions.models import Edition

OPERATOR: Final = "operator"
BREAKER: Final = "breaker"
WITNESS: Final = "witness"

_log = structlog.get_logger(__name__)


def record(
    session: Session,
    action: Action,
    edition_id: int | None,
    *,
    who: str,
    now: datetime,
    reason: str = "",
    deliveries: int = 0,
) -> None:
    """Write down what is being done; `edition_id` None = to everything."""
    session.add(
        Intervention(
            at=now,
            edition_id=edition_id,
            action=action,
            who=who[:64],
            reason=reason[:300],
            deliveries=deliveries,
        )
    )
    _log.info(_EVENTS[action], edition=edition_id, who=who, reason=reason, deliveries=deliveries)


def interventions(session: Session, edition_id: int) -> list[dict[str, Any]]:
    """What was done to an edition, and to everything since it was planned, oldest first."""
    planned_at = select(col(Edition.created_at)).where(col(Edition.id) == edition_id).scalar_subquery()
    of_all = col(Intervention.edition_id).is_(None) & (col(Intervention.at) >= planned_at)
    rows = session.execute(
        select(Intervention)
        .where((col(Intervention.edition_id) == edition_id) | of_all)
        .order_by(col(Intervention.id))
    )
    return [
        {
            "at": one.at.isoformat(),
            "action": one.action.value,
            "everything": one.edition_id is None,
            "who": one.who,
            "reason": one.reason,
            "deliveries": one.deliveries,
        }
        for one in rows.scalars()
    ]


_EVENTS: Final = {
    Action.HOLD: "held",
    Action.RELEASE: "released",
    Action.CANCEL: "cancelled",
    Action.RETRY: "retried",
}
