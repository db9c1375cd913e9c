"""How many mails anybody can make us send to one address: exact across processes, because one statement looks and takes.

An address is known here only by its keyed hash, so the limit holds for people and strangers alike.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import or_
from sqlalchemy.orm import Session

from subscribers.tables import ALLOWANCE
from subscribers.upsert import insert

CLOSED_FOR = timedelta(days=30)
"""How long nothing is sent to an address whose owner said "this wasn't me"."""


class AllowanceKind(StrEnum):
    """What the mails are about; `sign_up` counts confirmation and already together."""

    SIGN_UP = "sign_up"
    ADDRESS_CHANGE = "address_change"
    MANAGE = "manage"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most one mail in `gap`, at most three in `window`."""

    gap: timedelta
    window: timedelta


LIMITS = MappingProxyType(
    {
        AllowanceKind.SIGN_UP: Limit(gap=timedelta(hours=24), window=timedelta(days=30)),
        AllowanceKind.ADDRESS_CHANGE: Limit(gap=timedelta(hours=24), window=timedelta(days=30)),
        AllowanceKind.MANAGE: Limit(gap=timedelta(minutes=15), window=timedelta(hours=24)),
    }
)


def claim(session: Session, kind: AllowanceKind, hashes: Iterable[str], *, now: datetime) -> set[str]:
    """Take one mail for each address hash that may have one now; the hashes that got it."""
    # In one order everywhere: two processes with the same addresses wait for each other instead of deadlocking.
    rows = [
        {"address_hash": one, "kind": kind, "newest_at": now, "updated_at": now}
        for one in sorted(set(hashes))
    ]
    if not rows:
        return set()
    limit, have = LIMITS[kind], ALLOWANCE.c
    take = insert(session, ALLOWANCE).on_conflict_do_update(
        index_elements=[have.address_hash, have.kind],
        set_={"oldest_at": have.middle_at, "middle_at": have.newest_at, "newest_at": now, "updated_at": now},
        where=or_(have.newest_at.is_(None), have.newest_at <= now - limit.gap)
        & or_(have.oldest_at.is_(None), have.oldest_at <= now - limit.window)
        & or_(have.closed_until.is_(None), have.closed_until <= now),
    )
    return set(session.execute(take.returning(have.address_hash), rows).scalars())


def close(session: Session, kind: AllowanceKind, address_hash: str, *, now: datetime) -> None:
    """Send this address no such mail for 30 days: its owner did not ask for the last one."""
    until = {"closed_until": now + CLOSED_FOR, "updated_at": now}
    row = insert(session, ALLOWANCE).values(address_hash=address_hash, kind=kind, **until)
    session.execute(
        row.on_conflict_do_update(index_elements=[ALLOWANCE.c.address_hash, ALLOWANCE.c.kind], set_=until)
    )
