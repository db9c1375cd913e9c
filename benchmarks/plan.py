"""Planning one edition: people written down a second, with shared and with distinct contents, beside a plain choice and plain inserts.

    python -m benchmarks.plan --subscribers 10000 --topics 200 [--per-person 20] [--articles 400] [--json]

`distinct`: everybody follows other topics. `shared`: a hundred different choices of topics. Each is planned in a process of its
own; the limit is the same number of Delivery rows, inserted by SQLAlchemy and nothing else.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection, event, insert, select
from sqlmodel import Session, col

from digest.db import Database, in_batches
from digest.delivery.models import Delivery
from digest.delivery.outbox import EditionLedger
from digest.editions.choice import LIMITS
from digest.editions.models import Content
from digest.editions.plan import InstantRules, plan_due
from digest.feeds.models import Article
from digest.matching.models import Match
from subscribers.models import MailLength, Subscriber, Subscription
from subscribers.types import new_public_id
from tests.support.factories import make_article, make_feed, make_topic
from tests.support.naive_choice import Candidate, TopicHit, plainly
from tests.support.schema import create_tables

NOW = datetime(2026, 11, 22, 6, 0, 5, tzinfo=UTC)
TOPICS_AN_ARTICLE = 4
SHARED = 100
"""Different choices of topics in the shared mode."""
NAIVE = 200
"""Contents that are chosen the long way round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is planned."""

    subscribers: int
    topics: int
    per_person: int
    articles: int


def main() -> None:
    """Plan both kinds of an edition and print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--subscribers", type=int, default=10_000)
    options.add_argument("--topics", type=int, default=200)
    options.add_argument("--per-person", type=int, default=20)
    options.add_argument("--articles", type=int, default=400)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    size = Size(
        subscribers=chosen.subscribers,
        topics=chosen.topics,
        per_person=chosen.per_person,
        articles=chosen.articles,
    )
    found = measure(size)
    print(
        json.dumps(found) if chosen.json else "\n".join(f"{name:34} {value}" for name, value in found.items())
    )


def measure(size: Size) -> dict[str, Any]:
    """All figures, flat."""
    figures: dict[str, Any] = {
        "subscribers": size.subscribers,
        "topics": size.topics,
        "per_person": size.per_person,
    }
    with tempfile.TemporaryDirectory() as folder:
        for mode in ("distinct", "shared"):
            url = f"sqlite:///{Path(folder)}/{mode}.db"
            _in_process(_fill, url, size, mode)
            planned = _in_process(_plan, url)
            figures |= {f"{mode}_{name}": value for name, value in planned.items()}
        figures |= _in_process(_peers, f"sqlite:///{Path(folder)}/distinct.db", size)
    spared = figures["naive_choice_us"] / figures["distinct_us_a_content"]
    return figures | {"naive_choice_to_whole_content_ratio": round(spared, 1)}


