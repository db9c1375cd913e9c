"""A PostgreSQL database that the tests of this room share, emptied before each: a copy of its own costs more than most tests."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from digest.db import Database
from subscribers.types import metadata
from tests.conftest import _database_url, _on_server

RESTART = """
DO $$ DECLARE one text; BEGIN
  FOR one IN SELECT quote_ident(sequencename) FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL
  LOOP EXECUTE 'ALTER SEQUENCE ' || one || ' RESTART'; END LOOP;
END $$
"""


@pytest.fixture(scope="session")
def delivery_postgres(postgres_server: str) -> str:
    """The URL of the shared database."""
    name = f"delivery_{uuid.uuid4().hex}"
    _on_server(postgres_server, f"CREATE DATABASE {name} TEMPLATE template_digest")
    return _database_url(postgres_server, name)


@pytest.fixture(scope="session")
def sweeper(delivery_postgres: str) -> Iterator[psycopg.Connection[object]]:
    """A connection that empties the shared database in one round trip."""
    with psycopg.connect(delivery_postgres, autocommit=True) as connection:
        yield connection


@pytest.fixture
def postgres_url(delivery_postgres: str, sweeper: psycopg.Connection[object]) -> str:
    """The shared database, empty."""
    deletions = ";".join(f'DELETE FROM "{table.name}"' for table in reversed(metadata.sorted_tables))
    sweeper.execute(f"{deletions};{RESTART}")  # type: ignore[arg-type]  # names of our own tables
    return delivery_postgres


@pytest.fixture(scope="session")
def shared_postgres(delivery_postgres: str) -> Iterator[Database]:
    """One engine for all tests, so that each statement is compiled once."""
    database = Database(delivery_postgres)
    yield database
    database.close()


@pytest.fixture(scope="session")
def shared_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The same on a file."""
    database = Database(
        f"sqlite:///{shutil.copy(sqlite_template, tmp_path_factory.mktemp('shared') / 'digest.db')}"
    )
    yield database
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest) -> Database:
    """An empty database with all tables; a test that takes it runs on both kinds."""
    if request.param == "postgresql":
        request.getfixturevalue("postgres_url")  # empties it
        return request.getfixturevalue("shared_postgres")
    database: Database = request.getfixturevalue("shared_sqlite")
    with database.write() as session:
        for table in reversed(metadata.sorted_tables):
            session.execute(table.delete())
    return database
