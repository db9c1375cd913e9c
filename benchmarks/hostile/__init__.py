"""What the worst documents and servers cost, and whom they delay: `python -m benchmarks.hostile --json`.

Each document of up to 10 MiB is served over HTTP to a real round, alone with a dozen peaceful feeds on other hosts;
the peer is the same round without it, run just before. Then all hostile servers at once. Time is that of the work on
the document as the pool waits for it, CPU that of the parse process, memory the largest that one process ever had
resident.
"""

import argparse
import asyncio
import gzip
import itertools
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection  # noqa: TC003  # named in a quoted type
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any, Final

import psutil
import structlog
from typing_extensions import override

from digest.db import Database
from digest.feeds.document import ParsedDocument
from digest.feeds.exchange import Fetched, FetchRequest, Policy
from digest.feeds.fetch import Fetcher
from digest.feeds.poll import PollCounts, poll_due
from digest.feeds.pool import ParsePool
from digest.feeds.registry import add_feed
from tests.support.documents import news, rss
from tests.support.feedserver import Answer, FeedServer, LoopbackResolver
from tests.support.schema import create_tables
from tests.unit.feeds_parse.hostile import HOSTILE, SIZE

START: Final = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
PEACEFUL: Final = 12
REQUIRED: Final = {"longest_s": 5, "memory_mb": 350, "others_delayed_s": 1}
_MEGABYTE: Final = 2**20
_SPAWN: Final = get_context("spawn")


def _endless(piece: bytes) -> Iterator[bytes]:
    return itertools.repeat(piece)


SERVERS: Final[dict[str, Any]] = {
    "never answers": lambda: Answer(delay=600),
    "drips its head": lambda: Answer(raw=b"HTTP/1.1 200 -\r\n", pieces=_endless(b"X: y\r\n"), pause=1.0),
    "drips its body": lambda: Answer(pieces=_endless(b"<item/>"), pause=1.0),
    "stops in the middle": lambda: Answer(pieces=[b"<rss>", b"<channel>"], pause=600),
    "never ends": lambda: Answer(pieces=_endless(b"x" * 65_536)),
    "endless head": lambda: Answer(raw=b"HTTP/1.1 200 -\r\n" + b"X: y\r\n" * 500_000),
    "one long header": lambda: Answer(raw=b"HTTP/1.1 200 -\r\nX: " + b"y" * 5_000_000),
    "claims ten gigabytes": lambda: Answer(raw=b"HTTP/1.1 200 -\r\nContent-Length: 10000000000\r\n\r\n"),
    "leads in a circle": lambda: Answer(status=302, headers={"Location": "/leads-in-a-circle"}),
    "gzip of a gigabyte": lambda: Answer(body=_bomb(1024), headers={"Content-Encoding": "gzip"}),
    "gzip in many parts": lambda: Answer(body=gzip.compress(b"<a/>") * 100_000),
    "no http": lambda: Answer(raw=b"\0" * 1_000_000),
    "chunks without end": lambda: Answer(
        raw=b"HTTP/1.1 200 -\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 500_000
    ),
    "a chunk too large": lambda: Answer(
        raw=b"HTTP/1.1 200 -\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx"
    ),
}
"""What servers do, by name; made where it is served."""


def _bomb(megabytes: int) -> bytes:
    return gzip.compress(b"\0" * _MEGABYTE, 9) * megabytes


def path_of(name: str) -> str:
    """The path a hostile thing is served at."""
    return "/" + "".join(letter if letter.isalnum() else "-" for letter in name)


def serve(line: "Connection[Any, Any]") -> None:
    """The hostile server's whole life: every answer of `SERVERS`, and the document it is told to serve."""
    with FeedServer() as server:
        for name, answer in SERVERS.items():
            server.script(path_of(name), answer())
        line.send(server.port)
        while (name := line.recv()) is not None:
            server.publish("/document", HOSTILE[name](SIZE)[:SIZE], etag=None)
            line.send(name)


