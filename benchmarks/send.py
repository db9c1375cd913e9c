"""Durable mails a second: the real planner, worker and transport beside smtp-source and stock aiosmtplib, in one run.

    python -m benchmarks.send --subscribers 10000 --workers 1 [--database-url URL] [--smtp HOST:PORT] [--dkim]
                              [--distinct] [--connections 8] [--sink postfix|light] [--rounds 5] [--json]

Only CPU per mail and ratios within one run compare between machines. Each round runs, one after the other: smtp-source into
smtp-sink, ours into the same, ours into the light sink, stock aiosmtplib into both. Without postfix its figures are null.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiosmtplib
from sqlalchemy import insert, update
from sqlmodel import col, select

from benchmarks import sinks
from benchmarks.sender import NOW, quiet, runtime_for
from digest.db import Database
from digest.delivery.mails import Mails
from digest.delivery.models import Chunk, Delivery, DeliveryState
from digest.delivery.outbox import EditionLedger
from digest.delivery.queue import due
from digest.editions.models import Edition, EditionState
from digest.editions.plan import InstantRules, plan_due
from digest.feeds.models import Article, ArticleState, Feed, FeedState, Trust
from digest.mail.dkim import new_key
from digest.matching.models import Match
from digest.runtime import Runtime
from subscribers.models import (
    Cadence,
    MailFormat,
    MailLength,
    Subscriber,
    SubscriberState,
    Subscription,
    Topic,
)
from subscribers.types import metadata, new_public_id

ARTICLES = 24
PEER_SHARE = 10
"""Stock aiosmtplib is so much slower that it gets a tenth of the mails."""


@dataclass
class Figures:
    """What the rounds measured, by name."""

    rounds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float | None) -> None:
        """Note one round's figure."""
        if value is not None:
            self.rounds.setdefault(name, []).append(value)

    def median(self, name: str) -> float | None:
        """The middle of all rounds."""
        values = self.rounds.get(name)
        return round(statistics.median(values), 3) if values else None

    def span(self, name: str) -> list[float] | None:
        """The lowest and the highest."""
        values = self.rounds.get(name)
        return [round(min(values), 3), round(max(values), 3)] if values else None


def populate(db: Database, people: int, *, is_distinct: bool) -> None:
    """People who follow one topic, or a topic of their own each, and 24 articles that all match."""
    text = (
        "Der Stadtrat hat gestern nach langer Debatte über den Haushalt entschieden, und nicht alle sind zufrieden. "
        * 3
    )
    early = NOW - timedelta(days=1)
    with db.write() as session:
        feed = Feed(
            url="https://f.example.org/rss", original_url="", url_key="f", title="Beispielfeed", trust=Trust.OWN,
            state=FeedState.ACTIVE, baseline_done=True, next_check_at=NOW, state_since=NOW, created_at=early,
        )  # fmt: skip
        session.add(feed)
        session.flush()
        articles = [
            Article(
                feed_id=feed.id, title=f"Nachricht {number}: {text[:90]}", link=f"https://news.example.org/artikel/{number}",
                summary=text, language="de", source="Beispielfeed", state=ArticleState.ELIGIBLE, published_at=early,
                effective_at=early, first_seen_at=early, last_seen_at=early, matched_at=early,
            )
            for number in range(ARTICLES)
        ]  # fmt: skip
        session.add_all(articles)
        session.flush()
        topics = [
            Topic(slug=f"t{n}", name=f"Thema {n}", query=f"w{n}", created_at=early)
            for n in range(people if is_distinct else 1)
        ]
        session.add_all(topics)
        session.flush()
        matches = [(a, t) for a in articles for t in topics]
        for start in range(0, len(matches), 5000):
            session.execute(insert(Match), [
                {"article_id": a.id, "topic_id": t.id, "field": "title", "term": "x", "score": 1.0, "matched_at": early}
                for a, t in matches[start : start + 5000]
            ])  # fmt: skip
        add_people(session, people, [topic.id for topic in topics], early)


