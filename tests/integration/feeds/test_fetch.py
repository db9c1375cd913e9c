"""The fetcher against a real server: every outcome of the network, and never a byte more than allowed."""

import asyncio
import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from digest.feeds.body import Body
from digest.feeds.exchange import Fetched, FetchRequest, Limits, Policy
from digest.feeds.fetch import Fetcher, user_agent
from digest.feeds.outcomes import NotAFeed, Outcome
from tests.support.certificate import client_context, make_certificate, server_context
from tests.support.feedserver import Answer, FeedServer, LoopbackResolver

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HASTE: dict[str, Any] = {"spacing": timedelta()}
FEED = b"<rss><channel><title>Beispiel</title></channel></rss>"


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


@asynccontextmanager
async def fetching(*, private: bool = True, **options: Any) -> AsyncIterator[Fetcher]:
    limits = Limits(**HASTE | options.pop("limits", {}))
    policy = Policy(allow_private=private)
    async with Fetcher(agent="digest/test", policy=policy, limits=limits, **options) as fetcher:
        yield fetcher


@pytest.fixture(autouse=True)
def _close_bodies() -> Iterator[None]:
    yield
    while bodies:
        bodies.pop().close()


bodies: list[Body] = []


async def ask(fetcher: Fetcher, url: str, **request: Any) -> Fetched:
    fetched = await fetcher.fetch(FetchRequest(url=url, now=NOW, **request))
    bodies.extend([fetched.body] if fetched.body else [])
    return fetched


async def get(url: str, *, request: dict[str, Any] | None = None, **options: Any) -> Fetched:
    async with fetching(**options) as fetcher:
        return await ask(fetcher, url, **request or {})


async def test_a_document_comes_with_bytes_hash_and_validators(server: FeedServer) -> None:
    server.publish("/feed", FEED, last_modified="Sun, 22 Nov 2026 05:00:00 GMT", Cache_Control="max-age=600")
    fetched = await get(server.url())
    assert fetched.outcome is None
    assert fetched.body is not None
    assert fetched.body.read() == FEED
    assert fetched.body.sha256 == hashlib.sha256(FEED).hexdigest()
    assert fetched.status == 200
    assert fetched.content_type == "application/rss+xml"
    assert fetched.etag is not None
    assert fetched.last_modified == "Sun, 22 Nov 2026 05:00:00 GMT"
    assert fetched.fresh_for == timedelta(seconds=600)


async def test_both_validators_go_out_verbatim_and_304_is_unchanged(server: FeedServer) -> None:
    server.publish("/feed", FEED, etag='W/"a b"', last_modified="yesterday, roughly")
    request = {"etag": 'W/"a b"', "last_modified": "yesterday, roughly"}
    fetched = await get(server.url(), request=request)
    assert fetched.outcome is Outcome.UNCHANGED
    assert server.requests[0].headers["if-none-match"] == 'W/"a b"'
    assert server.requests[0].headers["if-modified-since"] == "yesterday, roughly"


async def test_the_request_says_who_asks_and_nothing_else(server: FeedServer) -> None:
    server.publish("/feed", FEED)
    async with Fetcher(
        agent=user_agent("1.0", "https://news.example.org"), policy=Policy(allow_private=True)
    ) as fetcher:
        await ask(fetcher, server.url())
    headers = server.requests[0].headers
    assert set(headers) == {"host", "user-agent", "accept", "accept-encoding", "connection"}
    assert headers["user-agent"] == "digest/1.0 (+https://news.example.org)"
    assert headers["accept-encoding"] == "gzip"


async def test_a_304_nobody_asked_for_is_no_success(server: FeedServer) -> None:
    server.script("/feed", Answer(status=304))
    assert (await get(server.url())).outcome is Outcome.BAD_STATUS


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (401, Outcome.UNAUTHORIZED),
        (403, Outcome.UNAUTHORIZED),
        (404, Outcome.NOT_FOUND),
        (410, Outcome.GONE),
        (429, Outcome.THROTTLED),
        (503, Outcome.THROTTLED),
        (500, Outcome.SERVER_ERROR),
        (502, Outcome.SERVER_ERROR),
        (204, Outcome.BAD_STATUS),
        (206, Outcome.BAD_STATUS),
        (418, Outcome.BAD_STATUS),
    ],
)
async def test_each_status_has_its_outcome(server: FeedServer, status: int, outcome: Outcome) -> None:
    server.script("/feed", Answer(status=status, headers={"Retry-After": "120"}))
    fetched = await get(server.url())
    assert (fetched.outcome, fetched.status, fetched.body) == (outcome, status, None)
    assert fetched.wait == timedelta(seconds=120)


