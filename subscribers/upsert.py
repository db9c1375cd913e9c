"""`INSERT … ON CONFLICT` for both databases: the keys of a table decide a race, never a look beforehand."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session


def insert(session: Session, table: Table) -> Any:
    """An insert that knows `on_conflict_do_nothing` and `on_conflict_do_update` on either database."""
    return insert_for(dialect_of(session), table)


def insert_for(dialect: str, table: Table) -> Any:
    """The same for a statement that is made once and kept, by the name of its dialect."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def dialect_of(session: Session) -> str:
    """The name of a session's dialect: `sqlite` or `postgresql`."""
    return session.get_bind().dialect.name