def add_people(session: Any, people: int, topics: Sequence[int], early: datetime) -> None:
    blank = {
        "state": SubscriberState.ACTIVE, "locale": "de", "timezone": "Europe/Berlin", "cadence": Cadence.DAILY,
        "local_time": "07:00", "format": MailFormat.HTML, "length": MailLength.LONG, "token_version": 0, "feed_version": 0,
        "last_release": 0, "created_at": early, "confirmed_at": early,
    }  # fmt: skip
    for start in range(1, people + 1, 5000):
        numbers = range(start, min(start + 5000, people + 1))
        session.execute(insert(Subscriber), [
            blank | {"id": n, "public_id": new_public_id(), "address": f"r{n}@example.org", "address_key": f"r{n}@example.org"}
            for n in numbers
        ])  # fmt: skip
        session.execute(insert(Subscription), [
            {"subscriber_id": n, "topic_id": topics[n % len(topics)], "position": 0, "since_release": 0, "created_at": early}
            for n in numbers
        ])  # fmt: skip


def again(db: Database) -> None:
    """All mails are owed once more."""
    with db.write() as session:
        session.execute(
            update(Delivery).values(state=DeliveryState.PLANNED, attempts=0, fence=0, settled_at=None)
        )
        session.execute(update(Chunk).values(is_open=True, ready_at=NOW, lease_until=0.0, claims=0))
        session.execute(update(Edition).values(state=EditionState.SENDING))


def ours(
    url: str, host: str, port: int, *, workers: int, connections: int, dkim: Path | None
) -> list[dict[str, Any]]:
    """Worker processes that begin together; what each reports."""
    how = {"url": url, "host": host, "port": port, "connections": connections, "dkim": dkim and str(dkim)}
    command = [sys.executable, "-m", "benchmarks.sender", json.dumps(how)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(workers)
    ]
    for process in processes:
        told(process)
    for process in processes:
        print("go", file=process.stdin, flush=True)
    runs = [json.loads(told(process)) for process in processes]
    for process in processes:
        process.communicate()
    return runs


def told(process: "subprocess.Popen[str]") -> str:
    """The next line of a worker."""
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise SystemExit("a worker failed")
    return line


