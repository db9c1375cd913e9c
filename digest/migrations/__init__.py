"""The history of the tables: Alembic migrations, shipped with the program and run by `digest db upgrade`."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from digest.db import Database


def head() -> str:
    """The newest revision."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def upgrade(db: Database, revision: str = "head") -> None:
    """Bring the tables to a revision; a database that is there already stays untouched."""
    config = _config()
    with db.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


def downgrade(db: Database, revision: str) -> None:
    """Take the tables back to a revision (`base` is an empty database)."""
    config = _config()
    with db.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
        connection.commit()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
