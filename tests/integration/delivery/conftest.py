"""A PostgreSQL database that the tests of this room share, emptied before each: a copy of its own costs more than most tests."""

import uuid

import pytest
from sqlalchemy import text

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


@pytest.fixture
def postgres_url(delivery_postgres: str) -> str:
    """The shared database, empty."""
    database = Database(delivery_postgres)
    with database.engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
        connection.execute(text(RESTART))
    database.close()
    return delivery_postgres
