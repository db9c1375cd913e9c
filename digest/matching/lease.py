"""The matching stage is worked by one process at a time, to save work; what is right rests on keys, not on this."""

from typing import Final
from uuid import uuid4

import structlog
from sqlalchemy import or_, update
from sqlmodel import Session, col

from digest.db import Database, changed
from digest.matching.models import MatchStage
from digest.matching.text import ANALYZER_VERSION
from subscribers.types import metadata
from subscribers.upsert import insert

log = structlog.get_logger()

LEASE: Final = 5.0
"""Seconds after which a silent holder is taken for dead; renewed with every batch. A slow batch is only worked twice."""


_STAGE: Final = metadata.tables[MatchStage.__tablename__]


class StageLease:
    """One process's claim on the stage."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._owner = uuid4().hex

    def claim(self) -> bool:
        """Take or renew the lease; False while another process holds it."""
        with self._db.write() as session:
            row = {
                "id": 1,
                "owner": "",
                "lease_until": 0.0,
                "fence": 0,
                "analyzer_version": ANALYZER_VERSION,
            }
            session.execute(insert(session, _STAGE).values(row).on_conflict_do_nothing())
            return self._take(session)

    def _take(self, session: Session) -> bool:
        clock = self._db.lease_clock(session)
        until = col(MatchStage.lease_until)
        is_free = or_(
            col(MatchStage.owner) == self._owner,
            until < clock,
            until > clock + 2 * LEASE,  # the clock began anew with the machine
        )
        taken = session.execute(
            update(MatchStage)
            .where(col(MatchStage.id) == 1, is_free)
            .values(owner=self._owner, lease_until=clock + LEASE, fence=MatchStage.fence + 1)
        )
        is_taken = bool(taken.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result has it
        if is_taken:
            self._note_version(session)
        return is_taken

    def _note_version(self, session: Session) -> None:
        """Remember by which analyzer articles are matched from now on; what was matched before stays as it is."""
        is_other = col(MatchStage.analyzer_version) != ANALYZER_VERSION
        if changed(session, update(MatchStage).where(is_other).values(analyzer_version=ANALYZER_VERSION)):
            log.info("analyzer changed", version=ANALYZER_VERSION)

    def give_back(self) -> None:
        """Let the next process begin at once."""
        with self._db.write() as session:
            session.execute(
                update(MatchStage).where(col(MatchStage.owner) == self._owner).values(lease_until=0.0)
            )
