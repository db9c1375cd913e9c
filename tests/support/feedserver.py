"""A real HTTP server on loopback that answers as a test tells it: a document with validators, or a script.

It runs in a thread of its own, so synchronous and asynchronous tests use it alike:

    with FeedServer() as server:
        server.publish("/feed", document)              # ETag, Last-Modified, 304
        server.script("/busy", Answer(status=429, headers={"Retry-After": "120"}), Answer(body=document))
        server.url("/feed"), server.requests           # what was asked, in order

Every name ending in `.example` reaches it through `LoopbackResolver`, so one server can be many hosts.
"""

import asyncio
import gzip
import hashlib
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer. `pieces` replaces the body by parts sent `pause` seconds apart; `raw` replaces the head as well."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    pieces: Iterable[bytes] | None = None
    pause: float = 0.0
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in; header names are lower case."""

    method: str
    host: str
    path: str
    headers: Mapping[str, str]
    at: float


@dataclass(frozen=True, slots=True)
class _Document:
    body: bytes
    headers: Mapping[str, str]

    def answer(self, request: Request) -> Answer:
        etag, date = self.headers.get("ETag"), self.headers.get("Last-Modified")
        matches = etag is not None and request.headers.get("if-none-match") == etag
        if etag is None and date is not None:
            matches = request.headers.get("if-modified-since") == date
        if matches:
            return Answer(status=304, headers=self.headers)
        return Answer(body=self.body, headers=self.headers)


class FeedServer:
    """Serves until the `with` block ends. `requests` and `connections` tell what happened."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> None:
        self._tls = tls
        self._address = address
        self._documents: dict[str, _Document] = {}
        self._scripts: dict[str, list[Answer]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="feedserver", daemon=True)
        self._ready = threading.Event()
        self.requests: list[Request] = []
        self.connections = 0
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def url(self, path: str = "/feed", *, host: str = "") -> str:
        """The address of a path, by IP or under a name that `LoopbackResolver` leads here."""
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{host or self._address}:{self.port}{path}"

    def publish(
        self,
        path: str,
        body: bytes | str,
        *,
        content_type: str = "application/rss+xml",
        etag: str | None = "auto",
        last_modified: str | None = None,
        compress: bool = False,
        **headers: str,
    ) -> None:
        """Serve a document with validators; the same validator comes back as 304. Replaces what was there."""
        data = body.encode() if isinstance(body, str) else body
        fields = {"Content-Type": content_type} | {
            name.replace("_", "-"): text for name, text in headers.items()
        }
        if etag:
            fields["ETag"] = f'"{hashlib.sha256(data).hexdigest()[:16]}"' if etag == "auto" else etag
        if last_modified:
            fields["Last-Modified"] = last_modified
        if compress:
            data, fields["Content-Encoding"] = gzip.compress(data), "gzip"
        self._scripts.pop(path, None)
        self._documents[path] = _Document(data, fields)

    def script(self, path: str, *answers: Answer) -> None:
        """Serve these answers one after the other; the last one stays."""
        self._documents.pop(path, None)
        self._scripts[path] = list(answers)

    def redirect(self, path: str, target: str, *, status: int = 301) -> None:
        """Lead a path elsewhere."""
        self.script(path, Answer(status=status, headers={"Location": target}))

    def asked(self, path: str) -> list[Request]:
        """The requests for one path so far."""
        return [request for request in self.requests if request.path == path]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._meet, self._address, self.port, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self.connections += 1
        try:
            request = await self._read(reader)
            if request is not None:
                self.requests.append(request)
                await self._reply(writer, self._answer(request))
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass  # the client left; that is what some tests are about
        except asyncio.CancelledError:
            pass  # the server stops
        finally:
            writer.transport.abort() if self._stop.is_set() else writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Request | None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.rstrip("\r\n").split("\r\n")
        method, path, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): text.strip() for name, _, text in pairs}
        host = headers.get("host", "").rpartition(":")[0]
        return Request(method, host, path, headers, asyncio.get_running_loop().time())

    def _answer(self, request: Request) -> Answer:
        script = self._scripts.get(request.path)
        if script:
            return script.pop(0) if len(script) > 1 else script[0]
        document = self._documents.get(request.path)
        return document.answer(request) if document else Answer(status=404)

    async def _reply(self, writer: asyncio.StreamWriter, answer: Answer) -> None:
        await asyncio.sleep(answer.delay)
        writer.write(_head(answer) if answer.raw is None else answer.raw)
        await writer.drain()
        has_body = answer.status not in {204, 304}
        for piece in [answer.body] if answer.pieces is None else answer.pieces:
            if has_body:
                writer.write(piece)
            await writer.drain()
            await asyncio.sleep(answer.pause)


def _head(answer: Answer) -> bytes:
    headers = {"Connection": "close", **answer.headers}
    if answer.pieces is None and answer.status not in {204, 304}:
        headers.setdefault("Content-Length", str(len(answer.body)))
    lines = [f"HTTP/1.1 {answer.status} -", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


class LoopbackResolver(AbstractResolver):
    """Leads every name to one loopback address; `names` may send some elsewhere or nowhere (None)."""

    def __init__(self, address: str = "127.0.0.1", *, names: Mapping[str, str | None] | None = None) -> None:
        self._address = address
        self._names = names or {}

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        address = self._names.get(host, self._address)
        if address is None:
            raise OSError(f"no address for {host}")
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)]

    @override
    async def close(self) -> None:
        """Nothing to give back."""
