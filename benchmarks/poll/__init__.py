"""A round over thousands of https feeds on loopback: wall time, CPU, memory and the lag of the loop.

The server is a process of its own with a certificate made at run time; every feed has a host of its own. One round
fills the tables, the measured one finds a share of the feeds changed and gets 304 for the rest. Beside it stands the
peer: aiohttp alone, asking the same server as often and keeping nothing.

    python -m benchmarks.poll --feeds 2000 --changed 20 --json
"""

import argparse
import asyncio
import json
import resource
import socket
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection  # noqa: TC003  # named in a quoted type
from pathlib import Path
from random import Random
from typing import Any, Final

import psutil
import structlog
from aiohttp import ClientSession, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

from digest.db import Database
from digest.feeds.exchange import Policy
from digest.feeds.fetch import Fetcher
from digest.feeds.poll import PollCounts, poll_due
from digest.feeds.pool import ParsePool
from digest.feeds.registry import add_feed
from tests.support.certificate import client_context, make_certificate, server_context
from tests.support.documents import Item, rss
from tests.support.schema import create_tables

START: Final = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
ENTRIES: Final = 20
_FILLER: Final = "Der Stadtrat hat beschlossen, was zu beschließen war. " * 40
_MEGABYTE: Final = 2**20
_SPAWN: Final = get_context("spawn")


def host(number: int) -> str:
    """A host of its own for each feed; one wildcard certificate fits all."""
    return f"f{number}.co.xx"


def document(number: int, version: int) -> bytes:
    """One feed of about 45 KB; a newer version holds one article more."""
    return rss(
        Item(
            title=f"Meldung {n} aus Ort {number}",
            link=f"https://{host(number)}/a/{n}",
            guid=f"https://{host(number)}/?p={n}",
            published=START - timedelta(hours=ENTRIES - n),
            text=_FILLER,
        )
        for n in range(ENTRIES + version, version, -1)
    )


def serve(line: "Connection[Any, Any]", key: Path, certificate: Path) -> None:
    """Answer for every host; feeds below the number last received have a new version."""
    changed = 0

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            number = int(head.split("host: f", 1)[1].split(".", 1)[0])
            version = int(number < changed)
            if f'if-none-match: "{version}"' in head:
                writer.write(b"HTTP/1.1 304 -\r\nConnection: close\r\n\r\n")
            else:
                body = document(number, version)
                start = f'HTTP/1.1 200 -\r\nConnection: close\r\nETag: "{version}"\r\nContent-Length: {len(body)}\r\n\r\n'
                writer.write(start.encode() + body)
            await writer.drain()
        writer.close()

    async def main() -> None:
        nonlocal changed
        tls = server_context(key, certificate)
        server = await asyncio.start_server(meet, "127.0.0.1", 0, ssl=tls, backlog=512)
        line.send(server.sockets[0].getsockname()[1])
        while (message := await asyncio.to_thread(line.recv)) is not None:
            changed = message
        server.close()

    asyncio.run(main())


