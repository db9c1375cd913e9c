"""When a feed is asked again, and how healthy it is. Pure: values in, values out.

The order of who is heard: the host's rest beats everything, then our own floor, then the publisher's wishes, then
what the feed's own rhythm suggests. A feed never stops silently: every state has a next attempt, except the two a
person chose or the server declared (`paused`, `gone`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from statistics import median
from typing import Final

from digest.feeds.models import Feed, FeedState, HostState, Trust
from digest.feeds.outcomes import Outcome

FLOORS: Final = {Trust.OWN: timedelta(minutes=15), Trust.THIRD: timedelta(minutes=60)}
"""No feed is asked more often than this, whatever anybody wishes."""

CLAIM: Final = timedelta(seconds=120)
"""How long a claimed feed is left to its claimer."""

NEVER: Final = timedelta(days=36_500)
LONGEST_WISH: Final = timedelta(hours=24)
LONGEST_BASE: Final = timedelta(hours=6)
UNKNOWN_BASE: Final = timedelta(hours=1)
QUIET_AFTER: Final = timedelta(days=30)
GAPS: Final = 20

PULL_AHEAD: Final = timedelta(minutes=15)
FRESH_ENOUGH: Final = timedelta(minutes=30)

_DAY: Final = timedelta(days=1)
_BROKEN_AFTER: Final = 3
_FAILING_AFTER: Final = timedelta(days=7)
_DORMANT_AFTER: Final = timedelta(days=60)
_GONE_COUNT: Final = 3
_GONE_OVER: Final = timedelta(hours=48)
_SHORTEST_REST: Final = timedelta(seconds=60)
_SLOW_STATES: Final = {FeedState.FAILING: _DAY, FeedState.BROKEN: _DAY, FeedState.DORMANT: timedelta(days=7)}
_STILL_STATES: Final = frozenset({FeedState.GONE, FeedState.PAUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A feed's health after an outcome. `is_news` says that an operator should be told of the change."""

    state: FeedState
    state_since: datetime
    error_count: int
    gone_count: int
    gone_since: datetime | None
    is_news: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """The silence a host asked for."""

    not_before: datetime
    strikes: int


def floor(feed: Feed) -> timedelta:
    """The shortest time between two requests for a feed."""
    return FLOORS[feed.trust]


def median_gap(published: Sequence[datetime]) -> timedelta | None:
    """The usual time between the last 20 dated articles; None for fewer than three dates."""
    newest = sorted(published, reverse=True)[: GAPS + 1]
    if len(newest) < 3:
        return None
    return timedelta(seconds=median((later - earlier).total_seconds() for later, earlier in pairwise(newest)))


def interval(feed: Feed, *, now: datetime) -> timedelta:
    """The time between two successful requests before jitter; never below the floor."""
    if feed.interval is not None:  # the operator's own word replaces all guesses and wishes
        return max(feed.interval, floor(feed))
    wishes = min(max(feed.ttl or timedelta(), feed.max_age or timedelta()), LONGEST_WISH)
    return max(_base(feed, now=now), wishes, floor(feed))


def _base(feed: Feed, *, now: datetime) -> timedelta:
    if feed.last_change_at is not None and now - feed.last_change_at > QUIET_AFTER:
        return _DAY
    half = UNKNOWN_BASE if feed.median_gap is None else feed.median_gap / 2
    return min(max(half, floor(feed)), LONGEST_BASE)


def next_check(
    feed: Feed,
    host: HostState | None,
    outcome: Outcome,
    *,
    now: datetime,
    rng: Random,
    wanted_by: datetime | None = None,
) -> datetime:
    """When to ask again after `outcome`; `feed` and `host` already hold the health and rest that followed it.

    Never before now + floor nor before the host's `not_before`. `wanted_by` is the moment of an edition: a feed
    that would be older than 30 minutes then is pulled forward to a quarter of an hour before.
    """
    if feed.state in _STILL_STATES:
        return now + NEVER
    usual = interval(feed, now=now)
    wait = (
        usual * rng.uniform(0.9, 1.1)
        if outcome.is_ok
        else _after_error(feed, outcome, usual) * rng.uniform(0.8, 1.2)
    )
    earliest = max(now + floor(feed), (host.not_before if host else None) or now)
    planned = now + wait
    if outcome.is_ok and wanted_by is not None:
        planned = min(planned, _pulled(now, wanted_by))
    return max(planned, earliest)


def _pulled(now: datetime, wanted_by: datetime) -> datetime:
    ahead = wanted_by - PULL_AHEAD
    return ahead if ahead - now > FRESH_ENOUGH else now + NEVER


def _after_error(feed: Feed, outcome: Outcome, usual: timedelta) -> timedelta:
    slow = _SLOW_STATES.get(feed.state)
    if slow is not None:
        return slow
    if outcome is Outcome.THROTTLED:  # the host's rest doubles already
        return usual
    doublings = min(max(feed.error_count - 1, 0), 10)
    return min(usual * (1 << doublings), _DAY)


def health(feed: Feed, outcome: Outcome, *, now: datetime) -> Health:
    """The health of a feed after `outcome`; a paused feed stays paused, its counts go on."""
    gone_count, gone_since = _gone(feed, outcome, now=now)
    error_count = 0 if outcome.is_ok else feed.error_count + 1
    state = _state(feed, outcome, error_count=error_count, now=now)
    if gone_since is not None and gone_count >= _GONE_COUNT and now - gone_since >= _GONE_OVER:
        state = FeedState.GONE
    if feed.state is FeedState.PAUSED:
        state = FeedState.PAUSED
    is_new_state = state is not feed.state
    return Health(
        state=state,
        state_since=now if is_new_state else feed.state_since,
        error_count=error_count,
        gone_count=gone_count,
        gone_since=gone_since,
        is_news=is_new_state and state not in {FeedState.ACTIVE, FeedState.RETRYING},
    )


def _gone(feed: Feed, outcome: Outcome, *, now: datetime) -> tuple[int, datetime | None]:
    """Count the 410s in a row; anything that is an answer ends the row, a network error does not."""
    if outcome is Outcome.GONE:
        return feed.gone_count + 1, feed.gone_since or now
    return (0, None) if outcome.is_ok else (feed.gone_count, feed.gone_since)


def _state(feed: Feed, outcome: Outcome, *, error_count: int, now: datetime) -> FeedState:
    if outcome.is_ok:
        return FeedState.ACTIVE
    without_success = now - (feed.last_ok_at or feed.created_at)
    match feed.state:
        case FeedState.NEW:
            return FeedState.BROKEN if error_count >= _BROKEN_AFTER else FeedState.NEW
        case FeedState.ACTIVE:
            return FeedState.RETRYING
        case FeedState.RETRYING if without_success >= _FAILING_AFTER:
            return FeedState.FAILING
        case FeedState.FAILING | FeedState.BROKEN if without_success >= _DORMANT_AFTER:
            return FeedState.DORMANT
        case _:
            return feed.state


def rest(host: HostState | None, wait: timedelta | None, *, now: datetime) -> Rest:
    """The silence that follows a 429 or 503: the longer of `Retry-After` and 60 s · 2^strikes, at most a day.

    Strikes are forgotten a day after the last one.
    """
    strikes = 0
    if host is not None and host.strikes_at is not None and now - host.strikes_at < _DAY:
        strikes = host.strikes
    silence = max(wait or timedelta(), _SHORTEST_REST * (1 << min(strikes, 12)))
    return Rest(not_before=now + min(silence, _DAY), strikes=strikes + 1)
