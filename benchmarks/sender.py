"""One worker process of `benchmarks.send`, with nothing in it but the worker: it says when it is ready, sends, and reports.

python -m benchmarks.sender '{"url": …, "host": …, "port": …, "connections": 8, "dkim": null}'
"""

import asyncio
import json
import logging
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import structlog
from sqlalchemy.orm import configure_mappers

from digest.db import Database
from digest.delivery.loop import new_loop
from digest.delivery.options import Options
from digest.delivery.post import post_office
from digest.runtime import Runtime
from digest.settings import Settings

NOW = datetime(2026, 11, 22, 6, 0, 30, tzinfo=UTC)


def runtime_for(url: str, host: str, port: int, dkim: str | None) -> Runtime:
    """The parts of a process that sends to this server."""
    settings = Settings(
        database_url=url,
        secret_key="0123456789abcdef" * 4,
        base_url="http://127.0.0.1:8000",
        site={"name": "Beispiel-News", "url": "https://news.example.org"},
        sender={"name": "Beispiel-News", "address": "news@news.example.org"},
        imprint={
            "name": "Beispiel",
            "address": "Weg 1, 80331 München",
            "url": "https://news.example.org/i",
            "privacy_url": "https://news.example.org/p",
        },
        smtp={"host": host, "port": port, "tls": "none"},
        dkim={"domain": "news.example.org", "selector": "b", "key_file": Path(dkim)} if dkim else {},
    )
    return Runtime(settings, Database(url), lambda: NOW, Random(1))


def quiet() -> None:
    """Only what went wrong is said."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )


async def send(how: dict[str, Any]) -> dict[str, Any]:
    """Send what is due, from the word `go` on."""
    connections = how.pop("connections")
    runtime = runtime_for(**how)
    worker = post_office(runtime, options=Options(connections=connections, first_window=connections + 1))
    runtime.templates.check()  # as every command that sends does at its start
    configure_mappers()  # once a process: no cost of a mail
    with runtime.db.read() as session:
        session.connection()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    at_start, cpu, start = rss_mb(), time.process_time(), time.perf_counter()
    counts = await worker.run_until_idle()
    figures = worker._committer.figures  # noqa: SLF001  # a benchmark may look inside
    return {
        "mails": counts.sent, "seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu,
        "rss_start_mb": at_start, "rss_mb": peak_mb(), "marks": figures.marks, "commits": figures.commits,
        "loop": type(asyncio.get_running_loop()).__module__.split(".", 1)[0],
    }  # fmt: skip


def rss_mb() -> float:
    """What this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def peak_mb() -> float:
    """The most this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    quiet()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        print(json.dumps(runner.run(send(json.loads(sys.argv[1])))), flush=True)


if __name__ == "__main__":
    main()
