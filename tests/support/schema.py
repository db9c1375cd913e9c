"""The tables, made from the models: a contract test shows that the migrations make the same."""

from sqlalchemy import Engine, text

import digest.delivery.models
import digest.editions.models
import digest.feeds.models
import digest.matching.models  # noqa: F401 - importing registers the tables
from digest.db import SCHEMA_HEAD
from subscribers.types import metadata


def create_tables(engine: Engine) -> None:
    """Create every table of newsdigest in an empty database and mark it current."""
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": SCHEMA_HEAD})