def serve_peacefully(line: "Connection[Any, Any]") -> None:
    """The other server's life; a process of its own, so that nothing hostile keeps it from answering."""
    with FeedServer() as server:
        for number in range(PEACEFUL):
            items = [news(n, published=START - timedelta(hours=n)) for n in range(20)]
            server.publish(f"/peaceful/{number}", rss(items))
        line.send(server.port)
        line.recv()


@dataclass(frozen=True)
class Server:
    """A server's process as the benchmark sees it."""

    port: int
    line: "Connection[Any, Any]"

    def url(self, path: str, host: str) -> str:
        """An address of this server, under a host of its own."""
        return f"http://{host}.example:{self.port}{path}"

    def offer(self, name: str) -> None:
        """Serve this document from now on."""
        self.line.send(name)
        self.line.recv()


@contextmanager
def serving(life: Callable[["Connection[Any, Any]"], None]) -> Iterator[Server]:
    """Run a server until the block ends."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=life, args=(theirs,), daemon=True)
    process.start()
    try:
        yield Server(ours.recv(), ours)
    finally:
        ours.send(None)
        process.join(2)
        process.kill()


class Clocked(ParsePool):
    """The pool, noting how long each document was worked on in its process."""

    work: dict[str, float]

    @override
    async def parse(
        self, body: bytes, *, url: str = "", content_type: str | None = None, is_own: bool = False
    ) -> ParsedDocument:
        start = time.perf_counter()
        try:
            return await super().parse(body, url=url, content_type=content_type, is_own=is_own)
        finally:
            self.work[url] = time.perf_counter() - start


class Watched:
    """A fetcher that notes when the answer of each host was complete."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self.took: dict[str, float] = {}

    async def fetch(self, request: FetchRequest, /) -> Fetched:
        """Ask and note."""
        start = time.perf_counter()
        try:
            return await self._fetcher.fetch(request)
        finally:
            self.took[request.url] = time.perf_counter() - start


@dataclass
class Memory:
    """The largest resident memory of this process or one of its parse processes, in MiB, and what those computed."""

    others: frozenset[int]
    peak: float = 0.0
    _used: dict[int, list[float]] = field(default_factory=dict)
    _stop: Event = field(default_factory=Event)

    def __enter__(self) -> "Memory":
        self._thread = Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        ourselves = psutil.Process()
        while not self._stop.wait(0.04):
            children = [one for one in ourselves.children(recursive=True) if one.pid not in self.others]
            self.peak = max(self.peak, *map(_resident, [ourselves, *children]))
            for child in children:
                self._used.setdefault(child.pid, []).append(_used(child))

    @property
    def cpu(self) -> float:
        """The most processor seconds one parse process used meanwhile; one that began meanwhile counts its start."""
        return max((max(used) - used[0] for used in self._used.values()), default=0.0)


