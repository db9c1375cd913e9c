"""The real app in a process of its own on a SQLite file, for benchmarks that ask it from outside.

    python -m benchmarks.served FILE PORT [--peer]

Limits are off by setting. The peer is the same app with a commit per request.
"""

import argparse
import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TypeVar

from sqlmodel import Session
from typing_extensions import override

from digest.db import Database
from digest.runtime import Runtime
from digest.settings import Limits, Settings
from digest.web.app import create_app
from digest.web.orders import Order
from digest.web.server import server
from digest.web.writer import Writer
from subscribers.models import Subscriber, Suppression, SuppressionReason, Topic
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
    arguments = [str(path), str(port), *(["--peer"] if is_peer else [])]
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.served", *arguments])
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
    database.close()
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the app on a database file until told to stop.")
    parser.add_argument("file", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--peer", action="store_true", help="a commit per request")
    chosen = parser.parse_args()
    serve(chosen.file, chosen.port, is_peer=chosen.peer)


if __name__ == "__main__":
    main()
