"""How much goes to a provider at once, and how much in all."""

import pytest

from digest.delivery.breaker import Breaker
from digest.delivery.models import DeliveryState, Reason
from digest.delivery.throttle import FIRST_PAUSE, LONGEST_PAUSE, Rate, Throttle, Window


def test_a_window_starts_at_two_and_grows_by_one_with_every_hundred() -> None:
    throttle = Throttle(largest=4)
    for _ in range(4):  # two connections, each with the next mail ready
        assert throttle.may_send("a.example", at=0)
        throttle.took_off("a.example")
    assert not throttle.may_send("a.example", at=0)
    assert throttle.may_send("b.example", at=0)
    grew = [throttle.accepted("a.example") for _ in range(400)]
    assert [number for number, is_larger in enumerate(grew, 1) if is_larger] == [100, 200]
    assert throttle.window("a.example").size == 4


def test_asked_for_less_it_halves_but_never_to_nothing() -> None:
    window = Window(size=5)
    assert [window.slow_down(0), window.size, window.slow_down(0), window.size] == [False, 2, False, 1]


def test_three_times_in_a_row_pause_a_provider_longer_each_time() -> None:
    window, pauses = Window(size=8), []
    for _ in range(4):
        while not window.slow_down(100):
            pass
        pauses.append(window.paused_until - 100)
        assert not window.may_send(window.paused_until - 1)
        assert window.may_send(window.paused_until)
    assert pauses == [FIRST_PAUSE, 2 * FIRST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]


def test_a_mail_taken_between_breaks_the_row() -> None:
    window = Window(size=8)
    assert not any(
        (window.slow_down(0), window.slow_down(0), window.accept(8), window.slow_down(0), window.slow_down(0))
    )


def test_a_rate_lets_a_seconds_worth_go_and_then_one_at_a_time() -> None:
    rate = Rate(10)
    for _ in range(10):
        assert rate.wait(5.0) == 0
        rate.take()
    assert rate.wait(5.0) == pytest.approx(0.1)
    assert rate.wait(5.1) == pytest.approx(0)


def test_no_rate_is_no_wait() -> None:
    rate = Rate(0)
    rate.take()
    assert rate.wait(0) == 0


def feed(breaker: Breaker, *ends: tuple[int, Reason | None]) -> str:
    why = ""
    for count, reason in ends:
        state = DeliveryState.SENT if reason is None else DeliveryState.FAILED
        for _ in range(count):
            why = why or breaker.saw(state, reason)
    return why


@pytest.mark.parametrize(
    ("ends", "trips"),
    [
        ([(19, Reason.NO_SUCH_ADDRESS)], False),
        ([(20, Reason.NO_SUCH_ADDRESS)], True),
        ([(980, None), (20, Reason.NO_SUCH_ADDRESS)], False),
        ([(600, None), (20, Reason.NO_SUCH_ADDRESS)], True),
        ([(9, Reason.POLICY), (1, None), (9, Reason.POLICY)], False),
        ([(9, Reason.POLICY), (1, Reason.MAILBOX), (1, Reason.POLICY)], True),
        ([(10, Reason.POLICY)], True),
        ([(95, None), (5, Reason.POLICY)] * 2, False),
        ([(94, None), (6, Reason.POLICY)] * 2, True),
        ([(500, Reason.MAILBOX)], False),
    ],
)
def test_an_edition_that_does_harm_is_stopped(ends: list[tuple[int, Reason | None]], trips: bool) -> None:
    assert bool(feed(Breaker(), *ends)) is trips