@pytest.mark.parametrize("status", [202, 403])
async def test_a_page_instead_of_a_feed_is_a_challenge(server: FeedServer, status: int) -> None:
    server.script("/feed", Answer(status=status, headers={"Content-Type": "text/html"}, body=b"<html>robot?"))
    fetched = await get(server.url())
    assert (fetched.outcome, fetched.detail) == (Outcome.NOT_A_FEED, NotAFeed.CHALLENGE)


@pytest.mark.parametrize("says_so", [True, False])
async def test_gzip_is_read_with_and_without_its_header(server: FeedServer, says_so: bool) -> None:
    headers = {"Content-Encoding": "gzip"} if says_so else {}
    packed = gzip.compress(FEED[:20]) + gzip.compress(FEED[20:])
    server.script("/feed", Answer(body=packed, headers=headers))
    fetched = await get(server.url())
    assert fetched.body is not None
    assert fetched.body.read() == FEED
    assert fetched.bytes_wire == len(packed)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=FEED, headers={"Content-Encoding": "br"}),
        Answer(body=zlib.compress(FEED), headers={"Content-Encoding": "deflate"}),
        Answer(body=gzip.compress(FEED * 9)[:-20], headers={"Content-Encoding": "gzip"}),
        Answer(body=b"\x1f\x8b" + FEED, headers={"Content-Encoding": "gzip"}),
        Answer(body=FEED, headers={"Content-Encoding": "gzip"}),
        Answer(body=gzip.compress(gzip.compress(FEED)), headers={"Content-Encoding": "gzip, gzip"}),
    ],
)
async def test_other_compression_is_refused(server: FeedServer, answer: Answer) -> None:
    server.script("/feed", answer)
    assert (await get(server.url())).outcome is Outcome.BAD_COMPRESSION


def endless(piece: bytes) -> Iterator[bytes]:
    while True:
        yield piece


def bomb(size: int) -> bytes:
    return gzip.compress(b"\0" * size)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(raw=b"HTTP/1.1 200 -\r\nContent-Length: 99999999999\r\n\r\n"),
        Answer(pieces=endless(b"x" * 10_000)),
        Answer(body=bomb(3_000_000), headers={"Content-Encoding": "gzip"}),
        Answer(body=gzip.compress(bomb(9)) + bomb(1_000_000) + bomb(1_000_000)),
    ],
)
async def test_no_answer_outgrows_the_limit(server: FeedServer, answer: Answer) -> None:
    server.script("/feed", answer)
    fetched = await get(server.url(), limits={"body_bytes": 1_000_000})
    assert (fetched.outcome, fetched.body) == (Outcome.TOO_LARGE, None)


async def test_a_large_body_lies_in_a_file_and_reads_back(server: FeedServer) -> None:
    body = b"0123456789" * 5_000
    server.publish("/feed", body, compress=True)
    fetched = await get(server.url(), limits={"spool_bytes": 1_000})
    assert fetched.body is not None
    assert fetched.body.read() == fetched.body.read() == body


@pytest.mark.parametrize(
    ("answer", "limits"),
    [
        (Answer(delay=5), {"first_byte": timedelta(seconds=0.1)}),
        (Answer(pieces=[b"a", b"b"], pause=5), {"idle": timedelta(seconds=0.1)}),
        (Answer(pieces=endless(b"a"), pause=0.02), {"chain": timedelta(seconds=0.2)}),
    ],
)
async def test_a_slow_server_is_left(
    server: FeedServer, answer: Answer, limits: dict[str, timedelta]
) -> None:
    server.script("/feed", answer)
    assert (await get(server.url(), limits=limits)).outcome is Outcome.TIMEOUT


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 -\r\nContent-Length: 50\r\n\r\nshort",
        b"HTTP/1.1 200 -\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 -\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_a_broken_answer_is_a_broken_connection(server: FeedServer, raw: bytes) -> None:
    server.script("/feed", Answer(raw=raw))
    assert (await get(server.url())).outcome is Outcome.CONNECT


async def test_a_closed_port_and_an_unknown_name_have_their_outcomes(server: FeedServer) -> None:
    resolver = LoopbackResolver(names={"nowhere.example": None})
    assert (await get("http://127.0.0.1:9/feed")).outcome is Outcome.CONNECT
    assert (await get("http://nowhere.example/feed", resolver=resolver)).outcome is Outcome.DNS


async def test_redirects_are_followed_and_remembered(server: FeedServer) -> None:
    server.redirect("/old", "/middle", status=301)
    server.redirect("/middle", server.url("/new"), status=302)
    server.publish("/new", FEED)
    fetched = await get(server.url("/old"))
    assert fetched.url == server.url("/new")
    assert [(hop.status, hop.url, hop.is_permanent) for hop in fetched.hops] == [
        (301, server.url("/middle"), True),
        (302, server.url("/new"), False),
    ]


