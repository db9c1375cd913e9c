import sqlite3
import threading

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from digest.db import NEXT_SCHEMA, Database, DatabaseError, SchemaError
from subscribers.models import Subscriber
from tests.support.factories import make_subscriber


def count(session: Session) -> int:
    return session.execute(select(func.count()).select_from(Subscriber)).scalar_one()


def test_a_write_block_commits_and_a_failing_one_leaves_nothing(db: Database, now) -> None:
    with db.write() as session:
        make_subscriber(session, "ann", now=now)
    with pytest.raises(RuntimeError), db.write() as session:
        make_subscriber(session, "ben", now=now)
        raise RuntimeError
    with db.read() as session:
        assert count(session) == 1


def test_a_read_block_keeps_nothing(db: Database, now) -> None:
    with db.read() as session:
        session.execute(select(1))
        make_subscriber(session, "ann", now=now)
    with db.read() as session:
        assert count(session) == 0


def test_times_come_back_aware_and_equal(db: Database, now) -> None:
    with db.write() as session:
        make_subscriber(session, "ann", now=now)
    with db.read() as session:
        ann = session.execute(select(Subscriber)).scalar_one()
        assert (now - ann.created_at).total_seconds() == 86400


def test_writers_on_sqlite_start_with_begin_immediate(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    with db.write():
        other = sqlite3.connect(db.url.database, timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
    db.close()


def test_foreign_keys_hold_on_both_databases(db: Database, now) -> None:
    with pytest.raises(IntegrityError), db.write() as session:
        session.execute(
            text(
                "INSERT INTO subscription (subscriber_id, topic_id, position, since_release, created_at)"
                " VALUES (1, 1, 0, 0, '2026-11-22 00:00:00')"
            )
        )


def test_two_writers_on_sqlite_wait_for_each_other(sqlite_url: str, now) -> None:
    db = Database(sqlite_url)

    def add(number: int) -> None:
        with db.write() as session:
            seen = count(session)
            make_subscriber(session, f"{number}", now=now, last_release=seen)

    threads = [threading.Thread(target=add, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.read() as session:
        assert sorted(session.execute(select(Subscriber.last_release)).scalars()) == list(range(8))
    db.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "no database address"),
        ("mysql://localhost/x", "not supported"),
        ("sqlite:////no/such/folder/digest.db", "does not exist"),
    ],
)
def test_an_unusable_address_is_one_sentence(url: str, words: str) -> None:
    with pytest.raises(DatabaseError, match=words):
        Database(url)


def test_an_unreachable_server_is_one_sentence() -> None:
    db = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseError, match="cannot be reached"):
        db.schema_revision()


def test_an_empty_database_asks_for_the_upgrade(tmp_path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(SchemaError, match="digest db upgrade"):
        db.require_schema()
    db.close()


@pytest.mark.parametrize(
    ("found", "remedy"),
    [("0000", "digest db upgrade"), (NEXT_SCHEMA, ""), ("0009", "start the newer version")],
)
def test_a_program_works_on_its_own_tables_and_the_next_versions(tmp_path, found: str, remedy: str) -> None:
    db = Database(f"sqlite:///{tmp_path / 'other.db'}")
    with db.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{found}')")
    if remedy:
        with pytest.raises(SchemaError, match=remedy):
            db.require_schema()
    else:
        db.require_schema()
    db.close()
