"""A real SMTP server on loopback that answers as told and writes down, before it says 250, what it accepted.

`script(event)` is asked at each step and returns a reply, an `Act`, or None for the ordinary answer. The ledger holds
recipient, Message-ID and SHA-256 of each accepted mail, in a file too if one is given (O_APPEND, so it survives kills).
"""

import asyncio
import contextlib
import hashlib
import json
import os
import re
import ssl
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

ORDINARY = {
    "BANNER": "220 relay.example.org ESMTP",
    "MAIL": "250 2.1.0 Ok",
    "RCPT": "250 2.1.5 Ok",
    "DATA": "354 End data with <CR><LF>.<CR><LF>",
    "DOT": "250 2.0.0 Ok: queued as 7F2A",
    "RSET": "250 2.0.0 Ok",
    "NOOP": "250 2.0.0 Ok",
    "QUIT": "221 2.0.0 Bye",
    "AUTH": "235 2.7.0 Authentication successful",
    "STARTTLS": "220 2.0.0 Ready to start TLS",
}
EXTENSIONS = ("PIPELINING", "SIZE 10240000", "8BITMIME", "ENHANCEDSTATUSCODES")


class Act(StrEnum):
    """What a server does instead of answering."""

    CLOSE = "close"
    ACCEPT_AND_CLOSE = "accept and close"
    SILENCE = "silence"
    ACCEPT_IN_SILENCE = "accept in silence"
    STOP_READING = "stop reading"
    GARBAGE = "garbage"


class Event(NamedTuple):
    """A step of a dialogue: the verb, who is written to, and how often this verb was heard before."""

    connection: int
    verb: str
    recipient: str
    count: int
    on_connection: int
    """How often this verb was heard on this connection before."""


class Accepted(NamedTuple):
    """One mail the server took."""

    recipient: str
    message_id: str
    sha256: str
    sender: str


Script = Callable[[Event], "str | Act | None"]