@dataclass(frozen=True)
class Server:
    """The server's process as the benchmark sees it."""

    port: int
    line: "Connection[Any, Any]"
    trust: ssl.SSLContext


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Run the server until the block ends."""
    key, certificate = make_certificate(folder, "*.co.xx")
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=serve, args=(theirs, key, certificate), daemon=True)
    process.start()
    try:
        yield Server(ours.recv(), ours, client_context(certificate))
    finally:
        ours.send(None)
        process.join(5)
        process.kill()


class Here(AbstractResolver):
    """Leads every name to this machine."""

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)
        ]

    @override
    async def close(self) -> None:
        """Nothing to give back."""


@dataclass(frozen=True)
class Measures:
    """One round in figures."""

    counts: PollCounts
    wall: float
    own_cpu: float
    lags: list[float]


async def watch(lags: list[float]) -> None:
    """Note how late the loop is, fifty times a second."""
    while True:
        start = time.perf_counter()
        await asyncio.sleep(0.02)
        lags.append(time.perf_counter() - start - 0.02)


async def one_round(db: Database, fetcher: Fetcher, pool: ParsePool, now: datetime) -> Measures:
    """Poll once with the stop-watch running."""
    lags: list[float] = []
    watcher = asyncio.create_task(watch(lags))
    start, busy = time.perf_counter(), time.process_time()
    counts = await poll_due(db, fetcher, pool, clock=lambda: now, rng=Random(1))
    wall, own_cpu = time.perf_counter() - start, time.process_time() - busy
    watcher.cancel()
    with suppress(asyncio.CancelledError):
        await watcher
    return Measures(counts, wall, own_cpu, sorted(lags))


async def bare_requests(server: Server, feeds: int) -> float:
    """The peer's CPU seconds for as many conditional requests."""
    slots, busy = asyncio.Semaphore(32), time.process_time()
    connector = TCPConnector(limit=0, force_close=True, resolver=Here(), ssl=server.trust)
    async with ClientSession(connector=connector) as session:

        async def ask(number: int) -> None:
            url = f"https://{host(number)}:{server.port}/"
            async with slots, session.get(url, headers={"If-None-Match": '"0"'}) as answer:
                await answer.read()

        await asyncio.gather(*(ask(number) for number in range(feeds)))
    return time.process_time() - busy


def processes() -> set[psutil.Process]:
    """All that this program has started, however far down."""
    return set(psutil.Process().children(recursive=True))


def parse_cpu(others: set[psutil.Process]) -> float:
    """Processor seconds of the parse processes and of where they come from, those included that have retired."""
    return sum(
        float(times.user + times.system + times.children_user + times.children_system)
        for times in (one.cpu_times() for one in processes() - others)
    )


async def run(feeds: int, changed: int, folder: Path) -> dict[str, object]:
    """Fill, then measure."""
    with serving(folder) as server:
        others = processes()
        db = Database(f"sqlite:///{folder / 'poll.db'}")
        create_tables(db.engine)
        policy = Policy(allow_private=True)
        with db.write() as session:
            for number in range(feeds):
                add_feed(session, f"https://{host(number)}:{server.port}/", now=START, policy=policy)
        pool = ParsePool()
        async with Fetcher(
            agent="digest/benchmark", policy=policy, resolver=Here(), trust=server.trust
        ) as fetcher:
            await one_round(db, fetcher, pool, START)
            peer = await bare_requests(server, feeds)
            server.line.send(feeds * changed // 100)
            before = parse_cpu(others)
            measures = await one_round(db, fetcher, pool, START + timedelta(days=2))
        parsing = parse_cpu(others) - before
        own_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        parse_memory = sum(one.memory_full_info().uss for one in processes() - others) / _MEGABYTE
        pool.close()
        db.close()
    counts = measures.counts
    return {
        "feeds": feeds,
        "polled": counts.feeds_polled,
        "changed": counts.feeds_changed,
        "failed": counts.feeds_failed,
        "articles_new": counts.articles_new,
        "wall_s": round(measures.wall, 1),
        "feeds_per_s": round(counts.feeds_polled / measures.wall, 1),
        "cpu_s": round(measures.own_cpu + parsing, 1),
        "own_cpu_s": round(measures.own_cpu, 1),
        "parse_cpu_s": round(parsing, 1),
        "peer_aiohttp_cpu_s": round(peer, 1),
        "memory_mb": round(own_memory + parse_memory),
        "own_memory_mb": round(own_memory),
        "lag_p99_ms": round(measures.lags[len(measures.lags) * 99 // 100] * 1000),
        "required": {"wall_s": 30, "cpu_s": 20, "memory_mb": 300, "lag_p99_ms": 250},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="A round over many https feeds on loopback.")
    parser.add_argument("--feeds", type=int, default=2_000)
    parser.add_argument("--changed", type=int, default=20, help="per cent")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(run(chosen.feeds, chosen.changed, Path(folder)))
    print(
        json.dumps(figures)
        if chosen.json
        else "\n".join(f"{name}: {value}" for name, value in figures.items())
    )