def _resident(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / _MEGABYTE
    except psutil.Error:
        return 0.0


def _used(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


@dataclass(frozen=True)
class Measures:
    """One round: what came of it, and how long the peaceful feeds and the hostile ones took."""

    counts: PollCounts
    peaceful: float
    hostile: float
    cpu: float


class Bench:
    """Rounds against both servers, each on an empty database, with one pool that keeps its processes.

    Every round has host names of its own: the fetcher would make a host wait for the second between two starts.
    """

    def __init__(
        self, hostile: Server, peaceful: Server, folder: Path, fetcher: Fetcher, pool: Clocked
    ) -> None:
        self._hostile, self._peaceful = hostile, peaceful
        self._folder, self._pool = folder, pool
        self._fetcher = fetcher
        self._number = itertools.count()

    async def round(self, hostile: dict[str, str]) -> Measures:
        """Ask the peaceful feeds and these hostile ones (host to path) once."""
        number = next(self._number)
        path = self._folder / f"{number}.db"
        db = Database(f"sqlite:///{path}")
        create_tables(db.engine)
        urls = [self._hostile.url(one, f"{host}-{number}") for host, one in hostile.items()]
        urls += [
            self._peaceful.url(f"/peaceful/{n}", f"peaceful{n}-{number}") for n in range(PEACEFUL)
        ]  # behind the hostile ones, so that they wait for them
        with db.write() as session:
            for url in urls:
                add_feed(session, url, now=START, policy=Policy(allow_private=True))
        measures = await self._measure(db)
        db.close()
        path.unlink()
        return measures

    async def _measure(self, db: Database) -> Measures:
        watched, self._pool.work = Watched(self._fetcher), {}
        busy = _cpu()
        counts = await poll_due(db, watched, self._pool, clock=lambda: START, rng=Random(1))
        both = {url: took + self._pool.work.get(url, 0.0) for url, took in watched.took.items()}
        return Measures(
            counts=counts,
            peaceful=max(took for url, took in both.items() if "//peaceful" in url),
            hostile=max(
                (took for url, took in self._pool.work.items() if "//peaceful" not in url), default=0.0
            ),
            cpu=_cpu() - busy,
        )


def _cpu() -> float:
    """Processor seconds of this process and of the children that ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


async def run(names: list[str], folder: Path) -> dict[str, object]:
    """Every document alone, then all servers together."""
    rows: dict[str, dict[str, object]] = {}
    with serving(serve) as server, serving(serve_peacefully) as peaceful:
        known = frozenset(child.pid for child in psutil.Process().children())
        async with (
            Fetcher(
                agent="digest/benchmark", policy=Policy(allow_private=True), resolver=LoopbackResolver()
            ) as fetcher,
            Clocked() as pool,
        ):
            bench = Bench(server, peaceful, folder, fetcher, pool)
            await bench.round({})  # starts the processes
            for name in names:
                server.offer(name)
                alone = (await bench.round({})).peaceful
                with Memory(known) as memory:
                    measures = await bench.round({"hostile": "/document"})
                rows[name] = _row(measures, memory, alone)
            alone = (await bench.round({})).peaceful
            with Memory(known) as memory:
                start = time.perf_counter()
                measures = await bench.round({f"server{n}": path_of(one) for n, one in enumerate(SERVERS)})
                wall = time.perf_counter() - start
            together = _row(measures, memory, alone) | {
                "servers": len(SERVERS),
                "wall_s": round(wall, 1),
                "all_cpu_s": round(measures.cpu, 1),
                "outcomes": {one: str(measures.counts.outcomes.get(n)) for n, one in enumerate(SERVERS, 1)},
            }
        kills = pool.kills
    return _figures(rows, together, kills=kills, alone=alone)


def _row(measures: Measures, memory: Memory, alone: float) -> dict[str, object]:
    return {
        "seconds": round(measures.hostile, 2),
        "cpu_s": round(memory.cpu, 2),
        "memory_mb": round(memory.peak),
        "others_delayed_s": round(max(0.0, measures.peaceful - alone), 2),
        "outcome": str(measures.counts.outcomes.get(1, "")),
    }


def _figures(
    rows: dict[str, dict[str, Any]], together: dict[str, Any], *, kills: int, alone: float
) -> dict[str, object]:
    def worst(name: str) -> Any:
        return max(row[name] for row in [*rows.values(), together])

    slowest = max(rows, key=lambda name: float(rows[name]["seconds"]))
    return {
        "documents": len(rows),
        "servers": len(SERVERS),
        "longest_s": worst("seconds"),
        "longest_document": slowest,
        "longest_cpu_s": max(float(row["cpu_s"]) for row in rows.values()),
        "memory_mb": worst("memory_mb"),
        "own_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "others_delayed_s": worst("others_delayed_s"),
        "others_alone_s": round(alone, 2),
        "kills": kills,
        "all_servers_together": together,
        "by_document": rows,
        "required": REQUIRED,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Hostile documents and servers, and whom they delay.")
    parser.add_argument("--only", help="documents whose name contains this")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    names = [name for name in HOSTILE if chosen.only is None or chosen.only in name]
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(run(names, Path(folder)))
    lines = (f"{name}: {value}" for name, value in figures.items())
    print(json.dumps(figures) if chosen.json else "\n".join(lines))
