"""Whom we must not mail: a keyed hash of the address and a reason. It always wins over any import."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from subscribers import departures
from subscribers.departures import Departure, Way
from subscribers.hashing import AddressHasher
from subscribers.models import SuppressionReason
from subscribers.tables import SUPPRESSION
from subscribers.upsert import insert

HARD_BOUNCE_REST = timedelta(days=30)
"""After this, a fresh sign-up may ask again whether a mailbox that refused us exists."""

# What ends by the person's own doing; a complaint or the operator's word does not.
_LIFTED_BY_CONFIRMATION = frozenset(
    {SuppressionReason.HARD_BOUNCE, SuppressionReason.UNSUBSCRIBED, SuppressionReason.ERASED}
)
# A stronger reason is never replaced by a weaker one.
_FINAL = frozenset({SuppressionReason.COMPLAINT, SuppressionReason.MANUAL})

_REASONS = select(
    SUPPRESSION.c.address_hash, SUPPRESSION.c.reason, SUPPRESSION.c.since, SUPPRESSION.c.note
).where(SUPPRESSION.c.address_hash.in_(bindparam("hashes", expanding=True)))


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Why and since when an address must not be mailed."""

    reason: SuppressionReason
    since: datetime
    note: str = ""


def reasons(session: Session, address_keys: Iterable[str], *, hasher: AddressHasher) -> dict[str, Suppressed]:
    """Those of the addresses that are suppressed, by address key."""
    keys = {hasher.hash(key): key for key in address_keys}
    found = session.connection().execute(_REASONS, {"hashes": list(keys)})
    return {keys[row.address_hash]: Suppressed(row.reason, row.since, row.note) for row in found}


def may_ask(suppressed: Suppressed | None, *, now: datetime) -> bool:
    """Whether a fresh sign-up may be answered by a confirmation mail."""
    if suppressed is None:
        return True
    if suppressed.reason is SuppressionReason.HARD_BOUNCE:
        return suppressed.since <= now - HARD_BOUNCE_REST
    return may_confirm(suppressed)


def may_confirm(suppressed: Suppressed | None) -> bool:
    """Whether using the mailed link ends the suppression: the mailbox works and its owner wants us."""
    return suppressed is None or suppressed.reason in _LIFTED_BY_CONFIRMATION


def suppress(
    session: Session,
    address_keys: Iterable[str],
    reason: SuppressionReason,
    *,
    now: datetime,
    hasher: AddressHasher,
    note: str = "",
) -> int:
    """Never mail these addresses again; how many rows were written. A complaint or manual entry stays what it is."""
    return suppress_hashes(session, {hasher.hash(key) for key in address_keys}, reason, now=now, note=note)


def suppress_hashes(
    session: Session, hashes: Iterable[str], reason: SuppressionReason, *, now: datetime, note: str = ""
) -> int:
    """The same for addresses known by their keyed hashes only."""
    rows = [
        {"address_hash": one, "reason": reason, "since": now, "note": note} for one in sorted(set(hashes))
    ]
    if not rows:
        return 0
    for one in rows:
        departures.note(session, Departure(Way.SUPPRESSED, str(one["address_hash"]), now, reason.value))
    weaker = SUPPRESSION.c.reason.not_in(_FINAL) & (SUPPRESSION.c.reason != reason)
    put = insert(session, SUPPRESSION).on_conflict_do_update(
        index_elements=[SUPPRESSION.c.address_hash],
        set_={"reason": reason, "since": now, "note": note},
        where=weaker,
    )
    return len(session.execute(put.returning(SUPPRESSION.c.address_hash), rows).all())


def lift(session: Session, address_key: str, *, hasher: AddressHasher) -> bool:
    """Let an address be mailed again; False if it was not suppressed. The operator's note belongs to his own log."""
    departures.note(session, Departure(Way.RETURNED, hasher.hash(address_key)))
    row = delete(SUPPRESSION).where(SUPPRESSION.c.address_hash == hasher.hash(address_key))
    return session.execute(row.returning(SUPPRESSION.c.address_hash)).first() is not None


def lift_by_confirmation(session: Session, address_key: str, *, hasher: AddressHasher) -> bool:
    """End a suppression that the person's own confirmation ends; False if there was none such."""
    departures.note(session, Departure(Way.RETURNED, hasher.hash(address_key)))
    row = delete(SUPPRESSION).where(
        SUPPRESSION.c.address_hash == hasher.hash(address_key),
        SUPPRESSION.c.reason.in_(_LIFTED_BY_CONFIRMATION),
    )
    return session.execute(row.returning(SUPPRESSION.c.address_hash)).first() is not None