async def test_a_circle_and_a_long_chain_are_left(server: FeedServer) -> None:
    server.redirect("/a", "/b")
    server.redirect("/b", "/a")
    for number in range(6):
        server.redirect(f"/{number}", f"/{number + 1}")
    server.publish("/6", FEED)
    assert (await get(server.url("/a"))).outcome is Outcome.TOO_MANY_REDIRECTS
    assert (await get(server.url("/0"))).outcome is Outcome.TOO_MANY_REDIRECTS
    assert (await get(server.url("/1"))).outcome is None


@pytest.mark.parametrize("location", ["", "http://[", "   "])
async def test_a_redirect_to_nothing_is_bad(server: FeedServer, location: str) -> None:
    server.redirect("/feed", location)
    assert (await get(server.url())).outcome is Outcome.BAD_REDIRECT


@pytest.mark.parametrize(
    "location", ["ftp://feed.example/", "file:///etc/passwd", "http://u:p@feed.example/"]
)
async def test_a_redirect_meets_the_same_policy(server: FeedServer, location: str) -> None:
    server.redirect("/feed", location)
    assert (await get(server.url())).outcome is Outcome.BLOCKED_URL


async def test_https_is_verified_and_never_left(tmp_path: Path) -> None:
    key, certificate = make_certificate(tmp_path, "feed.example")
    with FeedServer(tls=server_context(key, certificate)) as server:
        server.publish("/feed", FEED)
        server.redirect("/down", "http://feed.example/feed")
        secure: dict[str, Any] = {"resolver": LoopbackResolver(), "trust": client_context(certificate)}
        url = server.url(host="feed.example")
        assert (await get(url, **secure)).outcome is None
        assert (await get(server.url("/down", host="feed.example"), **secure)).outcome is Outcome.BAD_REDIRECT
        assert (await get(server.url(host="other.example"), **secure)).outcome is Outcome.TLS
        assert (await get(url, resolver=LoopbackResolver())).outcome is Outcome.TLS


async def test_a_resting_host_is_not_asked_even_by_a_redirect(server: FeedServer) -> None:
    server.redirect("/feed", server.url("/feed", host="busy.example"), status=302)
    request = {"rests": lambda host: host == "busy.example"}
    fetched = await get(server.url(), request=request, resolver=LoopbackResolver())
    assert (fetched.outcome, fetched.host) == (Outcome.THROTTLED, "busy.example")
    assert len(server.requests) == 1


async def test_cookies_are_neither_kept_nor_sent(server: FeedServer) -> None:
    server.script("/feed", Answer(status=302, headers={"Location": "/feed2", "Set-Cookie": "a=b"}))
    server.publish("/feed2", FEED)
    await get(server.url())
    assert "cookie" not in server.requests[1].headers


@pytest.mark.parametrize("etag", ["\x80x", "x" * 2_000])
async def test_a_validator_that_cannot_go_out_again_is_dropped(server: FeedServer, etag: str) -> None:
    server.script("/feed", Answer(body=FEED, headers={"ETag": etag}))
    assert (await get(server.url())).etag is None


async def test_one_host_is_asked_one_second_apart_and_others_are_not_kept_waiting(server: FeedServer) -> None:
    server.publish("/feed", FEED)
    limits = {"spacing": timedelta(seconds=0.2)}
    async with fetching(limits=limits, resolver=LoopbackResolver()) as fetcher:
        urls = [server.url(host=f"{name}.a.example") for name in "xyz"] + [server.url(host="b.invalid")]
        await asyncio.gather(*(ask(fetcher, url) for url in urls))
    starts = sorted(request.at for request in server.requests if request.host.endswith("a.example"))
    assert starts[1] - starts[0] > 0.15
    assert starts[2] - starts[1] > 0.15


async def test_no_more_are_asked_at_once_than_allowed() -> None:
    """Six hosts whose names are being looked up: two at a time."""
    under_way = most = 0

    class Crowd(LoopbackResolver):
        async def resolve(self, *_: object, **__: object) -> list[Any]:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.01)
            under_way -= 1
            raise OSError

    async with fetching(resolver=Crowd(), limits={"concurrent": 2}) as fetcher:
        found = await asyncio.gather(*(ask(fetcher, f"http://{name}.example/") for name in "abcdef"))
    assert {one.outcome for one in found} == {Outcome.DNS}
    assert most == 2


async def test_a_proxy_of_the_environment_is_not_used(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.publish("/feed", FEED)
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await get(server.url())).outcome is None
