"""The matching stage is killed at every point, and worked by two processes at once: the rows stay the same."""

import signal
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, update
from sqlmodel import select

from digest.db import Database
from digest.feeds.models import Article
from digest.matching.article import ArticleText
from digest.matching.engine import Hit
from digest.matching.match import Registry, match_new
from digest.matching.models import Match, MatchStage
from tests.support.crash import PROCESSES, die
from tests.support.factories import make_article, make_feed, make_topic


class KilledError(Exception):
    """Stands for the end of the process: nothing after it happens."""


def furnish(db: Database, now: datetime, *, articles: int = 12) -> set[tuple[int, int]]:
    """Articles and topics; which belong together."""
    with db.write() as session:
        feed = make_feed(session, now=now)
        ki, wetter = make_topic(session, "ki", now=now).id, make_topic(session, "wetter", now=now).id
        pairs = set()
        for number in range(articles):
            title = ("KI hilft", "Wetter am Montag", "KI macht das Wetter")[number % 3]
            article = make_article(session, feed, f"{title} {number}", now=now, number=number).id
            pairs |= {(article, topic) for topic, word in ((ki, "KI"), (wetter, "Wetter")) if word in title}
        return pairs


def rows(db: Database) -> set[tuple[int, int]]:
    with db.read() as session:
        found = [(row.article_id, row.topic_id) for row in session.exec(select(Match)).all()]
    assert len(found) == len(set(found))
    return set(found)


def unmatched(db: Database) -> int:
    with db.read() as session:
        return sum(article.matched_at is None for article in session.exec(select(Article)).all())


def test_killed_before_any_statement_it_goes_on_and_writes_the_same_rows(db: Database, now: datetime) -> None:
    expected = furnish(db, now, articles=6)
    kills = 0
    statements = 0
    limit = 0

    @event.listens_for(db.engine, "before_cursor_execute")
    def kill(*_: object) -> None:
        nonlocal statements
        statements += 1
        if 0 < limit <= statements:
            raise KilledError

    while unmatched(db):
        limit, statements = kills + 1, 0
        try:
            match_new(db, Registry(), now=now, batch_size=3)
        except KilledError:
            kills += 1
        limit = 0
        expire_lease(db)
        assert rows(db) <= expected
    assert rows(db) == expected
    assert kills > 10


def _die_at_the_topics(url: str, now: datetime) -> None:
    """End before the last statement of a batch, as a killed process does."""
    db = Database(url)

    @event.listens_for(db.engine, "before_cursor_execute")
    def kill(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE topic"):
            die()

    match_new(db, Registry(), now=now)


@pytest.mark.long
def test_a_killed_process_leaves_a_batch_undone_and_the_next_one_does_it(
    sqlite_url: str, now: datetime
) -> None:
    db = Database(sqlite_url)
    expected = furnish(db, now, articles=3)
    process = PROCESSES.Process(target=_die_at_the_topics, args=(sqlite_url, now))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert rows(db) == set()
    expire_lease(db)
    assert match_new(db, Registry(), now=now).matches == len(expected)
    assert rows(db) == expected
    db.close()


def _work(url: str, now: datetime, barrier: object) -> None:
    db = Database(url)
    barrier.wait(30)  # type: ignore[attr-defined]  # of a thread or of a process: no common type
    match_new(db, Registry(), now=now, batch_size=4)
    db.close()


def _both_work(database_url: str, now: datetime, *, of: Any) -> None:
    """Two workers (threads or processes), each with a database of its own, begin at once and match everything."""
    db = Database(database_url)
    expected = furnish(db, now, articles=40)
    barrier = of.Barrier(2)
    start = of.Process if hasattr(of, "Process") else of.Thread
    workers = [start(target=_work, args=(database_url, now, barrier)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [getattr(worker, "exitcode", 0) for worker in workers] == [0, 0]
    assert rows(db) == expected
    assert unmatched(db) == 0
    db.close()


def test_two_workers_at_once_write_what_one_writes(database_url: str, now: datetime) -> None:
    _both_work(database_url, now, of=threading)


@pytest.mark.long
def test_two_processes_at_once_write_what_one_writes(database_url: str, now: datetime) -> None:
    _both_work(database_url, now, of=PROCESSES)


def test_work_another_process_did_meanwhile_is_not_done_again(db: Database, now: datetime) -> None:
    expected = furnish(db, now)

    class Rival:
        """While our batch is being worked out, somebody else finishes the same articles."""

        asked = 0

        def assign(self, article: object, at: datetime) -> int:
            self.asked += 1
            return 1

    ours, theirs = Registry(), Registry()
    first = ours.refresh

    def slow(database: Database) -> None:
        first(database)
        if not rows(db):
            match_new_without_lease(db, theirs, now)

    ours.refresh = slow  # type: ignore[method-assign]
    rival = Rival()
    counts = match_new(db, ours, now=now + timedelta(minutes=1), stories=rival)
    assert (counts.articles, counts.matches, rival.asked) == (0, 0, 0)
    assert rows(db) == expected


def match_new_without_lease(db: Database, registry: Registry, now: datetime) -> None:
    expire_lease(db)
    match_new(db, registry, now=now)


def expire_lease(db: Database) -> None:
    with db.write() as session:
        session.execute(update(MatchStage).values(lease_until=0.0))


def test_an_article_that_changes_while_it_is_matched_is_left_for_the_next_call(
    db: Database, now: datetime
) -> None:
    with db.write() as session:
        wetter = make_topic(session, "wetter", now=now).id
        make_topic(session, "ki", now=now)
        article = make_article(session, make_feed(session, now=now), "KI hilft", now=now, summary="").id
    registry = Registry()
    match = registry.matcher.match

    def while_it_changes(articles: Sequence[ArticleText]) -> list[Hit]:
        found = match(articles)
        with db.write() as session:
            session.execute(update(Article).values(title="Wetter am Montag", changed_at=now))
        return found

    registry.matcher.match = while_it_changes  # type: ignore[method-assign]  # the moment between reading and writing
    assert match_new(db, registry, now=now).matches == 0
    assert (rows(db), unmatched(db)) == (set(), 1)
    assert match_new(db, Registry(), now=now).matches == 1
    assert rows(db) == {(article, wetter)}
