"""The way to the relay backs off when it is closed, and blames no mail."""

import pytest

from digest.delivery.route import Route
from digest.mail.outcome import Outcome, Phase, Verdict, untouched
from digest.mail.transport import Link, RouteError

ACCEPTED = Outcome(Verdict.ACCEPTED, Phase.DOT, 250)
LOST = Outcome(Verdict.LOST, Phase.DOT)


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def refusing(*, is_permanent: bool = False, is_unreachable: bool = False) -> object:
    async def connect() -> Link:
        raise RouteError("connect", is_permanent=is_permanent, is_unreachable=is_unreachable)

    return connect


async def fail(route: Route, clock: Clock, times: int) -> list[float]:
    waits = []
    for _ in range(times):
        assert await route.open() is None
        waits.append(route.wait())
        clock.seconds += route.wait()
    return waits


async def test_waits_double_up_to_five_minutes(clock: Clock) -> None:
    assert await fail(Route(refusing(), now=clock), clock, 8) == [5, 10, 20, 40, 80, 160, 300, 300]


async def test_connections_that_fail_in_the_same_outage_are_one_failure(clock: Clock) -> None:
    route = Route(refusing(), now=clock)
    await route.open()
    for _ in range(5):
        route.saw(untouched(Phase.MAIL))
        assert await route.open() is None
    assert (route.failures, route.is_given_up) == (1, False)


async def test_what_only_a_person_can_mend_is_tried_three_times_in_ten_minutes(clock: Clock) -> None:
    assert sum(await fail(Route(refusing(is_permanent=True), now=clock), clock, 3)) == 600


async def test_acceptance_heals(clock: Clock) -> None:
    route = Route(refusing(), now=clock)
    await fail(route, clock, 3)
    assert route.is_given_up
    route.saw(ACCEPTED)
    assert (route.is_given_up, await fail(route, clock, 1)) == (False, [5])


@pytest.mark.parametrize(
    ("dots", "is_closed"), [([LOST] * 2, False), ([LOST] * 3, True), ([LOST, *[ACCEPTED] * 19] * 3, False)]
)
def test_three_lost_replies_in_twenty_close_the_route_for_five_minutes(
    dots: list[Outcome], is_closed: bool, clock: Clock
) -> None:
    route = Route(refusing(), now=clock)
    for outcome in dots:
        route.saw(outcome)
    assert (route.is_down, route.wait()) == (is_closed, 300.0 if is_closed else 0.0)


async def test_a_run_that_wants_to_end_does_not_wait_for_minutes(clock: Clock) -> None:
    route = Route(refusing(is_permanent=True), now=clock)
    await route.open()
    assert route.is_given_up


async def test_where_nobody_ever_answered_a_run_that_wants_to_end_knows_enough_after_one_try(
    clock: Clock,
) -> None:
    route = Route(refusing(is_unreachable=True), now=clock)
    await route.open()
    assert route.is_given_up


async def test_a_relay_that_was_there_a_moment_ago_gets_three_tries(clock: Clock) -> None:
    links: list[object] = [object()]

    async def connect() -> Link:
        if links:
            return links.pop()  # type: ignore[return-value]  # any link will do
        raise RouteError("connect", is_unreachable=True)

    route = Route(connect, now=clock)
    assert await route.open()
    await fail(route, clock, 2)
    assert not route.is_given_up
    await fail(route, clock, 1)
    assert route.is_given_up