def _in_process(task: Any, *arguments: Any) -> Any:
    """A fresh process each time, so that memory is the task's own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(task, arguments)


def _fill(url: str, size: Size, mode: str) -> None:
    """A morning: articles matched, everybody confirmed and due at seven in Berlin."""
    random = Random(1)
    db = Database(url)
    create_tables(db.engine)
    with db.write() as session:
        topics = [make_topic(session, f"t{number}", now=NOW).id for number in range(size.topics)]
        feed = make_feed(session, now=NOW)
        articles = [
            make_article(session, feed, f"Artikel {number}", number=number, now=NOW, matched_at=NOW).id
            for number in range(size.articles)
        ]
        matches = [
            {"article_id": one, "topic_id": topic, "field": "title", "term": "x", "score": random.random()}
            for one in articles
            for topic in random.sample(topics, k=min(TOPICS_AN_ARTICLE, size.topics))
        ]
        session.execute(insert(Match), [row | {"matched_at": NOW} for row in matches])
        choices = size.subscribers if mode == "distinct" else SHARED
        wanted = [random.sample(topics, k=min(size.per_person, size.topics)) for _ in range(choices)]
        for ids in in_batches(range(1, size.subscribers + 1), 5_000):
            _sign_up(session, ids, wanted)
    db.close()


def _sign_up(session: Session, ids: Sequence[int], wanted: Sequence[Sequence[int]]) -> None:
    began = NOW - timedelta(days=2)
    person = {
        "state": "active", "locale": "de", "timezone": "Europe/Berlin", "cadence": "daily", "local_time": "07:00",
        "format": "html", "length": "normal", "token_version": 0, "feed_version": 0, "last_release": 0,
        "created_at": began, "confirmed_at": began,
    }  # fmt: skip
    names = [(number, f"reader{number}@example.org") for number in ids]
    session.execute(
        insert(Subscriber),
        [
            person | {"id": number, "public_id": new_public_id(), "address": name, "address_key": name}
            for number, name in names
        ],
    )
    session.execute(
        insert(Subscription),
        [
            {
                "subscriber_id": number,
                "topic_id": topic,
                "position": place,
                "since_release": 0,
                "created_at": began,
            }
            for number in ids
            for place, topic in enumerate(wanted[number % len(wanted)])
        ],
    )


def _plan(url: str) -> dict[str, Any]:
    """The edition of seven o'clock, planned by the product."""
    db = Database(url)
    held = _watch_locks(db)
    memory, began, used = _memory(), time.perf_counter(), time.process_time()
    counts = plan_due(db, EditionLedger(), now=NOW, catch_up=timedelta(hours=6), instant=InstantRules())
    used, took = time.process_time() - used, time.perf_counter() - began
    return {
        "contents": counts.contents,
        "deliveries": counts.deliveries,
        "cpu_s": round(used, 2),
        "wall_s": round(took, 2),
        "us_a_content": round(used / counts.contents * 1e6),
        "us_a_person": round(used / counts.deliveries * 1e6, 1),
        "people_per_s": round(counts.deliveries / used),
        "slices": len(held),
        "longest_slice_ms": round(max(held) * 1e3),
        "rss_mb": round(_memory()),
        "rss_growth_mb": round(_memory() - memory),
    }


def _watch_locks(db: Database) -> list[float]:
    """How long each writing transaction lasts, in seconds; begun writers hold the lock of SQLite."""
    held: list[float] = []
    began: dict[Connection, float] = {}

    @event.listens_for(db.engine, "begin")
    def begin(connection: Connection) -> None:
        began[connection] = time.perf_counter()

    @event.listens_for(db.engine, "commit")
    def commit(connection: Connection) -> None:
        held.append(time.perf_counter() - began.pop(connection))

    return held


def _peers(url: str, size: Size) -> dict[str, Any]:
    """The choice alone, made for each reader apart, and the insertion alone of the rows that are owed."""
    db = Database(url)
    with db.read() as session:
        wishes = session.execute(select(col(Content.topics)).limit(NAIVE)).scalars().all()
        articles = list(session.execute(select(Article)).scalars())
        matches = list(session.execute(select(Match)).scalars())
    used = time.process_time()
    for wish in wishes:
        topics = [topic for topic, _ in wish]
        wanted = set(topics)
        hits: dict[int, list[TopicHit]] = {}
        for one in matches:
            if one.topic_id in wanted:
                hits.setdefault(one.article_id, []).append(
                    TopicHit(one.topic_id, one.score, one.field, one.term)
                )
        candidates = [
            Candidate(
                a.id, a.effective_at, a.source, a.story_id, 0.0, is_carried=False, hits=tuple(hits[a.id])
            )
            for a in articles
            if a.id in hits
        ]
        plainly(candidates, topics=topics, limits=LIMITS[MailLength.NORMAL], now=NOW)
    naive = (time.process_time() - used) / len(wishes)
    return {
        "naive_choice_us": round(naive * 1e6),
        "insert_limit_rows_per_s": round(_insert_rows(db, size.subscribers)),
    }


def _insert_rows(db: Database, count: int) -> float:
    """Delivery rows a CPU second when nothing else is done."""
    with db.write() as session:
        row = session.execute(select(*Delivery.__table__.columns).limit(1)).mappings().one()  # type: ignore[attr-defined]
        blank = {name: value for name, value in row.items() if name not in {"id", "subscriber_id"}}
        rows = [blank | {"public_id": new_public_id(), "subscriber_id": None} for _ in range(count)]
        used = time.process_time()
        session.execute(insert(Delivery), rows)
        used = time.process_time() - used
        session.rollback()
    return count / used


def _memory() -> float:
    """The most this process has had resident, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
