"""Where benchmark mails end: postfix's smtp-sink, and a light server that only looks for the final dot and counts."""

import asyncio
import contextlib
import multiprocessing
import re
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

from typing_extensions import override

PATH = "/usr/sbin:/usr/local/sbin:/usr/bin:/bin"
_TAIL = 2048
_RECIPIENT = re.compile(rb"RCPT TO:<([^>]*)>")


class Light(asyncio.Protocol):
    """Accepts everything. The end of a mail travels with the next envelope, so only a chunk's end is looked at."""

    def __init__(self, accepted: Counter[bytes]) -> None:
        self._accepted = accepted
        self._rest = b""
        self._is_content = False
        self._recipient = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(b"220 sink ESMTP\r\n")

    @override
    def data_received(self, data: bytes) -> None:
        said: list[bytes] = []
        is_content = self._is_content
        data = self._content(self._rest + data[-_TAIL:], said) if is_content else self._rest + data
        if not self._is_content:
            self._commands(data, said)
        if said:
            self._transport.write(b"".join(said))

    def _content(self, data: bytes, said: list[bytes]) -> bytes:
        end = data.find(b"\r\n.\r\n")
        if end < 0:
            self._rest = data[-4:]
            return b""
        self._is_content = False
        self._rest = b""
        self._accepted[self._recipient] += 1
        said.append(b"250 2.0.0 Ok\r\n")
        return data[end + 5 :]

    def _commands(self, data: bytes, said: list[bytes]) -> None:
        *lines, self._rest = data.split(b"\r\n")
        for line in lines:
            verb = line[:4].upper()
            if verb == b"EHLO":
                said.append(b"250-sink\r\n250-PIPELINING\r\n250 SIZE 10240000\r\n")
            elif verb == b"DATA":
                self._is_content = True
                said.append(b"354 go on\r\n")
            elif verb == b"QUIT":
                said.append(b"221 bye\r\n")
            else:
                if found := _RECIPIENT.match(line):
                    self._recipient = found[1]
                said.append(b"250 2.1.0 Ok\r\n")
        if self._is_content and self._rest:
            rest, self._rest = self._rest, b""
            self._content(rest, said)


def _serve(pipe: Any) -> None:
    accepted: Counter[bytes] = Counter()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Light(accepted), "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        asked = asyncio.Event()
        loop.add_reader(pipe.fileno(), asked.set)
        while True:
            await asked.wait()
            asked.clear()
            while pipe.poll():
                if pipe.recv() == "stop":
                    return
                pipe.send(dict(accepted))
                accepted.clear()

    asyncio.run(main())


class LightSink:
    """A light server in a process of its own; `taken()` says who got how many mails since it was last asked."""

    def __init__(self, port: int, pipe: Any) -> None:
        self.port = port
        self._pipe = pipe

    def taken(self) -> dict[bytes, int]:
        """Mails by recipient, and start counting anew."""
        self._pipe.send("taken")
        return cast("dict[bytes, int]", self._pipe.recv())


@contextlib.contextmanager
def light() -> Iterator[LightSink]:
    """A running light sink."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield LightSink(cast("int", ours.recv()), ours)
    finally:
        ours.send("stop")
        process.join(10)


def find(name: str) -> str | None:
    """The path of one of postfix's test programs, or None where it is not installed."""
    return shutil.which(name, path=PATH)


@contextlib.contextmanager
def postfix() -> Iterator[int | None]:
    """The port of a running smtp-sink, or None without postfix."""
    program = find("smtp-sink")
    if program is None:
        yield None
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen([program, "-u", "nobody", f"127.0.0.1:{port}", "128"])
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError("smtp-sink does not answer")
