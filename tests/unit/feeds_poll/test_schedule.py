"""When a feed is asked again, and how its health goes on."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.models import Feed, FeedState, HostState, Trust
from digest.feeds.outcomes import Outcome
from digest.feeds.schedule import FLOORS, health, interval, median_gap, next_check, rest
from tests.support.history import own_feed

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def feed(**values: object) -> Feed:
    defaults = {
        "state": FeedState.ACTIVE,
        "last_ok_at": NOW,
        "last_change_at": NOW,
        "created_at": NOW - 90 * DAY,
    }
    return own_feed(NOW, **defaults | values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"median_gap": 4 * HOUR}, 2 * HOUR),
        ({"median_gap": MINUTE}, 15 * MINUTE),
        ({"median_gap": MINUTE, "trust": Trust.THIRD}, HOUR),
        ({"median_gap": 3 * DAY}, 6 * HOUR),
        ({"median_gap": 4 * HOUR, "last_change_at": NOW - 31 * DAY}, DAY),
        ({"median_gap": None}, HOUR),
        ({"median_gap": MINUTE, "ttl": 3 * HOUR}, 3 * HOUR),
        ({"median_gap": MINUTE, "max_age": 5 * HOUR, "ttl": 3 * HOUR}, 5 * HOUR),
        ({"median_gap": MINUTE, "max_age": 365 * DAY}, DAY),
        ({"median_gap": 4 * HOUR, "ttl": 9 * HOUR, "interval": 20 * MINUTE}, 20 * MINUTE),
        ({"median_gap": 4 * HOUR, "interval": MINUTE}, 15 * MINUTE),
    ],
)
def test_the_interval_is_the_feeds_rhythm_within_bounds(
    values: dict[str, object], expected: timedelta
) -> None:
    assert interval(feed(**values), now=NOW) == expected


def test_errors_double_the_wait_up_to_a_day() -> None:
    waits = [
        wait(feed(state=FeedState.RETRYING, median_gap=2 * HOUR, error_count=count)) for count in range(1, 9)
    ]
    assert [round(one / HOUR) for one in waits] == [1, 2, 4, 8, 16, 24, 24, 24]


@pytest.mark.parametrize(
    ("state", "expected"), [(FeedState.FAILING, DAY), (FeedState.BROKEN, DAY), (FeedState.DORMANT, 7 * DAY)]
)
def test_slow_states_are_asked_slowly_whatever_the_error(state: FeedState, expected: timedelta) -> None:
    for outcome in (Outcome.DNS, Outcome.THROTTLED):
        assert wait(feed(state=state, error_count=50), outcome=outcome) == expected


def wait(one: Feed, outcome: Outcome = Outcome.DNS, host: HostState | None = None) -> timedelta:
    """The wait without jitter."""
    return next_check(one, host, outcome, now=NOW, rng=_Middle()) - NOW


class _Middle(Random):
    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def test_a_resting_host_is_left_alone_whatever_the_feed_wants() -> None:
    host = HostState(host="example.org", not_before=NOW + 20 * HOUR)
    for outcome in Outcome:
        assert wait(feed(median_gap=MINUTE), outcome, host) >= 20 * HOUR


@pytest.mark.parametrize("state", [FeedState.GONE, FeedState.PAUSED])
def test_what_a_person_or_the_server_ended_is_not_asked_by_itself(state: FeedState) -> None:
    assert wait(feed(state=state), Outcome.GONE) > 3_650 * DAY


def test_an_edition_pulls_a_check_forward_but_never_below_the_floor() -> None:
    slow = feed(median_gap=12 * HOUR)
    soon = next_check(slow, None, Outcome.UNCHANGED, now=NOW, rng=Random(1), wanted_by=NOW + 2 * HOUR)
    assert soon == NOW + 105 * MINUTE
    at_once = next_check(slow, None, Outcome.UNCHANGED, now=NOW, rng=Random(1), wanted_by=NOW + 20 * MINUTE)
    assert at_once > NOW + 5 * HOUR  # just read: fresh enough for that edition


@given(
    trust=st.sampled_from(Trust),
    state=st.sampled_from(FeedState),
    outcome=st.sampled_from(Outcome),
    gap=st.none() | st.timedeltas(min_value=timedelta(), max_value=900 * DAY),
    ttl=st.none() | st.timedeltas(min_value=timedelta(), max_value=900 * DAY),
    errors=st.integers(0, 10_000),
    rests=st.none() | st.timedeltas(min_value=-DAY, max_value=DAY),
    wanted=st.none() | st.timedeltas(min_value=-DAY, max_value=DAY),
    seed=st.integers(),
)
def test_no_check_is_ever_before_its_bounds(
    trust: Trust,
    state: FeedState,
    outcome: Outcome,
    gap: timedelta | None,
    ttl: timedelta | None,
    errors: int,
    rests: timedelta | None,
    wanted: timedelta | None,
    seed: int,
) -> None:
    one = feed(trust=trust, state=state, median_gap=gap, ttl=ttl, error_count=errors)
    host = HostState(host="example.org", not_before=None if rests is None else NOW + rests)
    wanted_by = None if wanted is None else NOW + wanted
    at = next_check(one, host, outcome, now=NOW, rng=Random(seed), wanted_by=wanted_by)
    assert at >= NOW + FLOORS[trust]
    assert host.not_before is None or at >= host.not_before


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if not outcome.is_ok])
def test_every_error_is_counted_and_every_success_forgets_them(outcome: Outcome) -> None:
    after = health(feed(error_count=2), outcome, now=NOW)
    assert (after.state, after.error_count) == (FeedState.RETRYING, 3)
    again = health(feed(state=FeedState.RETRYING, error_count=3), Outcome.UNCHANGED, now=NOW)
    assert (again.state, again.error_count, again.state_since) == (FeedState.ACTIVE, 0, NOW)


def live(one: Feed, outcome: Outcome, *, every: timedelta, times: int) -> list[tuple[FeedState, bool]]:
    """Let the same outcome come again and again."""
    seen = []
    for number in range(times):
        after = health(one, outcome, now=NOW + (number + 1) * every)
        one.state, one.state_since, one.error_count = after.state, after.state_since, after.error_count
        one.gone_count, one.gone_since = after.gone_count, after.gone_since
        seen.append((after.state, after.is_news))
    return seen


def test_a_feed_that_never_worked_is_broken_after_three_failures_and_dormant_after_sixty_days() -> None:
    seen = live(
        feed(state=FeedState.NEW, last_ok_at=None, created_at=NOW), Outcome.NOT_FOUND, every=DAY, times=61
    )
    assert [state for state, _ in seen[:4]] == [
        FeedState.NEW,
        FeedState.NEW,
        FeedState.BROKEN,
        FeedState.BROKEN,
    ]
    assert [state for state, _ in seen[58:]] == [FeedState.BROKEN, FeedState.DORMANT, FeedState.DORMANT]
    assert [number for number, (_, is_news) in enumerate(seen) if is_news] == [2, 59]


def test_a_feed_that_stops_working_is_failing_after_a_week_and_never_silent() -> None:
    seen = live(feed(), Outcome.TIMEOUT, every=DAY, times=61)
    states = [state for state, _ in seen]
    assert states[:7] == [FeedState.RETRYING] * 6 + [FeedState.FAILING]
    assert states[-1] is FeedState.DORMANT
    assert sum(is_news for _, is_news in seen) == 2


def test_gone_needs_three_words_over_two_days() -> None:
    assert live(feed(), Outcome.GONE, every=HOUR, times=40)[-1][0] is FeedState.RETRYING
    assert [state for state, _ in live(feed(), Outcome.GONE, every=DAY, times=3)][-1] is FeedState.GONE
    forgiven = feed(gone_count=2, gone_since=NOW - 9 * DAY)
    assert health(forgiven, Outcome.UNCHANGED, now=NOW).gone_since is None


def test_a_paused_feed_stays_paused_whatever_comes() -> None:
    for outcome in Outcome:
        assert health(feed(state=FeedState.PAUSED), outcome, now=NOW).state is FeedState.PAUSED


def test_strikes_double_the_rest_and_are_forgotten_after_a_day() -> None:
    host = HostState(host="example.org", strikes=0)
    rests = []
    for _ in range(14):
        after = rest(host, None, now=NOW)
        host.strikes, host.strikes_at = after.strikes, NOW
        rests.append(after.not_before - NOW)
    assert rests[:4] == [60 * timedelta(seconds=1), 2 * MINUTE, 4 * MINUTE, 8 * MINUTE]
    assert rests[-1] == DAY
    assert rest(host, None, now=NOW + DAY).not_before == NOW + DAY + MINUTE


@pytest.mark.parametrize(
    ("asked", "given"), [(HOUR, HOUR), (timedelta(seconds=1), MINUTE), (3 * DAY, DAY), (None, MINUTE)]
)
def test_retry_after_is_heard_within_a_minute_and_a_day(asked: timedelta | None, given: timedelta) -> None:
    assert rest(None, asked, now=NOW).not_before == NOW + given


def test_the_usual_gap_is_the_median_of_the_last_twenty() -> None:
    hourly = [NOW - number * HOUR for number in range(15)]
    assert median_gap([*hourly, NOW - 400 * DAY]) == HOUR
    assert median_gap([NOW - number * DAY for number in range(60)] + hourly) == HOUR
    assert median_gap(hourly[:2]) is None
