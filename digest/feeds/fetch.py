"""One request chain: from an address to bytes, headers and an outcome. No database, no parsing.

A `Fetcher` asks one server gently: at most two requests at once and starts at least a second apart, whatever its
callers want. Redirects are followed by hand and every hop meets the same gates. Whatever a server does, `fetch`
returns a `Fetched`; it raises only for our own bugs.
"""

import asyncio
import ssl
from types import TracebackType
from typing import Final, Self

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from digest.feeds.body import BadCompressionError, Body, BodyWriter, TooLargeError
from digest.feeds.exchange import (
    Chain,
    Fetched,
    FetchRequest,
    Limits,
    Policy,
    StopError,
    ended,
    follow,
    is_redirect,
    judge,
)
from digest.feeds.gate import Gate
from digest.feeds.hosts import host_key
from digest.feeds.netguard import BlockedAddressError, BlockedUrlError, guarded_socket, request_url
from digest.feeds.outcomes import Outcome

_ACCEPT: Final = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=.9, text/xml;q=.9, */*;q=.1"
)
_PUBLIC_ONLY: Final = Policy()
_LIMITS: Final = Limits()


def user_agent(version: str, base_url: str) -> str:
    """Say who asks and where the owner of the server can complain."""
    return f"digest/{version} (+{base_url})"


class Fetcher:
    """Asks for feeds; the only place that opens outgoing HTTP. Use as `async with Fetcher(...) as fetcher`."""

    def __init__(
        self,
        *,
        agent: str,
        policy: Policy = _PUBLIC_ONLY,
        limits: Limits = _LIMITS,
        resolver: AbstractResolver | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """`resolver` and `trust` stand in for the system's DNS and certificate store (tests, private roots)."""
        self._agent = agent
        self._policy = policy
        self._limits = limits
        self._resolver = resolver
        self._trust = trust
        self._gates: dict[str, Gate] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        limits = self._limits
        self._slots = asyncio.Semaphore(limits.concurrent)
        connector = aiohttp.TCPConnector(
            limit=0,  # our own gates decide
            force_close=True,  # feeds are asked minutes apart, nothing would be reused
            ttl_dns_cache=int(limits.dns_cache.total_seconds()),
            happy_eyeballs_delay=None,
            resolver=self._resolver,
            ssl=self._trust or True,
            socket_factory=None if self._policy.allow_private else guarded_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(
                total=None,
                connect=limits.connect.total_seconds(),
                sock_connect=limits.connect.total_seconds(),
                sock_read=limits.first_byte.total_seconds(),
            ),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def fetch(self, request: FetchRequest) -> Fetched:
        """Ask for one feed and follow where it leads; the caller closes the body."""
        chain = Chain(request=request, url=request.url, left=self._limits.chain.total_seconds())
        async with self._slots:
            try:
                await self._follow(chain)
            except StopError as stop:
                return ended(chain, stop.outcome, detail=stop.detail)
        return ended(chain, None)

    async def _follow(self, chain: Chain) -> None:
        seen: set[str] = set()
        while chain.body is None:
            chain.url = self._checked(chain.url)
            if chain.url in seen or len(chain.hops) > self._limits.redirects:
                raise StopError(Outcome.TOO_MANY_REDIRECTS)
            seen.add(chain.url)
            host = host_key(chain.url)
            async with self._gate(host):
                if chain.request.rests(host):  # asked here: the feed before us may just have been sent away
                    raise StopError(Outcome.THROTTLED, detail="resting")
                await self._ask_in_time(chain)

    def _gate(self, host: str) -> Gate:
        if host not in self._gates:
            self._gates[host] = Gate(per_host=self._limits.per_host, spacing=self._limits.spacing)
        return self._gates[host]

    def _checked(self, url: str) -> str:
        policy = self._policy
        try:
            ready = request_url(url, ports=policy.ports, any_port=policy.allow_private)
            _same_reading(ready)
        except (BlockedUrlError, ValueError):
            raise StopError(Outcome.BLOCKED_URL) from None
        return ready

    async def _ask_in_time(self, chain: Chain) -> None:
        """Ask once; only time spent asking counts against the chain, not time spent waiting for a turn."""
        clock = asyncio.get_running_loop().time
        start = clock()
        try:
            async with asyncio.timeout(chain.left):
                await self._ask(chain)
        except TimeoutError:
            raise StopError(Outcome.TIMEOUT) from None
        except (TooLargeError, BadCompressionError) as error:
            is_large = isinstance(error, TooLargeError)
            raise StopError(Outcome.TOO_LARGE if is_large else Outcome.BAD_COMPRESSION) from None
        except (aiohttp.ClientError, OSError) as error:
            raise StopError(_network_outcome(error)) from None
        finally:
            chain.spent += clock() - start
            chain.left -= clock() - start

    async def _ask(self, chain: Chain) -> None:
        assert self._session is not None  # noqa: S101  # entered before use
        chain.status, chain.headers = None, {}
        address = URL(chain.url, encoded=True)
        async with self._session.get(
            address, allow_redirects=False, headers=self._headers(chain)
        ) as response:
            chain.status, chain.headers = response.status, response.headers
            try:
                if is_redirect(response.status):
                    follow(chain)
                else:
                    judge(chain)
                    chain.body = await self._read(response, chain)
            finally:
                response.close()  # never drain what we do not want

    def _headers(self, chain: Chain) -> dict[str, str]:
        headers = {"User-Agent": self._agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip"}
        if chain.request.etag:
            headers["If-None-Match"] = chain.request.etag
        if chain.request.last_modified:
            headers["If-Modified-Since"] = chain.request.last_modified
        return headers

    async def _read(self, response: aiohttp.ClientResponse, chain: Chain) -> Body:
        limits = self._limits
        if (response.content_length or 0) > limits.body_bytes:
            raise TooLargeError
        coding = response.headers.get("Content-Encoding", "")
        writer = BodyWriter(limit=limits.body_bytes, spool=limits.spool_bytes, coding=coding)
        try:
            while chunk := await self._chunk(response):
                writer.write(chunk)
            return writer.finish()
        except BaseException:
            writer.close()
            raise
        finally:
            chain.wire += writer.wire

    async def _chunk(self, response: aiohttp.ClientResponse) -> bytes:
        async with asyncio.timeout(self._limits.idle.total_seconds()):
            return await response.content.readany()


def _same_reading(url: str) -> None:
    """Refuse what two URL readers understand differently: the guard must have judged what is asked."""
    parsed = URL(url, encoded=True)
    if not parsed.host or parsed.user is not None or f"//{parsed.raw_authority}" not in url:
        raise BlockedUrlError("This is no address.")


def _network_outcome(error: aiohttp.ClientError | OSError) -> Outcome:
    """Name what the network did; the error itself is dropped, it may hold addresses."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Outcome.DNS
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError | aiohttp.ClientConnectorCertificateError):
        return Outcome.TLS
    if isinstance(error, aiohttp.InvalidURL):
        return Outcome.BLOCKED_URL
    cause = getattr(error, "os_error", error)
    return Outcome.BLOCKED_ADDRESS if isinstance(cause, BlockedAddressError) else Outcome.CONNECT
