"""No spelling, name, redirect or trick opens a connection to an address that is not public."""

import itertools
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

from digest.feeds import netguard
from digest.feeds.exchange import Fetched, FetchRequest, Limits, Policy
from digest.feeds.fetch import Fetcher
from digest.feeds.outcomes import Outcome, sentence
from tests.support.feedserver import FeedServer, LoopbackResolver

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
OUTSIDE = "127.0.0.77"
REFUSED = {Outcome.BLOCKED_ADDRESS, Outcome.BLOCKED_URL, Outcome.DNS, Outcome.BAD_REDIRECT}

SPELLINGS = """
127.0.0.1 127.0.0.2 127.1 127.0.1 127.255.255.254 2130706433 0x7f000001 0x7f.0.0.1 0x7f.1 0177.0.0.1 017700000001 00127.0.0.1
0 0.0.0.0 localhost LOCALHOST localhost. localhost.localdomain ip6-localhost %31%32%37.0.0.1 １２７.0.0.1 ①②⑦.0.0.1 127。0。0。1
[::1] [0:0:0:0:0:0:0:1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:0:127.0.0.1] [::127.0.0.1] [64:ff9b::7f00:1]
[2002:7f00:1::] [2001:0:7f00:1::] [fe80::1] [fe80::1%25lo] [fc00::1] [fec0::1] [ff02::1] user@127.0.0.1 feed.example@127.0.0.1
127.0.0.1# 127.0.0.1? ::1 10.0.0.1 169.254.169.254 192.168.0.1 172.16.0.1 100.64.0.1
""".split()  # noqa: SIM905  # reads as a table

TARGETS = [
    "127.0.0.1",
    "::1",
    "::ffff:127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "fe80::1",
    "0.0.0.0",
    "64:ff9b::7f00:1",
]


@pytest.fixture
def inside() -> Iterator[FeedServer]:
    """What must never be reached."""
    with FeedServer() as server:
        server.publish("/feed", b"<rss/>")
        yield server


async def get(url: str, *ports: int, resolver: AbstractResolver | None = None) -> Fetched:
    policy = Policy(ports=frozenset(ports))
    limits = Limits(spacing=timedelta(), connect=timedelta(seconds=1))
    async with Fetcher(agent="digest/test", policy=policy, limits=limits, resolver=resolver) as fetcher:
        fetched = await fetcher.fetch(FetchRequest(url=url, now=NOW))
    assert fetched.body is None
    return fetched


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_spelling_reaches_the_inside(inside: FeedServer, spelling: str) -> None:
    fetched = await get(f"http://{spelling}:{inside.port}/feed", inside.port, 80)
    assert fetched.outcome in REFUSED
    assert inside.connections == 0


@pytest.mark.parametrize("target", TARGETS)
async def test_no_name_leads_to_the_inside(inside: FeedServer, target: str) -> None:
    resolver = LoopbackResolver(target)
    fetched = await get(inside.url(host="feed.example"), inside.port, resolver=resolver)
    assert fetched.outcome is Outcome.BLOCKED_ADDRESS
    assert target not in sentence(fetched.outcome) + fetched.detail
    assert inside.connections == 0


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[FeedServer]:
    """A server on an address that counts as public here, so that a chain can begin."""
    is_public = netguard.is_public
    monkeypatch.setattr(netguard, "is_public", lambda address: address == OUTSIDE or is_public(address))
    with FeedServer(address=OUTSIDE) as server:
        yield server


@pytest.mark.parametrize(
    "spelling", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "127.1"]
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_leads_to_the_inside(
    outside: FeedServer, inside: FeedServer, spelling: str, status: int
) -> None:
    outside.redirect("/feed", f"http://{spelling}:{inside.port}/feed", status=status)
    fetched = await get(outside.url(), outside.port, inside.port)
    assert len(outside.requests) == 1
    assert fetched.outcome in {Outcome.BLOCKED_ADDRESS, Outcome.BLOCKED_URL}
    assert inside.connections == 0


async def test_a_name_that_changes_its_address_gains_nothing(outside: FeedServer, inside: FeedServer) -> None:
    outside.redirect("/feed", f"http://feed.example:{inside.port}/feed")
    resolver = _Turning(OUTSIDE, "127.0.0.1")
    fetched = await get(outside.url(host="feed.example"), outside.port, inside.port, resolver=resolver)
    assert fetched.outcome is Outcome.BLOCKED_ADDRESS
    assert inside.connections == 0


async def test_an_inner_address_beside_a_public_one_is_not_tried(
    outside: FeedServer, inside: FeedServer
) -> None:
    resolver = _Turning(OUTSIDE, "127.0.0.1", at_once=True)
    fetched = await get(f"http://feed.example:{inside.port}/feed", inside.port, resolver=resolver)
    assert fetched.outcome in {Outcome.BLOCKED_ADDRESS, Outcome.CONNECT}
    assert inside.connections == 0


async def test_a_port_that_is_not_for_the_web_is_not_asked(inside: FeedServer) -> None:
    assert (await get(inside.url(), 80, 443)).outcome is Outcome.BLOCKED_URL
    assert inside.connections == 0


class _Turning(AbstractResolver):
    """Gives another address at every look, or all at once."""

    def __init__(self, *addresses: str, at_once: bool = False) -> None:
        self._turns = itertools.cycle([addresses] if at_once else [(address,) for address in addresses])

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in next(self._turns)
        ]

    @override
    async def close(self) -> None:
        """Nothing to give back."""