def smtp_source(host: str, port: int, mails: int, size: int) -> float | None:
    program = sinks.find("smtp-source")
    if program is None:
        return None
    start = time.perf_counter()
    subprocess.run(
        [program, "-s", "4", "-d", "-l", str(size), "-m", str(mails), "-f", "a@example.org", "-t", "b@example.org",
         f"{host}:{port}"], check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return mails / (time.perf_counter() - start)


async def stock(host: str, port: int, mails: int, data: bytes, connections: int) -> tuple[float, float]:
    """Stock aiosmtplib, one sendmail after the other on each connection: mails a second, CPU seconds a mail."""
    left = iter(range(mails))

    async def one() -> None:
        client = aiosmtplib.SMTP(
            hostname=host, port=port, start_tls=False, use_tls=False, local_hostname="localhost"
        )
        await client.connect()
        for number in left:
            await client.sendmail("a@example.org", [f"s{number}@example.org"], data)
        await client.quit()

    cpu, start = time.process_time(), time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    return mails / (time.perf_counter() - start), (time.process_time() - cpu) / mails


def sample(runtime: Runtime) -> bytes:
    """The bytes of one mail of the edition."""
    mails = Mails(runtime)
    with runtime.db.read() as session:
        chunk_id = session.exec(select(col(Delivery.chunk_id)).limit(1)).one()
        row = due(session, chunk_id, now=NOW)[0]
        mails.load(session, [row])
    return mails.compose(row, dated_at=NOW).data


def run_round(
    figures: Figures, options: argparse.Namespace, url: str, dkim: Path | None, data: bytes, ports: Any
) -> None:
    db = Database(url)
    postfix, light = ports
    how = {"workers": options.workers, "connections": options.connections, "dkim": dkim}
    peer_mails = max(50, options.subscribers // PEER_SHARE)
    if postfix is not None:
        figures.add("smtp_source_per_s", smtp_source("127.0.0.1", postfix, options.subscribers, len(data)))
        again(db)
        note(figures, "postfix", ours(url, "127.0.0.1", postfix, **how))
        figures.add(
            "stock_postfix_per_s",
            asyncio.run(stock("127.0.0.1", postfix, peer_mails, data, options.connections))[0],
        )
    again(db)
    note(figures, "light", ours(url, "127.0.0.1", light.port, **how))
    taken = light.taken()
    figures.add("duplicates", sum(number - 1 for number in taken.values()))
    figures.add("missing", options.subscribers - len(taken))
    rate, cpu = asyncio.run(stock("127.0.0.1", light.port, peer_mails, data, options.connections))
    light.taken()
    figures.add("stock_light_per_s", rate)
    figures.add("stock_cpu_us", cpu * 1e6)
    db.close()


def note(figures: Figures, sink: str, runs: Sequence[dict[str, Any]]) -> None:
    mails = sum(run["mails"] for run in runs)
    figures.add(f"sent_{sink}_per_s", mails / max(run["seconds"] for run in runs))
    figures.add(f"cpu_{sink}_us", sum(run["cpu"] for run in runs) / max(1, mails) * 1e6)
    figures.add(
        "marks_per_commit", sum(run["marks"] for run in runs) / max(1, sum(run["commits"] for run in runs))
    )
    figures.add("peak_rss_mb", max(run["rss_mb"] for run in runs))
    figures.add("start_rss_mb", max(run["rss_start_mb"] for run in runs))
    figures.add("uvloop", float(runs[0]["loop"] == "uvloop"))


def ratios(figures: Figures) -> None:
    """Within each round, so that a busy minute counts for both sides."""
    for name, mine, peer in (
        ("smtp_source_ratio", "sent_postfix_per_s", "smtp_source_per_s"),
        ("stock_ratio", "sent_light_per_s", "stock_light_per_s"),
    ):
        pairs = zip(figures.rounds.get(mine, []), figures.rounds.get(peer, []), strict=False)
        for ours_, theirs in pairs:
            figures.add(name, ours_ / theirs)


def steal() -> float:
    """Clock ticks stolen from this machine so far."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    return float(fields[8]) if len(fields) > 8 else 0.0


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    url = options.database_url or f"sqlite:///{folder}/bench.db"
    dkim = None
    if options.dkim:
        dkim = folder / "dkim.pem"
        dkim.write_bytes(new_key(selector="b")[1])
    db = Database(url)
    metadata.create_all(db.engine)
    populate(db, options.subscribers, is_distinct=options.distinct)
    start = time.perf_counter()
    counts = plan_due(db, EditionLedger(), now=NOW, catch_up=timedelta(hours=6), instant=InstantRules())
    planned = counts.deliveries / (time.perf_counter() - start)
    figures, stolen = Figures(), steal()
    data = sample(runtime_for(url, "127.0.0.1", 25, str(dkim) if dkim else None))
    with sinks.postfix() as postfix, sinks.light() as light:
        chosen = (postfix if options.sink != "light" else None, light)
        for _ in range(options.rounds):
            run_round(figures, options, url, dkim, data, chosen)
    db.close()
    ratios(figures)
    return report(figures, options, planned, len(data), steal() - stolen)


def report(
    figures: Figures, options: argparse.Namespace, planned: float, size: int, stolen: float
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "subscribers": options.subscribers, "workers": options.workers, "connections": options.connections,
        "rounds": options.rounds, "database": (options.database_url or "sqlite").split(":", 1)[0], "mail_bytes": size,
        "planned_per_s": round(planned), "sent_per_s": figures.median("sent_light_per_s"),
        "cpu_us": figures.median("cpu_light_us"),
    }  # fmt: skip
    names = (
        "smtp_source_ratio", "stock_ratio", "sent_light_per_s", "sent_postfix_per_s", "smtp_source_per_s",
        "stock_light_per_s", "stock_postfix_per_s", "stock_cpu_us", "cpu_postfix_us", "marks_per_commit", "start_rss_mb", "peak_rss_mb",
        "uvloop",
    )  # fmt: skip
    for name in names:
        found[name] = figures.median(name)
        found[f"{name}_span"] = figures.span(name)
    found["duplicates"] = int(sum(figures.rounds.get("duplicates", [0])))
    found["missing"] = int(sum(figures.rounds.get("missing", [0])))
    return found | {"load_1m": os.getloadavg()[0], "stolen_ticks": stolen}


def main(arguments: Sequence[str] | None = None, show: Callable[[str], None] = print) -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.send", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--subscribers", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--database-url")
    parser.add_argument("--sink", choices=["postfix", "light"])
    parser.add_argument("--dkim", action="store_true")
    parser.add_argument("--distinct", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    quiet()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options, Path(folder))
    if options.json:
        show(json.dumps(found))
    else:
        for name, value in found.items():
            show(f"{name:28} {value}")


if __name__ == "__main__":
    main()
