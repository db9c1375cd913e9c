from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from digest import migrations
from digest.db import SCHEMA_HEAD, Database
from digest.delivery.edition_control import the_instance
from digest.migrations.tables import metadata


@pytest.fixture
def empty(database_url_empty: str) -> Iterator[Database]:
    """A database without tables, of both kinds."""
    database = Database(database_url_empty)
    yield database
    database.close()


def test_the_program_works_with_the_newest_revision() -> None:
    assert migrations.head() == SCHEMA_HEAD


def test_the_migrations_make_the_tables_of_the_models(empty: Database) -> None:
    migrations.upgrade(empty)
    empty.require_schema()
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = [one for one in compare_metadata(context, metadata) if not _is_alembic(one)]
    assert differences == []


def test_the_migrations_make_the_same_constraints_and_indexes_as_the_models(empty: Database) -> None:
    metadata.create_all(empty.engine)
    made = _shape(empty)
    metadata.drop_all(empty.engine)
    migrations.upgrade(empty)
    assert _shape(empty) == made


def test_the_migrations_go_back_to_an_empty_database(empty: Database) -> None:
    migrations.upgrade(empty)
    migrations.downgrade(empty, "base")
    with empty.engine.connect() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
    assert empty.schema_revision() is None


def test_upgrading_twice_changes_nothing(empty: Database) -> None:
    migrations.upgrade(empty)
    with empty.write() as session:
        the_instance(session)
    migrations.upgrade(empty)
    with empty.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM instance")).scalar_one() == 1


def _is_alembic(difference: object) -> bool:
    return "alembic_version" in repr(difference)


def _shape(db: Database) -> dict[str, object]:
    with db.engine.connect() as connection:
        inspector = inspect(connection)
        return {
            table: (
                sorted(column["name"] for column in inspector.get_columns(table)),
                sorted(str(one["name"]) for one in inspector.get_indexes(table)),
                sorted(str(one["name"]) for one in inspector.get_unique_constraints(table)),
                sorted(str(one["name"]) for one in inspector.get_check_constraints(table)),
                sorted(
                    (str(one["constrained_columns"]), one["referred_table"], str(one["options"]))
                    for one in inspector.get_foreign_keys(table)
                ),
            )
            for table in inspector.get_table_names()
            if table != "alembic_version"
        }
