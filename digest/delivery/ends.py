"""Ends of attempts on their way into the ledger: decided, written, counted, and watched for an edition that does harm."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import func, select
from sqlmodel import col

from digest.db import Database
from digest.delivery import edition_control
from digest.delivery.breaker import Breaker
from digest.delivery.committer import Ended
from digest.delivery.edition_control import EditionError
from digest.delivery.interventions import BREAKER
from digest.delivery.models import Delivery, DeliveryState
from digest.delivery.options import Counts
from digest.delivery.settlement import Settled, Settlement

_log = structlog.get_logger(__name__)

UNFIT_AT_MOST: Final = 3
"""So many contents of an edition that cannot be made are no accident."""


class Ends:
    """Where one worker brings the ends that need a decision; `settle` blocks and is called in one thread at a time."""

    def __init__(self, db: Database, settlement: Settlement, counts: Counts) -> None:
        self._db = db
        self._settlement = settlement
        self._counts = counts
        self._breakers: defaultdict[int, Breaker] = defaultdict(Breaker)

    def settle(self, ended: Sequence[Ended]) -> None:
        """Write, count, and hold an edition whose breaker trips."""
        for one in self._settlement.settle(ended):
            self._count(one.state)
            if one.edition_id is not None:
                self._watch(one, one.edition_id, at=max(mark.at for mark in ended))

    def accepted(self, edition_id: int | None) -> None:
        """Count a plain first-try 250."""
        self._counts.sent += 1
        if edition_id is not None:
            self._breakers[edition_id].saw(DeliveryState.SENT, None)

    def _count(self, state: DeliveryState) -> None:
        if state.value in Counts.__dataclass_fields__:
            setattr(self._counts, state.value, getattr(self._counts, state.value) + 1)

    def _watch(self, one: Settled, edition_id: int, *, at: datetime) -> None:
        why = self._breakers[edition_id].saw(one.state, one.reason) or self._unfit(one, edition_id)
        if not why:
            return
        _log.error("edition_breaker", edition=edition_id, reason=why)
        try:
            with self._db.write() as session:
                edition_control.hold(session, edition_id, reason=why, now=at, who=BREAKER)
        except EditionError:
            _log.info("edition_over", edition=edition_id)

    def _unfit(self, one: Settled, edition_id: int) -> str:
        """Why a content that cannot be made stops its edition; each counts once, so a released edition goes on without it."""
        unfit = self._breakers[edition_id].unfit
        if not one.fault or one.content_id is None or one.content_id in unfit:
            return ""
        unfit.add(one.content_id)
        if one.content_id == self._first_content(edition_id):
            return f"its first mail cannot be made: {one.fault}"
        if len(unfit) % UNFIT_AT_MOST == 0:
            return f"the mails of {len(unfit)} contents cannot be made: {one.fault}"
        return ""

    def _first_content(self, edition_id: int) -> int | None:
        with self._db.read() as session:
            first = select(func.min(col(Delivery.content_id))).where(col(Delivery.edition_id) == edition_id)
            return session.execute(first).scalar()