@dataclass
class Server:
    """A running server; `port` is where, `accepted` what it took, `verbs` what it heard."""

    port: int = 0
    accepted: list[Accepted] = field(default_factory=list)
    verbs: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)
    connections: int = 0
    bodies: dict[str, bytes] = field(default_factory=dict)
    mails: list[bytes] = field(default_factory=list)
    """All it took, oldest first."""
    script: Script = lambda event: None
    extensions: tuple[str, ...] = EXTENSIONS
    is_dripping: bool = False
    tls: ssl.SSLContext | None = None
    ledger: Path | None = None
    is_quiet: bool = False
    """Keep counts only: no lines, no bodies."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def copies(self) -> Counter[str]:
        """How many mails each recipient got."""
        return Counter(mail.recipient for mail in self.accepted)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        task = asyncio.current_task()
        if task is not None:
            self.tasks.add(task)
        self.connections += 1
        dialogue = _Dialogue(self, self.connections, reader, writer)
        try:
            await dialogue.run()
        except (
            ConnectionError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
            ssl.SSLError,
            OSError,
        ):
            pass
        except asyncio.CancelledError:
            return
        finally:
            writer.transport.abort()
            if task is not None:
                self.tasks.discard(task)

    def take(self, mail: Accepted, body: bytes) -> None:
        """Write down an accepted mail."""
        self.accepted.append(mail)
        if not self.is_quiet:
            self.bodies[mail.recipient] = body
            self.mails.append(body)
        if self.ledger is not None:
            line = json.dumps(mail._asdict()).encode() + b"\n"
            handle = os.open(self.ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(handle, line)
            os.close(handle)


class _Dialogue:
    def __init__(
        self, server: Server, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server = server
        self.number = number
        self.reader = reader
        self.writer = writer
        self.sender = ""
        self.recipient = ""
        self.own: Counter[str] = Counter()

    async def run(self) -> None:
        if not await self.step("BANNER"):
            return
        while line := await self.reader.readuntil(b"\n"):
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if not self.server.is_quiet:
                self.server.lines.append(text)
            verb = text.split(" ", 1)[0].upper()
            if not await self.command(verb, text):
                return

    async def command(self, verb: str, text: str) -> bool:
        if verb == "EHLO":
            lines = ["relay.example.org", *self.server.extensions]
            ordinary = "\r\n".join(f"250{'-' if i < len(lines) - 1 else ' '}{s}" for i, s in enumerate(lines))
            return bool(await self.step("EHLO", ordinary))
        if verb == "MAIL":
            self.sender, self.recipient = _path(text), ""
        if verb == "RCPT":
            return await self.rcpt(_path(text))
        if verb == "DATA":
            return await self.data()
        if verb == "RSET":
            self.recipient = ""
        said = await self.step(verb, ORDINARY.get(verb, "500 5.5.2 What?"))
        if verb == "STARTTLS" and said and said.startswith("220"):
            await self.secure()
        return verb != "QUIT" and bool(said) and not said.startswith("421")

    async def rcpt(self, address: str) -> bool:
        said = await self.step("RCPT", recipient=address)
        if said and said.startswith("2"):
            self.recipient = address
        return bool(said) and not said.startswith("421")

    async def data(self) -> bool:
        ordinary = ORDINARY["DATA"] if self.recipient else "554 5.5.1 No valid recipients"
        said = await self.step("DATA", ordinary, recipient=self.recipient)
        if not said or said.startswith("421"):
            return False
        return True if not said.startswith("354") else await self.content()

    async def content(self) -> bool:
        act = self.decide("CONTENT", self.recipient)
        if act is Act.STOP_READING:
            self.writer.transport.pause_reading()
            await asyncio.Event().wait()
        if act is Act.CLOSE:
            await self.reader.read(1)
            return False
        if isinstance(act, str) and not isinstance(act, Act):
            await self.reader.read(1)
            await self.say(act)
            return False
        head = await self.reader.readexactly(3)
        body = head if head == b".\r\n" else head + await self.reader.readuntil(b"\r\n.\r\n")
        answer = self.decide("DOT", self.recipient)
        is_taken = answer in {None, Act.ACCEPT_AND_CLOSE, Act.ACCEPT_IN_SILENCE}
        if is_taken or str(answer).startswith("250"):
            self.take(body)
        self.recipient = ""
        return await self.act_on(answer, ORDINARY["DOT"])

    def take(self, body: bytes) -> None:
        found = re.search(rb"(?im)^message-id:\s*(\S+)", body)
        message_id = found.group(1).decode() if found else ""
        digest = hashlib.sha256(body[: -len(b".\r\n")]).hexdigest()
        self.server.take(Accepted(self.recipient, message_id, digest, self.sender), body)

    async def step(self, verb: str, ordinary: str = "", *, recipient: str = "") -> str | None:
        """Answer one verb; what was said, or None when the connection is to end."""
        answer = self.decide(verb, recipient or self.recipient)
        ordinary = ordinary or ORDINARY[verb]
        if not await self.act_on(answer, ordinary):
            return None
        return ordinary if answer is None else str(answer)

    def decide(self, verb: str, recipient: str) -> "str | Act | None":
        event = Event(self.number, verb, recipient, self.server.verbs[verb], self.own[verb])
        self.server.verbs[verb] += 1
        self.own[verb] += 1
        return self.server.script(event)

    async def act_on(self, answer: "str | Act | None", ordinary: str) -> bool:
        match answer:
            case Act.CLOSE | Act.ACCEPT_AND_CLOSE:
                return False
            case Act.SILENCE | Act.ACCEPT_IN_SILENCE | Act.STOP_READING:
                await asyncio.Event().wait()
            case Act.GARBAGE:
                await self.say("this is not SMTP at all")
            case None:
                await self.say(ordinary)
            case str():
                await self.say(answer)
                return not answer.startswith("421")
        return True

    async def say(self, text: str) -> None:
        data = text.encode() + b"\r\n"
        if not self.server.is_dripping:
            self.writer.write(data)
            await self.writer.drain()
            return
        for byte in data:
            self.writer.write(bytes([byte]))
            await self.writer.drain()
            await asyncio.sleep(0)

    async def secure(self) -> None:
        assert self.server.tls is not None
        await self.writer.start_tls(self.server.tls)


def _path(text: str) -> str:
    found = re.search(r"<([^>]*)>", text)
    return found.group(1) if found else ""


@contextlib.asynccontextmanager
async def serve(server: Server | None = None, *, implicit_tls: bool = False) -> AsyncIterator[Server]:
    """Run a server in this event loop."""
    server = server or Server()
    tls = server.tls if implicit_tls else None
    listener = await asyncio.start_server(server.handle, "127.0.0.1", server.port, limit=1 << 20, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        tasks = list(server.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def running(server: Server | None = None) -> Iterator[Server]:
    """Run a server in a thread of its own, for tests that block."""
    server = server or Server()
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()

    async def main() -> None:
        async with serve(server):
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
