"""`wrk` as load generator, on loopback only and for a given time; our own client where it is missing."""

import asyncio
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.httpload import Answers, Request, form, get, load

SCRIPT = Path(__file__).with_suffix(".lua")
BUSY = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Load:
    """What came back: taken (2xx, 3xx), busy (429, 503), wrong (any other status), broken (no answer, or a late one)."""

    taken: int
    busy: int
    wrong: int
    broken: int
    seconds: float
    p99_ms: float
    slowest_ms: float

    @property
    def per_s(self) -> float:
        """Answers of the good kind a second."""
        return self.taken / self.seconds


def generator() -> str:
    """Which generator this machine has."""
    return "wrk" if shutil.which("wrk") else "own client"


async def sign_up_load(port: int, prefix: str, *, seconds: float, connections: int) -> Load:
    """A new address in every request."""
    if shutil.which("wrk"):
        return await _wrk(port, "/subscribe", [prefix], seconds=seconds, connections=connections)
    requests = sign_ups(f"127.0.0.1:{port}", prefix)
    return await _own(port, requests, seconds=seconds, connections=connections)


async def page_load(port: int, path: str, *, seconds: float, connections: int) -> Load:
    """The same page, again and again."""
    if shutil.which("wrk"):
        return await _wrk(port, path, [], seconds=seconds, connections=connections)
    requests = itertools.repeat(get(f"127.0.0.1:{port}", path))
    return await _own(port, requests, seconds=seconds, connections=connections)


def sign_ups(host: str, prefix: str) -> Iterator[Request]:
    """The requests of our own client: a new address in every one."""
    for number in itertools.count():
        name = f"{prefix}{number}"
        body = f"email={name}%40example.org&topic=ki&topic=ukraine&lang=de"
        yield form(host, "/subscribe", f"{name}@example.org", body)


async def _wrk(port: int, path: str, arguments: list[str], *, seconds: float, connections: int) -> Load:
    whole = max(1, round(seconds))
    process = await asyncio.create_subprocess_exec(
        "wrk",
        *("-t2", f"-c{connections}", f"-d{whole}s", "-s", str(SCRIPT)),
        *(f"http://127.0.0.1:{port}{path}", "--", *arguments),
        stdout=subprocess.PIPE,
    )
    told, _ = await process.communicate()
    return Load(**json.loads(told.splitlines()[-1]))


async def _own(port: int, requests: Iterator[Request], *, seconds: float, connections: int) -> Load:
    ends_at = time.perf_counter() + seconds
    answers = await load(
        port, requests, connections=connections, is_over=lambda: time.perf_counter() > ends_at
    )
    return summed(answers, seconds=seconds)


def summed(answers: Answers, *, seconds: float) -> Load:
    """What our own client saw, in the same words."""
    busy = sum(count for status, count in answers.statuses.items() if status in BUSY)
    taken = sum(count for status, count in answers.statuses.items() if status < 400)
    return Load(
        taken=taken,
        busy=busy,
        wrong=len(answers.seconds) - taken - busy,
        broken=answers.errors,
        seconds=seconds,
        p99_ms=answers.p(0.99),
        slowest_ms=answers.p(1.0),
    )
