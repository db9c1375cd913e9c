"""Which feeds are asked now, and by whom. A claim is committed before the first byte leaves.

It writes two moments at once: `claimed_until`, so no second poller takes the feed, and `next_check_at`, so a crash
between the request and its result never makes us ask early. `claimed_until` is also the fence: a result counts only
while its claim still stands.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from digest.feeds.models import Feed, FeedState, HostState
from digest.feeds.schedule import CLAIM, FLOORS, FRESH_ENOUGH, PULL_AHEAD

PER_HOST: Final = 2
SPACING: Final = timedelta(seconds=1)

_AHEAD: Final = 4  # looked at for each one wanted: some of the first belong to hosts that are busy
_STILL: Final = (FeedState.PAUSED, FeedState.GONE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which feeds a round is about: what is due, or certain feeds whether due or not."""

    feed_ids: frozenset[int] | None = None

    def condition(self, now: datetime) -> ColumnElement[bool]:
        """The feeds of this round that want to be asked at `now`."""
        if self.feed_ids is not None:
            return col(Feed.id).in_(self.feed_ids)
        return and_(col(Feed.next_check_at) <= now, col(Feed.state).not_in(_STILL))


def claim(session: Session, wanted: Wanted, *, now: datetime, limit: int) -> list[Feed]:
    """Take up to `limit` feeds, at most two of a host in all processes; those of a resting host stay.

    The rows come back as they are after the claim; the caller commits before it asks anybody.
    """
    candidates = session.execute(_candidates(wanted, now, _AHEAD * limit)).all()
    if not candidates:
        return []
    hosts = _lock_hosts(session, {host for _, host in candidates}, now)
    busy = _live_claims(session, hosts, now)
    chosen: list[int] = []
    for feed_id, host in candidates:
        if len(chosen) < limit and host in hosts and busy.get(host, 0) < PER_HOST:
            busy[host] = busy.get(host, 0) + 1
            chosen.append(feed_id)
    return _take(session, chosen, hosts, now)


def next_turn(session: Session, wanted: Wanted, *, now: datetime) -> datetime | None:
    """When a wanted feed that only waits for its turn at a host may start; None if nothing waits."""
    statement = (
        select(func.min(HostState.next_start_at))
        .select_from(Feed)
        .join(HostState, col(HostState.host) == col(Feed.host))
        .where(wanted.condition(now), _is_unclaimed(now), ~_rests(now), col(HostState.next_start_at) > now)
    )
    return session.execute(statement).scalar()


def pull_forward(session: Session, *, wanted_by: datetime, now: datetime) -> int:
    """In the last quarter of an hour before an edition make feeds due that were not read for half an hour.

    Only healthy ones, and never below their floor; the host's rest is respected by the claim. The number of feeds.
    """
    if not wanted_by - PULL_AHEAD <= now < wanted_by:
        return 0
    pulled = 0
    for trust, floor in FLOORS.items():
        pulled += _count(
            session,
            update(Feed)
            .where(
                col(Feed.trust) == trust,
                col(Feed.state).in_((FeedState.ACTIVE, FeedState.RETRYING)),
                col(Feed.next_check_at) > now,
                col(Feed.last_ok_at) <= now - FRESH_ENOUGH,
                col(Feed.last_attempt_at) <= now - floor,
            )
            .values(next_check_at=now),
        )
    return pulled


def resting(session: Session, *, now: datetime) -> Mapping[str, datetime]:
    """The hosts that asked for silence, and until when."""
    rows = session.execute(
        select(col(HostState.host), col(HostState.not_before)).where(col(HostState.not_before) > now)
    )
    return {host: until for host, until in rows if until is not None}


def host_state(session: Session, host: str) -> HostState:
    """The row of a host, locked; made if it is missing."""
    ensure_hosts(session, {host})
    statement = select(HostState).where(col(HostState.host) == host).with_for_update()
    row: HostState = session.execute(statement.execution_options(populate_existing=True)).scalar_one()
    return row


def ensure_hosts(session: Session, hosts: Collection[str]) -> None:
    """Make the rows of hosts that have none yet; two processes may do so at once."""
    if not hosts:
        return
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    rows = [{"host": host, "strikes": 0, "reason": ""} for host in sorted(hosts)]
    session.execute(dialect.insert(HostState).on_conflict_do_nothing(), rows)


def _candidates(wanted: Wanted, now: datetime, limit: int) -> Any:
    """The feeds to choose from, at most two of a host: the longest due first."""
    place = func.row_number().over(
        partition_by=col(Feed.host), order_by=(col(Feed.next_check_at), col(Feed.id))
    )
    ranked = (
        select(col(Feed.id), col(Feed.host), col(Feed.next_check_at), place.label("place"))
        .outerjoin(HostState, col(HostState.host) == col(Feed.host))
        .where(
            wanted.condition(now),
            _is_unclaimed(now),
            ~_rests(now),
            or_(col(HostState.next_start_at).is_(None), col(HostState.next_start_at) <= now),
        )
        .subquery()
    )
    return (
        select(ranked.c.id, ranked.c.host)
        .where(ranked.c.place <= PER_HOST)
        .order_by(ranked.c.next_check_at, ranked.c.id)
        .limit(limit)
    )


def _is_unclaimed(now: datetime) -> ColumnElement[bool]:
    return or_(col(Feed.claimed_until).is_(None), col(Feed.claimed_until) <= now)


def _rests(now: datetime) -> ColumnElement[bool]:
    return func.coalesce(col(HostState.not_before) > now, False)


def _lock_hosts(session: Session, hosts: Collection[str], now: datetime) -> dict[str, HostState]:
    """Lock the hosts that nobody else is choosing from at this moment; those that may start now."""
    statement = (
        select(HostState)
        .where(col(HostState.host).in_(hosts))
        .order_by(col(HostState.host))
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(statement.execution_options(populate_existing=True)).scalars()
    return {
        row.host: row
        for row in rows
        if not _is_later(row.not_before, now) and not _is_later(row.next_start_at, now)
    }


def _is_later(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment > now


def _live_claims(session: Session, hosts: Collection[str], now: datetime) -> dict[str, int]:
    statement = (
        select(col(Feed.host), func.count())
        .where(col(Feed.host).in_(hosts), col(Feed.claimed_until) > now)
        .group_by(col(Feed.host))
    )
    return {host: int(count) for host, count in session.execute(statement)}


def _take(session: Session, chosen: list[int], hosts: Mapping[str, HostState], now: datetime) -> list[Feed]:
    taken: list[Feed] = []
    for trust, floor in FLOORS.items():
        statement = (
            update(Feed)
            .where(col(Feed.id).in_(chosen), col(Feed.trust) == trust, _is_unclaimed(now))
            .values(claimed_until=now + CLAIM, next_check_at=now + floor, last_attempt_at=now)
            .returning(Feed)
        )
        taken += session.execute(statement.execution_options(synchronize_session=False)).scalars()
    for feed in taken:
        host = hosts[feed.host]
        host.next_start_at = max(host.next_start_at or now, now) + SPACING
    session.flush()
    return sorted(taken, key=lambda feed: chosen.index(feed.id))


def _count(session: Session, statement: Any) -> int:
    result: Any = session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)
