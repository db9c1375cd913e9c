"""What a change of a topic and a look before saving cost: figures of `benchmarks.topics`.

Topics are added to and discarded from a Matcher that holds many; previews ask a real SQLite file of stored articles. The
first preview of the process comes before anything else has read a word. Times are CPU seconds.
"""

import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from statistics import median
from typing import TypeVar

from benchmarks.corpus import reuters
from benchmarks.match import Draws, Texts
from digest.db import Database
from digest.matching.article import ArticleText, read
from digest.matching.engine import Matcher
from digest.matching.frequencies import counted
from digest.matching.preview import DAYS, preview
from digest.matching.query import Query, parse_query
from digest.matching.sample import SAMPLE_SIZE
from tests.support.factories import make_article, make_feed
from tests.support.schema import create_tables

Case = TypeVar("Case")
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
CHANGES = 300


def editing(topics: int) -> dict[str, float]:
    """Milliseconds for one topic added and discarded among so many, and for previews over two weeks of articles."""
    articles = list(islice(reuters(), SAMPLE_SIZE))
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{folder}/previews.db")
        create_tables(db.engine)
        _store(db, articles)
        first = _seconds(lambda query: _preview(db, query), parse_query("wheat OR corn"))
        readings = [read(article) for article in articles]
        draws = Draws(readings, counted(readings), Random(1))
        texts = draws.queries(topics + CHANGES, distinct=False)
        queries = [parse_query(text) for text in texts[topics:]]
        warm = _median_ms(lambda query: _preview(db, query), queries)
        db.close()
    matcher = Matcher(Texts(texts[:topics]))
    changes = list(enumerate(queries, topics))
    return {
        "registry_topics": topics,
        "add_ms": _median_ms(lambda one: matcher.add(*one), changes),
        "discard_ms": _median_ms(lambda one: matcher.discard(one[0]), changes),
        "preview_articles": len(articles),
        "preview_first_s": round(first, 2),
        "preview_warm_ms": warm,
    }


def _store(db: Database, articles: Iterable[ArticleText]) -> None:
    with db.write() as session:
        feed = make_feed(session, now=NOW)
        for number, text in enumerate(articles):
            at = NOW - timedelta(days=DAYS) * (number % SAMPLE_SIZE) / (SAMPLE_SIZE + 1)
            html = f"<p>{text.body}</p>"
            make_article(
                session,
                feed,
                text.title,
                now=NOW,
                number=number,
                summary="",
                content_html=html,
                language="en",
                effective_at=at,
            )


def _preview(db: Database, query: Query) -> None:
    with db.read() as session:
        preview(session, query, now=NOW)


def _median_ms(act: Callable[[Case], object], cases: Sequence[Case]) -> float:
    return round(median(_seconds(act, case) for case in cases) * 1e3, 3)


def _seconds(act: Callable[[Case], object], case: Case) -> float:
    started = time.process_time()
    act(case)
    return time.process_time() - started
