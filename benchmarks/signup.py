"""How many people can sign up in a second, beside the same app with a commit per request, in the same run.

    python -m benchmarks.signup --seconds 5 --json

The real app in a process of its own on a SQLite file; the generator (our own, `benchmarks.httpload`) shares the machine.
Every request carries a new address, limits are off by setting, and rows are counted against answers. `lost` kills the
server under load, starts it again on the same file, and looks for every address that had been acknowledged.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from typing import TypeVar

from sqlmodel import Session, col, func, select
from typing_extensions import override

from benchmarks.httpload import Answers, Request, form, get, load
from digest.db import Database
from digest.delivery.models import Delivery
from digest.runtime import Runtime
from digest.settings import Limits, Settings
from digest.web.app import create_app
from digest.web.orders import Order
from digest.web.server import server
from digest.web.writer import Writer
from subscribers.models import SignupRequest, Subscriber, Suppression, SuppressionReason, Topic
from subscribers.tokens import Purpose
from subscribers.types import metadata

T = TypeVar("T")
NO_LIMITS = Limits(sign_up="", sign_up_network="", sign_up_site="", manage="", preview="", invalid_token="")
TOPICS = ("ki", "raumfahrt", "ukraine")


class CommitPerRequest(Writer[Order]):
    """The peer: every request opens, writes and commits a transaction of its own, in a thread."""

    @override
    async def write(self, operation: Callable[[Session], T]) -> T:
        return await asyncio.to_thread(self._alone, operation)

    @override
    async def sign_up(self, request: Order) -> None:
        await asyncio.to_thread(self._alone, lambda session: self._sign_up_all(session, [request]))

    def _alone(self, operation: Callable[[Session], T]) -> T:
        with self._db.write() as session:
            return operation(session)


def settings(path: Path, port: int) -> Settings:
    return Settings(
        database_url=f"sqlite:///{path}",
        secret_key="0123456789abcdef" * 4,
        base_url=f"http://127.0.0.1:{port}",
        site={"name": "Beispiel-News"},
        limits=NO_LIMITS,
    )


def runtime(path: Path, port: int) -> Runtime:
    chosen = settings(path, port)
    return Runtime(chosen, Database(chosen.database_url), lambda: datetime.now(UTC), Random(1))


def serve(path: Path, port: int, *, is_peer: bool) -> None:
    """What the server process does until it is stopped or killed."""
    app = create_app(runtime(path, port))
    if is_peer:
        site = app.state.site
        peer = CommitPerRequest(site.db, sign_up_all=site.writer._sign_up_all)  # noqa: SLF001  # the same work, committed otherwise
        app.state.site = replace(site, writer=peer)
    server(app, host="127.0.0.1", port=port).run()


@contextlib.contextmanager
def serving(path: Path, port: int, *, is_peer: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """The server in a process of its own, ready to answer."""
    arguments = ["--serve", str(path), str(port), *(["--peer"] if is_peer else [])]
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.signup", *arguments])
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
                break
            time.sleep(0.1)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def sign_ups(host: str, prefix: str) -> Iterator[Request]:
    """A new address in every request."""
    for number in itertools.count():
        address = f"{prefix}{number}@example.org"
        yield form(
            host,
            "/subscribe",
            address,
            f"email={prefix}{number}%40example.org&topic=ki&topic=ukraine&lang=de",
        )


async def for_seconds(port: int, requests: Iterator[Request], *, seconds: float, connections: int) -> Answers:
    ends_at = time.perf_counter() + seconds
    return await load(port, requests, connections=connections, is_over=lambda: time.perf_counter() > ends_at)


def missing(path: Path, answers: Answers) -> int:
    """How many acknowledged addresses have no request or no mail."""
    database = Database(f"sqlite:///{path}")
    with database.read() as session:
        requests = set(session.exec(select(SignupRequest.address)))
        mails = set(session.exec(select(Delivery.address)))
    database.close()
    return len(set(answers.acknowledged) - (requests & mails))


def signing(folder: Path, name: str, *, seconds: float, is_peer: bool) -> tuple[Answers, int]:
    path, port = prepared(folder / f"{name}.db"), free_port()
    with serving(path, port, is_peer=is_peer):
        host = f"127.0.0.1:{port}"
        asyncio.run(for_seconds(port, sign_ups(host, "warm"), seconds=0.5, connections=8))
        answers = asyncio.run(for_seconds(port, sign_ups(host, "ann"), seconds=seconds, connections=32))
    return answers, missing(path, answers)


async def leaving_meanwhile(port: int, leavers: list[Request], *, seconds: float) -> tuple[Answers, Answers]:
    """Ninety-six connections sign up while people leave, one after the other."""
    host, left = f"127.0.0.1:{port}", iter(leavers)
    ends_at = time.perf_counter() + seconds
    is_over = partial(lambda: time.perf_counter() > ends_at)
    signing_up = load(port, sign_ups(host, "flood"), connections=96, is_over=is_over)
    one_by_one = load(port, left, connections=2, is_over=is_over)
    flood, leaves = await asyncio.gather(signing_up, one_by_one)
    return flood, leaves


def leaving(folder: Path, *, seconds: float) -> dict[str, float]:
    path, port = prepared(folder / "leaving.db", people=20_000), free_port()
    signer, host = runtime(path, port).signer, f"127.0.0.1:{port}"
    with Database(f"sqlite:///{path}").read() as session:
        people = list(session.exec(select(Subscriber.public_id)))
    leavers = [
        form(host, f"/u/{signer.sign(Purpose.UNSUBSCRIBE, one)}", "", "List-Unsubscribe=One-Click")
        for one in people
    ]
    with serving(path, port):
        flood, left = asyncio.run(leaving_meanwhile(port, leavers, seconds=seconds))
    statuses = flood.statuses | left.statuses
    return {
        "unsubscribe_p99_ms": round(left.p(0.99), 1),
        "unsubscribes": len(left.seconds),
        "flood_late_over_2_s": sum(one > 2 for one in flood.seconds + left.seconds),
        "flood_unexpected": sum(
            count for status, count in statuses.items() if status >= 400 and status not in {429, 503}
        ),
    }


def showing(folder: Path, *, seconds: float) -> float:
    path, port = prepared(folder / "pages.db"), free_port()
    with serving(path, port):
        page = itertools.repeat(get(f"127.0.0.1:{port}", "/subscribe"))
        answers = asyncio.run(for_seconds(port, page, seconds=seconds, connections=32))
    return len(answers.seconds) / seconds


def losing(folder: Path, *, kills: int) -> int:
    """Kill the server under load, again and again, on one file; how many acknowledged sign-ups are not there."""
    path, port, lost = prepared(folder / "killed.db"), free_port(), 0
    for number in range(kills):
        with serving(path, port) as process:
            answers = asyncio.run(_until_killed(port, process, prefix=f"k{number}x"))
        lost += missing(path, answers)
    return lost


async def _until_killed(port: int, process: subprocess.Popen[bytes], *, prefix: str) -> Answers:
    asyncio.get_running_loop().call_later(0.8, process.kill)
    return await load(port, sign_ups(f"127.0.0.1:{port}", prefix), connections=32, is_over=lambda: False)


def told_apart(folder: Path) -> dict[str, float]:
    """Median answer, one at a time, for addresses that are new, known, suppressed and limited."""
    path, port = prepared(folder / "told.db", people=200, suppressed=200), free_port()
    host, kinds = f"127.0.0.1:{port}", ("new", "known", "suppressed", "limited")
    names = {"new": "fresh{}", "known": "reader{}", "suppressed": "stopped{}", "limited": "fresh{}"}
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    with serving(path, port):
        for number, kind in itertools.product(range(150), kinds):
            name = names[kind].format(number)
            request = form(host, "/subscribe", "", f"email={name}%40example.org&topic=ki&lang=de")
            done = asyncio.run(load(port, iter([request]), connections=1, is_over=_once()))
            seconds[kind] += done.seconds
    return {f"answer_{kind}_ms": round(median(took) * 1000, 2) for kind, took in seconds.items()}


def _once() -> Callable[[], bool]:
    asked = iter([False])
    return lambda: next(asked, True)


def prepared(path: Path, *, people: int = 0, suppressed: int = 0) -> Path:
    """A database with three topics, and so many subscribers and suppressed addresses."""
    database, now = Database(f"sqlite:///{path}"), datetime.now(UTC)
    metadata.create_all(database.engine)
    hasher = runtime(path, 1).hasher
    with database.write() as session:
        session.add_all(Topic(slug=slug, name=slug.title(), query=slug, created_at=now) for slug in TOPICS)
        session.add_all(
            Subscriber(address=f"reader{n}@example.org", address_key=f"reader{n}@example.org", created_at=now)
            for n in range(people)
        )
        session.add_all(
            Suppression(
                address_hash=hasher.hash(f"stopped{n}@example.org"),
                reason=SuppressionReason.COMPLAINT,
                since=now,
            )
            for n in range(suppressed)
        )
        session.flush()
        assert session.exec(select(func.count(col(Topic.id)))).one() == len(TOPICS)
    database.close()
    return path


def measured(*, seconds: float, kills: int) -> dict[str, float]:
    folder = Path(tempfile.mkdtemp(prefix="signup-"))
    try:
        ours, lost = signing(folder, "ours", seconds=seconds, is_peer=False)
        peer, _ = signing(folder, "peer", seconds=seconds, is_peer=True)
        per_s, peer_per_s = len(ours.acknowledged) / seconds, len(peer.acknowledged) / seconds
        return {
            "signups_per_s": round(per_s),
            "signup_p99_ms": round(ours.p(0.99), 1),
            "errors": ours.errors + len(ours.seconds) - len(ours.acknowledged),
            "rows_missing": lost,
            "peer_signups_per_s": round(peer_per_s),
            "peer_p99_ms": round(peer.p(0.99), 1),
            "speedup_ratio": round(per_s / max(peer_per_s, 1), 2),
            **leaving(folder, seconds=seconds),
            "pages_per_s": round(showing(folder, seconds=seconds)),
            "lost": losing(folder, kills=kills),
            "kills": kills,
            **told_apart(folder),
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Sign-ups per second beside a commit per request.")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    parser.add_argument("--serve", nargs=2, metavar=("FILE", "PORT"), help=argparse.SUPPRESS)
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(Path(chosen.serve[0]), int(chosen.serve[1]), is_peer=chosen.peer)
        return
    figures = measured(seconds=chosen.seconds, kills=chosen.kills)
    if chosen.json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        print(f"{name:24} {figure}")


if __name__ == "__main__":
    main()
