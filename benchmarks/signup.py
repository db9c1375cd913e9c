"""How many people can sign up in a second, beside the same app with a commit per request, in the same run.

    python -m benchmarks.signup --seconds 10 --json

The real app in a process of its own (`benchmarks.served`) on a SQLite file; the generator, `wrk` where there is one, shares
the machine. Every request carries a new address, limits are off by setting, and rows are counted against answers. `lost`
kills the server under load, starts it again on the same file, and looks for every address that had been acknowledged.
"""

import argparse
import asyncio
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from sqlmodel import col, func, select

from benchmarks.httpload import Answers, form, load
from benchmarks.served import free_port, prepared, runtime, serving
from benchmarks.wrk import Load, generator, page_load, sign_up_load, sign_ups
from digest.db import Database
from digest.delivery.models import Delivery
from subscribers.models import SignupRequest, Subscriber
from subscribers.tokens import Purpose

CONNECTIONS = 32
KINDS = ("new", "known", "suppressed", "limited")
NAMES = {"new": "fresh{}", "known": "reader{}", "suppressed": "stopped{}", "limited": "fresh{}"}


def signing(folder: Path, name: str, *, seconds: float, is_peer: bool) -> tuple[Load, int, float]:
    """The load, how many rows are missing for what was acknowledged, and the server's CPU seconds."""
    path, port = prepared(folder / f"{name}.db"), free_port()
    with serving(path, port, is_peer=is_peer) as process:
        asyncio.run(sign_up_load(port, "warm", seconds=1, connections=8))
        before = cpu_seconds(process)
        came = asyncio.run(sign_up_load(port, "ann", seconds=seconds, connections=CONNECTIONS))
        spent = cpu_seconds(process) - before
    return came, max(0, came.taken - written(path, "ann")), spent


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)


def written(path: Path, prefix: str) -> int:
    """How many addresses that begin so have their request and their mail."""
    database = Database(f"sqlite:///{path}")
    asked, mailed = col(SignupRequest.address), col(Delivery.address)
    with database.read() as session:
        both = select(func.count()).select_from(SignupRequest).join(Delivery, mailed == asked)
        count = session.exec(both.where(asked.startswith(prefix))).one()
    database.close()
    return count


def missing(path: Path, answers: Answers) -> int:
    """How many acknowledged addresses have no request or no mail."""
    database = Database(f"sqlite:///{path}")
    with database.read() as session:
        requests = set(session.exec(select(SignupRequest.address)))
        mails = set(session.exec(select(Delivery.address)))
    database.close()
    return len(set(answers.acknowledged) - (requests & mails))


def leaving(folder: Path, *, seconds: float) -> dict[str, float]:
    """Three times the connections sign up while people leave, one after the other."""
    path, port = prepared(folder / "leaving.db", people=20_000), free_port()
    signer, host = runtime(path, port).signer, f"127.0.0.1:{port}"
    with Database(f"sqlite:///{path}").read() as session:
        people = list(session.exec(select(Subscriber.public_id)))
    leavers = (
        form(host, f"/u/{signer.sign(Purpose.UNSUBSCRIBE, one)}", "", "List-Unsubscribe=One-Click")
        for one in people
    )

    async def together() -> tuple[Load, Answers]:
        ends_at = time.perf_counter() + seconds
        flood = sign_up_load(port, "flood", seconds=seconds, connections=3 * CONNECTIONS)
        one_by_one = load(port, leavers, connections=2, is_over=lambda: time.perf_counter() > ends_at)
        return await asyncio.gather(flood, one_by_one)

    with serving(path, port):
        flood, left = asyncio.run(together())
    refused = sum(count for status, count in left.statuses.items() if status >= 400)
    return {
        "unsubscribe_p99_ms": round(left.p(0.99), 1),
        "unsubscribes": len(left.seconds),
        "flood_per_s": round(flood.per_s),
        "flood_busy": flood.busy,
        "flood_unexpected": flood.wrong + flood.broken + refused + left.errors,
        "flood_slowest_ms": round(max(flood.slowest_ms, left.p(1.0)), 1),
    }


def showing(folder: Path, *, seconds: float) -> Load:
    path, port = prepared(folder / "pages.db"), free_port()
    with serving(path, port):
        asyncio.run(page_load(port, "/subscribe", seconds=1, connections=8))
        return asyncio.run(page_load(port, "/subscribe", seconds=seconds, connections=CONNECTIONS))


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
    requests = sign_ups(f"127.0.0.1:{port}", prefix)
    return await load(port, requests, connections=CONNECTIONS, is_over=lambda: False)


def told_apart(folder: Path, *, rounds: int) -> dict[str, float]:
    """Median answer, one at a time and in turn, for addresses that are new, known, suppressed and limited."""
    path, port = prepared(folder / "told.db", people=rounds, suppressed=rounds), free_port()
    host = f"127.0.0.1:{port}"
    seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with serving(path, port):
        for number, kind in itertools.product(range(rounds), KINDS):
            name = NAMES[kind].format(number)
            request = form(host, "/subscribe", "", f"email={name}%40example.org&topic=ki&lang=de")
            done = asyncio.run(load(port, iter([request]), connections=1, is_over=_once()))
            seconds[kind] += done.seconds if number else []  # the first of each kind warms up
    medians = {kind: median(took) * 1000 for kind, took in seconds.items()}
    spread = max(medians.values()) / min(medians.values()) - 1
    shown = {f"answer_{kind}_ms": round(took, 2) for kind, took in medians.items()}
    return shown | {"answer_spread_ratio": round(spread, 3)}


def _once() -> Callable[[], bool]:
    asked = iter([False])
    return lambda: next(asked, True)


def measured(*, seconds: float, kills: int, rounds: int) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="signup-"))
    try:
        ours, lost, spent = signing(folder, "ours", seconds=seconds, is_peer=False)
        peer, _, _ = signing(folder, "peer", seconds=seconds, is_peer=True)
        pages = showing(folder, seconds=seconds)
        return {
            "generator": generator(),
            "signups_per_s": round(ours.per_s),
            "signup_p99_ms": round(ours.p99_ms, 1),
            "signup_cpu_us": round(spent / max(ours.taken, 1) * 1e6),
            "errors": ours.busy + ours.wrong + ours.broken,
            "rows_missing": lost,
            "peer_signups_per_s": round(peer.per_s),
            "peer_p99_ms": round(peer.p99_ms, 1),
            "speedup_ratio": round(ours.per_s / max(peer.per_s, 1), 2),
            **leaving(folder, seconds=seconds),
            "pages_per_s": round(pages.per_s),
            "pages_p99_ms": round(pages.p99_ms, 1),
            "lost": losing(folder, kills=kills),
            "kills": kills,
            **told_apart(folder, rounds=rounds),
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Sign-ups per second beside a commit per request.")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=200, help="answers of each kind to compare")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    chosen = parser.parse_args()
    figures = measured(seconds=chosen.seconds, kills=chosen.kills, rounds=chosen.rounds)
    if chosen.json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        print(f"{name:24} {figure}")


if __name__ == "__main__":
    main()
