"""A small HTTP load generator: so many kept-alive connections, each sending its next request when the last is answered."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Answers:
    """What came back: the time each answer took, its status, and the keys of those that were acknowledged."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)
    errors: int = 0

    def p(self, share: float) -> float:
        """The time, in milliseconds, that this share of all answers kept within."""
        ordered = sorted(self.seconds) or [0.0]
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


@dataclass(frozen=True, slots=True)
class Request:
    """One request as bytes, and the key by which its effect can be found."""

    key: str
    raw: bytes


def form(host: str, path: str, key: str, body: str) -> Request:
    """A form-encoded POST."""
    data = body.encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(data)}\r\n\r\n"
    )
    return Request(key, head.encode() + data)


def get(host: str, path: str) -> Request:
    """A GET."""
    return Request("", f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())


async def load(
    port: int, requests: Iterator[Request], *, connections: int, is_over: Callable[[], bool]
) -> Answers:
    """Send until `is_over`, then let everything under way be answered. A server that dies is an end, not a failure."""
    answers = Answers()
    await asyncio.gather(*(_worker(port, requests, answers, is_over) for _ in range(connections)))
    return answers


async def _worker(
    port: int, requests: Iterator[Request], answers: Answers, is_over: Callable[[], bool]
) -> None:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        answers.errors += 1
        return
    try:
        while not is_over():
            request = next(requests)
            began = time.perf_counter()
            writer.write(request.raw)
            status = await _status(reader)
            answers.seconds.append(time.perf_counter() - began)
            answers.statuses[status] = answers.statuses.get(status, 0) + 1
            if status < 400:
                answers.acknowledged.append(request.key)
    except (OSError, asyncio.IncompleteReadError):
        answers.errors += 1
    finally:
        writer.close()


async def _status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if length:
        await reader.readexactly(length)
    return int(head[9:12])
