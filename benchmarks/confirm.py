"""How long somebody who signed up waits until the mail to confirm is at the server, alone and during a large edition.

    python -m benchmarks.confirm --subscribers 20000 --seconds 20 --json

The real thing: `digest run` without its scheduler in a process of its own, pages and worker on one SQLite file, and a light
SMTP server in another. Now and then somebody new signs up; the wait ends with the 250 to the mail's final dot. The limit
beside it is the same wait with nothing else to send.
"""

import argparse
import contextlib
import json
import multiprocessing
import shutil
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.send import populate
from benchmarks.sender import NOW, quiet, runtime_for
from benchmarks.served import NO_LIMITS, free_port
from benchmarks.sinks import LightSink, light
from digest import threads
from digest.db import Database
from digest.delivery.outbox import EditionLedger
from digest.editions.plan import InstantRules, plan_due
from digest.runtime import Runtime
from digest.web.app import create_app
from digest.web.server import server
from subscribers.types import metadata

EVERY: Final = 0.25
"""Seconds from one sign-up to the next."""
PATIENCE: Final = 60.0
LOOK: Final = 0.01


def house(url: str, smtp_port: int, port: int) -> None:
    """What the process does until it is ended: serve the pages and send."""
    quiet()
    runtime = runtime_for(url, "127.0.0.1", smtp_port, None)
    began = time.monotonic()
    runtime = Runtime(
        runtime.settings.model_copy(update={"limits": NO_LIMITS, "base_url": f"http://127.0.0.1:{port}"}),
        runtime.db,
        lambda: NOW + timedelta(seconds=time.monotonic() - began),
        runtime.rng,
    )
    with threads.sending(runtime):
        server(create_app(runtime), host="127.0.0.1", port=port).run()


@contextlib.contextmanager
def running(url: str, smtp_port: int) -> Iterator[int]:
    """The house in a process of its own; the port of its pages."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=house, args=(url, smtp_port, port))
    process.start()
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
                break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.join(PATIENCE)


class Waiting:
    """Who signed up when, and how long each waited."""

    def __init__(self, sink: LightSink) -> None:
        self._sink = sink
        self._since: dict[bytes, float] = {}
        self.seconds: list[float] = []
        self.others = 0
        """Mails of the edition meanwhile."""

    @property
    def open(self) -> int:
        """How many still wait."""
        return len(self._since)

    def begin(self, address: str) -> None:
        """Somebody was told to look into the inbox."""
        self._since[address.encode()] = time.perf_counter()

    def look(self) -> None:
        """See what the server has taken since."""
        now = time.perf_counter()
        for address, mails in self._sink.taken().items():
            began = self._since.pop(address, None)
            if began is None:
                self.others += mails
            else:
                self.seconds.append(now - began)


def signing_up(port: int, waiting: Waiting, *, seconds: float, name: str) -> float:
    """Let somebody sign up now and then, and wait for the last; how long it took."""
    began = time.perf_counter()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
        for number in range(int(seconds / EVERY)):
            address = f"{name}{number}@example.net"
            client.post("/subscribe", data={"email": address, "topic": "t0"})
            waiting.begin(address)
            while time.perf_counter() < began + (number + 1) * EVERY:
                waiting.look()
                time.sleep(LOOK)
    last = time.perf_counter()
    while waiting.open and time.perf_counter() < last + PATIENCE:
        waiting.look()
        time.sleep(LOOK)
    return time.perf_counter() - began


def planned(folder: Path, people: int) -> str:
    """A database in which an edition for so many people is due; its URL."""
    url = f"sqlite:///{folder}/confirm{people}.db"
    db = Database(url)
    metadata.create_all(db.engine)
    populate(db, max(people, 1), is_distinct=False)
    if people:
        plan_due(db, EditionLedger(), now=NOW, catch_up=timedelta(hours=6), instant=InstantRules())
    db.close()
    return url


def waited(folder: Path, people: int, *, seconds: float) -> tuple[Waiting, float]:
    """Who waited how long while an edition for so many people went out, and how long that took."""
    with light() as sink, running(planned(folder, people), sink.port) as port:
        waiting = Waiting(sink)
        return waiting, signing_up(port, waiting, seconds=seconds, name="late" if people else "early")


def measured(*, people: int, seconds: float) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="confirm-"))
    try:
        alone, _ = waited(folder, 0, seconds=seconds)
        busy, took = waited(folder, people, seconds=seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "confirmations": len(busy.seconds),
        "missing": busy.open,
        "confirmation_p50_ms": percentile(busy.seconds, 50),
        "confirmation_p95_ms": percentile(busy.seconds, 95),
        "edition_mails_per_s": round(busy.others / took),
        "edition_mails": busy.others,
        "alone_p50_ms": percentile(alone.seconds, 50),
        "alone_p95_ms": percentile(alone.seconds, 95),
    }


def percentile(seconds: list[float], part: int) -> float | None:
    """The time within which so many of a hundred were done, in milliseconds."""
    if len(seconds) < 2:
        return None
    return round(statistics.quantiles(seconds, n=100, method="inclusive")[part - 1] * 1000, 1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="From a sign-up to the server's 250 for the mail to confirm."
    )
    parser.add_argument("--subscribers", type=int, default=20_000, help="people of the edition that goes out")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    chosen = parser.parse_args()
    figures = measured(people=chosen.subscribers, seconds=chosen.seconds)
    if chosen.json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        print(f"{name:24} {figure}")


if __name__ == "__main__":
    main()
