"""`INSERT … ON CONFLICT` for both databases: the keys of a table decide a race, never a look beforehand."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session


def insert(session: Session, table: Table) -> Any:
    """An insert that knows `on_conflict_do_nothing` and `on_conflict_do_update` on either database."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    return sqlite.insert(table) if is_sqlite else postgresql.insert(table)
