"""From "it is seven o'clock" to rows: releases are cut, editions opened, and people written down in slices.

Each step is one transaction and can be killed and repeated: the UNIQUE keys of Release, Edition, Content and Delivery
decide, never a lock. Deliveries belong to a higher room, so planning is handed a `Ledger` that writes them.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlmodel import col

from digest.collector import uncollected
from digest.db import Database
from digest.editions.due import due_slots, groups, open_edition
from digest.editions.ledger import Alerts, InstantRules, Ledger, PlannedDelivery
from digest.editions.models import Edition, EditionState
from digest.editions.news import EditionNews
from digest.editions.releases import cut_release, newest_release
from digest.editions.slices import plan_slice, warm

__all__ = [
    "Alerts",
    "InstantRules",
    "Ledger",
    "PlanCounts",
    "PlannedDelivery",
    "cut_release",
    "groups",
    "newest_release",
    "plan_due",
]

LEAST: Final = 250
MOST: Final = 10_000
"""People a slice."""
HELD: Final = timedelta(milliseconds=150)
"""How long a slice aims to hold its locks; whoever leaves or signs up meanwhile waits for it."""


@dataclass(slots=True)
class PlanCounts:
    """What one planning run wrote."""

    editions: int = 0
    deliveries: int = 0
    contents: int = 0
    missed: int = 0


def plan_due(
    db: Database,
    ledger: Ledger,
    *,
    now: datetime,
    catch_up: timedelta,
    instant: InstantRules,
    slice_size: int | None = None,
) -> PlanCounts:
    """Plan everything that is due at `now`; any number of planners may do so at once.

    Without a `slice_size` a slice has as many people as its locks allow.
    """
    counts = PlanCounts()
    due, counts.missed = due_slots(db, now=now, catch_up=catch_up)
    if due:
        cut_release(db, now=now)
        for slot in due:
            with db.write() as session:
                open_edition(session, slot, now=now)
    for edition_id in _unplanned(db):
        _plan_edition(db, ledger, edition_id, now=now, instant=instant, slice_size=slice_size, counts=counts)
    return counts


def _unplanned(db: Database) -> list[Edition]:
    with db.read() as session:
        rows = session.execute(
            select(Edition)
            .where(
                col(Edition.is_planned).is_(False),
                col(Edition.state).in_([EditionState.PLANNED, EditionState.SENDING]),
            )
            .order_by(col(Edition.due_at), col(Edition.id))
        )
        return list(rows.scalars())


def _plan_edition(
    db: Database,
    ledger: Ledger,
    edition: Edition,
    *,
    now: datetime,
    instant: InstantRules,
    slice_size: int | None,
    counts: PlanCounts,
) -> None:
    counts.editions += 1
    size = slice_size or LEAST
    news = EditionNews(edition)
    is_last = False
    with db.read() as session:
        warm(session, edition, size=size, news=news)
    while not is_last:
        began = time.monotonic()
        with uncollected(), db.write() as session:
            written = plan_slice(session, ledger, edition.id, now=now, instant=instant, size=size, news=news)
        counts.deliveries += written.deliveries
        counts.contents += written.contents
        is_last = written.is_last
        size = slice_size or next_size(size, timedelta(seconds=time.monotonic() - began))


def next_size(size: int, took: timedelta) -> int:
    """How many people the next slice has, when one of `size` took so long; it never grows more than twofold."""
    fitting = size * HELD / max(took, HELD / 2)
    return round(min(max(fitting, LEAST), MOST))
