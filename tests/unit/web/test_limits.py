"""Network limits: windows that forget, networks of the right size, and whose request it is."""

import contextlib
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from structlog.testing import capture_logs

from digest.web.errors import Refused
from digest.web.limits import Limits, Scope, client_address, network

START = datetime(2026, 11, 22, 6, tzinfo=UTC)
PROXIES = tuple(ip_network(one) for one in ("127.0.0.1", "::1", "10.0.0.0/8"))


def allowed(limits: Limits, key: str, times: int, *, now: datetime) -> int:
    """How many of so many tries are let through."""
    passed = 0
    for _ in range(times):
        with contextlib.suppress(Refused):
            limits.hit(Scope.MANAGE, key, now=now)
            passed += 1
    return passed


def test_who_is_refused_is_told_when_to_come_back() -> None:
    limits = Limits({Scope.MANAGE: "1/10 minutes"})
    limits.hit(Scope.MANAGE, "a", now=START)
    with pytest.raises(Refused) as refused:
        limits.hit(Scope.MANAGE, "a", now=START + timedelta(minutes=4))
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "360")
    assert refused.value.facts["minutes"] == 6


def test_so_many_and_no_more_in_a_window_and_each_key_for_itself() -> None:
    limits = Limits({Scope.MANAGE: "5/10 minutes"})
    assert allowed(limits, "a", 9, now=START) == 5
    assert allowed(limits, "b", 9, now=START) == 5


def test_the_window_slides() -> None:
    limits = Limits({Scope.MANAGE: "10/10 minutes"})
    assert allowed(limits, "a", 20, now=START) == 10
    assert allowed(limits, "a", 20, now=START + timedelta(minutes=15)) == 5
    assert allowed(limits, "a", 20, now=START + timedelta(minutes=40)) == 10


def test_the_narrowest_of_several_limits_counts_and_a_refused_try_is_free() -> None:
    limits = Limits({Scope.MANAGE: "3/minute; 5/day"})
    assert allowed(limits, "a", 9, now=START) == 3
    assert allowed(limits, "a", 9, now=START + timedelta(minutes=2)) == 2
    assert allowed(limits, "a", 9, now=START + timedelta(minutes=10)) == 0


def test_an_empty_limit_is_off() -> None:
    assert allowed(Limits({Scope.MANAGE: " "}), "a", 1000, now=START) == 1000


@given(st.lists(st.integers(0, 3_000), max_size=200))
def test_no_window_ever_lets_twice_the_limit_through(seconds: list[int]) -> None:
    limits, passed = Limits({Scope.MANAGE: "10/10 minutes"}), []
    for second in sorted(seconds):
        at = START + timedelta(seconds=second)
        passed += [at] * allowed(limits, "a", 1, now=at)
    assert all(sum(one <= other < one + timedelta(minutes=10) for other in passed) <= 20 for one in passed)


@pytest.mark.parametrize(
    ("address", "near", "wide"),
    [
        ("203.0.113.77", "203.0.113.77/32", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.77/32", "203.0.113.0/24"),
    ],
)
def test_a_network_is_as_large_as_one_visitor_can_be(address: str, near: str, wide: str) -> None:
    assert network(address) == near
    assert network(address, wide=True) == wide


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        ("198.51.100.7", ["203.0.113.1"], "198.51.100.7"),  # nobody may name another but a proxy of ours
        ("127.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("127.0.0.1", ["6.6.6.6, 203.0.113.1, 10.1.2.3"], "203.0.113.1"),
        ("127.0.0.1", ["6.6.6.6", "203.0.113.1"], "203.0.113.1"),
        ("127.0.0.1", ["6.6.6.6, nonsense"], None),
        ("127.0.0.1", [], None),
        ("127.0.0.1", ["10.0.0.1"], None),
        ("::1", ["2001:db8::5"], "2001:db8::5"),
        (None, ["203.0.113.1"], None),
        ("testclient", [], None),
    ],
)
def test_the_client_is_the_last_hop_that_is_no_proxy_of_ours(
    peer: str | None, forwarded: list[str], client: str | None
) -> None:
    headers = Headers(raw=[(b"x-forwarded-for", one.encode()) for one in forwarded])
    assert client_address(peer, headers, PROXIES) == client


def test_that_network_limits_are_skipped_is_told_once() -> None:
    limits = Limits({Scope.SIGN_UP: "1/hour"})
    with capture_logs() as told:
        for _ in range(3):
            limits.hit_networks(None, now=START)
    assert [one["event"] for one in told] == ["network_limits_skipped"]
