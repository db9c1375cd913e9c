"""How many mails anybody can make us send to one address: exact across processes, because one statement looks and takes.

An address is known here only by its keyed hash, so the limit holds for people and strangers alike.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import bindparam, or_
from sqlalchemy.orm import Session

from subscribers.tables import ALLOWANCE
from subscribers.upsert import dialect_of, insert, insert_for

CLOSED_FOR = timedelta(days=30)
"""How long nothing is sent to an address whose owner said "this wasn't me"."""


class AllowanceKind(StrEnum):
    """What the mails are about; `sign_up` counts confirmation and already together."""

    SIGN_UP = "sign_up"
    STOPPED = "stopped"
    """A sign-up of an address that must not be mailed: counted apart, so that it costs what any other does."""
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
        AllowanceKind.STOPPED: Limit(gap=timedelta(hours=24), window=timedelta(days=30)),
        AllowanceKind.ADDRESS_CHANGE: Limit(gap=timedelta(hours=24), window=timedelta(days=30)),
        AllowanceKind.MANAGE: Limit(gap=timedelta(minutes=15), window=timedelta(hours=24)),
    }
)


def claim(session: Session, kind: AllowanceKind, hashes: Iterable[str], *, now: datetime) -> set[str]:
    """Take one mail for each address hash that may have one now; the hashes that got it."""
    return {taken for taken, _ in _take(session, dict.fromkeys(hashes, kind), LIMITS[kind], now=now)}


def claim_sign_ups(
    session: Session, hashes: Iterable[str], stopped: Iterable[str], *, now: datetime
) -> set[str]:
    """Take one mail for each of `hashes` that may have one; `stopped` ones take none, by the same statement."""
    kinds = dict.fromkeys(hashes, AllowanceKind.SIGN_UP) | dict.fromkeys(stopped, AllowanceKind.STOPPED)
    taken = _take(session, kinds, LIMITS[AllowanceKind.SIGN_UP], now=now)
    return {one for one, kind in taken if kind == AllowanceKind.SIGN_UP}


def _take(
    session: Session, kinds: Mapping[str, AllowanceKind], limit: Limit, *, now: datetime
) -> list[tuple[str, str]]:
    times = {
        "newest_at": now,
        "updated_at": now,
        "rested_since": now - limit.gap,
        "spent_since": now - limit.window,
    }
    # In one order everywhere: two processes with the same addresses wait for each other instead of deadlocking.
    rows = [times | {"address_hash": one, "kind": kinds[one]} for one in sorted(kinds)]
    if not rows:
        return []
    taken = session.connection().execute(_claim(dialect_of(session)), rows)
    return [(row.address_hash, row.kind) for row in taken]


@cache
def _claim(dialect: str) -> Any:
    """Look and take in one statement; its text is made once, the moments come with the rows."""
    have = ALLOWANCE.c
    rested, spent = (bindparam(name, type_=have.newest_at.type) for name in ("rested_since", "spent_since"))
    names = ("address_hash", "kind", "newest_at", "updated_at")
    take = insert_for(dialect, ALLOWANCE).values(
        {name: bindparam(name, type_=have[name].type) for name in names}
    )
    now = take.excluded.newest_at  # no parameter of its own here, or each row would be a statement
    take = take.on_conflict_do_update(
        index_elements=[have.address_hash, have.kind],
        set_={"oldest_at": have.middle_at, "middle_at": have.newest_at, "newest_at": now, "updated_at": now},
        where=or_(have.newest_at.is_(None), have.newest_at <= rested)
        & or_(have.oldest_at.is_(None), have.oldest_at <= spent)
        & or_(have.closed_until.is_(None), have.closed_until <= now),
    )
    return take.returning(have.address_hash, have.kind)


def close(session: Session, kind: AllowanceKind, address_hash: str, *, now: datetime) -> None:
    """Send this address no such mail for 30 days: its owner did not ask for the last one."""
    until = {"closed_until": now + CLOSED_FOR, "updated_at": now}
    row = insert(session, ALLOWANCE).values(address_hash=address_hash, kind=kind, **until)
    session.execute(
        row.on_conflict_do_update(index_elements=[ALLOWANCE.c.address_hash, ALLOWANCE.c.kind], set_=until)
    )
