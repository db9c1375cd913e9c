"""Who may work on which chunk: claim, renew, give back. Leases end by the database's clock, fences decide who marks.

A claim is one statement for both databases; on SQLite it rests on BEGIN IMMEDIATE. Its transaction also settles what a
dead owner left `in_data`, so nothing is ever taken twice without being counted.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Float,
    Select,
    bindparam,
    extract,
    func,
    literal,
    select,
    text,
    type_coerce,
    update,
)
from sqlmodel import Session, col

from digest.db import Database, changed
from digest.delivery.models import Chunk, Delivery, DeliveryState, MailKind, Reason
from digest.delivery.outbox import skip
from digest.delivery.settlement import Settlement
from digest.editions.models import Edition, EditionState
from subscribers.types import UtcDateTime

CAREFUL_CLAIMS: Final = 3
POISON_CLAIMS: Final = 5
_OPEN: Final = (DeliveryState.PLANNED, DeliveryState.DEFERRED)


class Due(NamedTuple):
    """A delivery that may be tried now, with all that its mail needs of its person."""

    id: int
    kind: MailKind
    edition_id: int | None
    content_id: int | None
    data: dict[str, Any] | None
    address: str | None
    locale: str
    person: UUID | None
    token_version: int
    confirmed_at: datetime | None
    attempts: int
    resends: int
    dated_at: datetime | None
    """Of the copy that may be out there; a resend keeps it."""
    address_key: str | None = None
    """Of the person, to see whether the address is suppressed."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A chunk of ours until its lease ends, and the deliveries of it that are due."""

    chunk_id: int
    edition_id: int | None
    lane: int
    fence: int
    rows: list[Due]
    is_careful: bool = False
    """Earlier owners died of it: one delivery at a time, each committed as suspect before it is touched."""
    taken_over: int = 0


class Queue:
    """The chunks of one database as one worker sees them."""

    def __init__(
        self,
        db: Database,
        settlement: Settlement,
        *,
        owner: str,
        lease: timedelta,
        lease_clock: Callable[[], float] | None = None,
    ) -> None:
        self.db = db
        self.settlement = settlement
        self.owner = owner
        self._lease = lease.total_seconds()
        self._lease_clock = lease_clock

    def claim(self, *, now: datetime, lanes: Sequence[int] = (0, 1, 2)) -> Claim | None:
        """The next ready chunk, or None. Of the lanes given, the lowest number comes first."""
        with self.db.write() as session:
            taken = session.execute(self._claim(now, lanes)).first()
            if taken is None:
                return None
            chunk_id, edition_id, lane, fence, claims, expires_at, suspect_id = taken
            orphans = self.settlement.take_over(session, chunk_id, now=now)
            if claims >= POISON_CLAIMS and suspect_id is not None:
                self.settlement.fail(session, [suspect_id], Reason.POISON, now=now)
                session.execute(
                    update(Chunk).where(col(Chunk.id) == chunk_id).values(claims=1, suspect_id=None)
                )
            if expires_at <= now:
                self.settlement.expire(session, chunk_id, now=now)
            rows = self._allowed(session, due(session, chunk_id, now=now), now=now)
        return Claim(chunk_id, edition_id, lane, fence, rows, claims >= CAREFUL_CLAIMS, orphans)

    def _allowed(self, session: Session, rows: list[Due], *, now: datetime) -> list[Due]:
        """Without editions to suppressed addresses, which end here; what somebody just asked for goes to any address."""
        keys = {row.address_key for row in rows if row.kind is MailKind.EDITION and row.address_key}
        stopped = self.settlement.suppressed(session, keys) if keys else set()
        if not stopped:
            return rows
        ids = [row.id for row in rows if row.kind is MailKind.EDITION and row.address_key in stopped]
        skip(session, col(Delivery.id).in_(ids), Reason.SUPPRESSED, now=now)
        gone = set(ids)
        return [row for row in rows if row.id not in gone]

    def renew(self, claims: Sequence[Claim]) -> set[int]:
        """Prolong leases; the ids of the chunks that are still ours.

        A chunk that was held meanwhile is no longer ours to send, but its answers are still awaited: nobody else may
        take it yet.
        """
        with self.db.write() as session:
            fences = {claim.chunk_id: self._touch(session, claim) for claim in claims}
        return {claim.chunk_id for claim in claims if fences[claim.chunk_id] == claim.fence}

    def holds(self, claim: Claim) -> bool:
        """Whether a chunk is still under our fence."""
        with self.db.read() as session:
            fence = select(col(Chunk.fence)).where(col(Chunk.id) == claim.chunk_id)
            return session.execute(fence).scalar() == claim.fence

    def suspect(self, claim: Claim, delivery_id: int) -> bool:
        """Write down, on disk, which delivery is touched next; False when the chunk is no longer ours."""
        with self.db.write() as session:
            suspecting = update(Chunk).where(col(Chunk.id) == claim.chunk_id, col(Chunk.fence) == claim.fence)
            return changed(session, suspecting.values(suspect_id=delivery_id)) == 1

    def give_back(self, claim: Claim, *, now: datetime, not_before: datetime | None = None) -> bool:
        """End the lease: the chunk closes, or is ready again when its next delivery is. True when it closed."""
        with self.db.write() as session:
            count, earliest, expires_at = session.execute(_left(claim.chunk_id, now)).one()
            ready_at = min(max(earliest or now, not_before or now), expires_at)
            values: dict[str, Any] = {"owner": "", "lease_until": 0.0, "claims": 0, "suspect_id": None}
            values |= {"is_open": False} if count == 0 else {"ready_at": ready_at}
            is_ours = changed(session, update(Chunk).where(self._mine(claim)).values(values)) == 1
        if is_ours and count == 0 and claim.edition_id is not None:
            with self.db.write() as session:
                finish_edition(session, claim.edition_id, now=now)
        return is_ours and count == 0

    def _touch(self, session: Session, claim: Claim) -> int | None:
        """The fence of a chunk whose lease could be prolonged."""
        longer = update(Chunk).where(self._mine(claim)).values(lease_until=self._lease_now() + self._lease)
        return session.execute(longer.returning(col(Chunk.fence))).scalar()

    def _mine(self, claim: Claim) -> ColumnElement[bool]:
        """Under our fence, or held since but taken by nobody else."""
        is_held_since = col(Chunk.is_held) & (col(Chunk.owner) == self.owner)
        return (col(Chunk.id) == claim.chunk_id) & ((col(Chunk.fence) == claim.fence) | is_held_since)

    def _claim(self, now: datetime, lanes: Sequence[int]) -> Any:
        moment = self._lease_now()
        ready = (
            select(col(Chunk.id))
            .where(
                col(Chunk.is_open),
                ~col(Chunk.is_held),
                col(Chunk.lane).in_(lanes),
                col(Chunk.ready_at) <= now,
                col(Chunk.lease_until) < moment,
            )
            .order_by(col(Chunk.lane), col(Chunk.ready_at), col(Chunk.id))
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        return (
            update(Chunk)
            .where(col(Chunk.id) == ready)
            .values(
                owner=self.owner,
                lease_until=moment + self._lease,
                fence=Chunk.fence + 1,
                claims=Chunk.claims + 1,
            )
            .returning(
                col(Chunk.id),
                col(Chunk.edition_id),
                col(Chunk.lane),
                col(Chunk.fence),
                col(Chunk.claims),
                col(Chunk.expires_at),
                col(Chunk.suspect_id),
            )
        )

    def _lease_now(self) -> ColumnElement[float]:
        if self._lease_clock is not None:
            return literal(self._lease_clock())
        if self.db.is_sqlite:
            return literal(time.monotonic())
        return type_coerce(extract("epoch", func.clock_timestamp()), Float())


def finish_edition(session: Session, edition_id: int, *, now: datetime) -> bool:
    """Finish an edition by count: everybody is written down and no chunk of it is open. True when it finished now."""
    open_chunks = (
        select(col(Chunk.id)).where(col(Chunk.edition_id) == edition_id, col(Chunk.is_open)).exists()
    )
    its = update(Edition).where(col(Edition.id) == edition_id)
    finishing = its.where(
        col(Edition.is_planned), col(Edition.state) == EditionState.SENDING, ~open_chunks
    ).values(state=EditionState.FINISHED, finished_at=now)
    if changed(session, finishing) == 0:
        return False
    session.execute(its.values(counts=count_states(session, edition_id)))  # once, not for every chunk
    return True


def finish_all(session: Session, *, now: datetime) -> int:
    """Finish every edition whose last chunk closed before its planning ended; how many."""
    sending = session.execute(
        select(col(Edition.id)).where(col(Edition.state) == EditionState.SENDING, col(Edition.is_planned))
    )
    return sum(finish_edition(session, edition_id, now=now) for edition_id in sending.scalars().all())


def count_states(session: Session, edition_id: int) -> dict[str, int]:
    """How many deliveries of an edition stand in each state."""
    rows = session.execute(
        select(col(Delivery.state), func.count())
        .where(col(Delivery.edition_id) == edition_id)
        .group_by(col(Delivery.state))
    )
    found = {state.value: number for state, number in rows}
    return {state.value: found.get(state.value, 0) for state in DeliveryState}


def due(session: Session, chunk_id: int, *, now: datetime) -> list[Due]:
    """What of a chunk may be tried now, ordered by content."""
    result = session.connection().execute(_DUE, {"chunk": chunk_id, "now": now})
    return [_as_due(row) for row in result.cursor.fetchall()]


_DUE: Final = text(
    """
    SELECT d.id, d.kind, d.edition_id, d.content_id, d.data, coalesce(d.address, s.address),
           coalesce(nullif(d.locale, ''), s.locale, ''), s.public_id, coalesce(s.token_version, 0), s.confirmed_at,
           d.attempts, d.resends, d.dated_at, s.address_key
      FROM delivery d LEFT JOIN subscriber s ON s.id = d.subscriber_id
     WHERE d.chunk_id = :chunk AND d.state IN ('planned', 'deferred')
       AND (d.next_attempt_at IS NULL OR d.next_attempt_at <= :now)
     ORDER BY d.content_id, d.id
    """
).bindparams(bindparam("now", type_=UtcDateTime))
"""Run for each delivery there is: rows come as the driver gives them, and only what is there is converted."""


def _as_due(row: Sequence[Any]) -> Due:
    (
        id_,
        kind,
        edition,
        content,
        data,
        address,
        locale,
        person,
        version,
        confirmed,
        attempts,
        resends,
        dated,
        key,
    ) = row
    return Due(
        id_,
        _KINDS[kind],
        edition,
        content,
        data if data is None else _document(data),
        address,
        locale,
        person if person is None else _public_id(person),
        version,
        confirmed if confirmed is None else _moment(confirmed),
        attempts,
        resends,
        dated if dated is None else _moment(dated),
        key,
    )


_KINDS: Final = {kind.value: kind for kind in MailKind}


def _document(stored: Any) -> Any:
    """SQLite keeps JSON as text."""
    return json.loads(stored) if isinstance(stored, str) else stored


def _public_id(stored: Any) -> UUID:
    """SQLite keeps ids as 32 hexadecimal digits."""
    return UUID(int=int(stored, 16)) if isinstance(stored, str) else cast("UUID", stored)


def _moment(stored: Any) -> datetime:
    """SQLite keeps moments as text, in UTC."""
    if isinstance(stored, str):
        return datetime.fromisoformat(f"{stored}+00:00")
    return cast("datetime", stored).astimezone(UTC)


def _left(chunk_id: int, now: datetime) -> Select[Any]:
    """How many deliveries of a chunk are not at their end, when the first is due, and when their time is over."""
    d = Delivery
    waiting = (*_OPEN, DeliveryState.IN_DATA)
    due = func.coalesce(col(d.next_attempt_at), now, type_=d.next_attempt_at.type)  # type: ignore[union-attr]
    left = (
        select(func.count(), func.min(due))
        .where(col(d.chunk_id) == chunk_id, col(d.state).in_(waiting))
        .subquery()
    )
    expires = select(col(Chunk.expires_at)).where(col(Chunk.id) == chunk_id).scalar_subquery()
    return select(left.c[0], left.c[1], expires)
