"""The database: one engine, sessions with a clear end, and a schema that is never guessed.

Writers on SQLite start with BEGIN IMMEDIATE, so what they read stays true until they commit; on PostgreSQL row locks
give the same. `read()` never writes. Times of leases come from the database's own clock (`lease_clock`).
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, UpdateBase, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

SCHEMA_HEAD: Final = "0001"
"""The revision this code works with; a test keeps it equal to the newest migration."""

NEXT_SCHEMA: Final = f"{int(SCHEMA_HEAD) + 1:04}"
"""What the next version brings: migrations expand first and contract a version later."""

T = TypeVar("T")
_READ_ONLY: Final = {"read_only": True}


class DatabaseError(Exception):
    """The database cannot be used; the text is one sentence for the operator."""


class SchemaError(DatabaseError):
    """The tables are older or newer than this program."""


class Database:
    """One database: `with db.read()` or `with db.write()` gives a session that ends with the block."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        try:
            self.url = make_url(url)
        except ArgumentError:
            raise DatabaseError(
                "DIGEST_DATABASE_URL is no database address; use sqlite:///digest.db or postgresql://user@host/name."
            ) from None
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if not self.is_sqlite and self.url.get_backend_name() != "postgresql":
            raise DatabaseError(
                f"{self.url.get_backend_name()} is not supported: use SQLite (sqlite:///digest.db) or PostgreSQL."
            )
        self.before_commit: Callable[[Session], None] | None = None
        """Called with each writing session when its block is through; what it raises rolls back."""
        self.engine = _sqlite(self.url) if self.is_sqlite else _postgresql(self.url, pool_size)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that commits at the end of the block and rolls back on any error."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            session.connection()  # BEGIN now: a writer's reads are true from the first line on
            yield session
            if self.before_commit is not None:
                self.before_commit(session)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for looking only; nothing it does is kept."""
        with self.engine.connect() as connection:
            reader = connection.execution_options(**_READ_ONLY)
            with Session(reader, autoflush=False, expire_on_commit=False) as session:
                yield session

    def lease_clock(self, session: Session) -> float:
        """Seconds on the clock that leases live on: wall-clock jumps of this machine never touch it."""
        if self.is_sqlite:
            return time.monotonic()
        return float(session.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())

    def schema_revision(self) -> str | None:
        """The revision of the stored tables, or None for an empty database; raises `DatabaseError`."""
        try:
            with self.engine.connect() as connection:
                if not inspect(connection).has_table("alembic_version"):
                    return None
                return connection.execute(
                    text("SELECT version_num FROM alembic_version")
                ).scalar_one_or_none()
        except (OperationalError, sqlite3.Error) as error:
            reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
            raise DatabaseError(
                f"The database cannot be reached: {reason}. Check DIGEST_DATABASE_URL."
            ) from None

    def require_schema(self) -> None:
        """Refuse to work on tables of another version; raises `SchemaError`.

        The next version's tables will do: it only adds to ours, so both run together while machines are upgraded.
        """
        found = self.schema_revision()
        if found is None:
            raise SchemaError("The database is empty: run `digest db upgrade` once.")
        if found in {SCHEMA_HEAD, NEXT_SCHEMA}:
            return
        if found > SCHEMA_HEAD:
            raise SchemaError(
                f"The database has schema {found}, this program knows {SCHEMA_HEAD}: start the newer version of it."
            )
        raise SchemaError(
            f"The database has schema {found}, this program needs {SCHEMA_HEAD}: run `digest db upgrade`."
        )

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def in_batches(values: Sequence[T], size: int = 500) -> Iterator[Sequence[T]]:
    """Parts of a sequence small enough for one IN list."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def changed(session: Session, statement: UpdateBase) -> int:
    """Run an INSERT, UPDATE or DELETE and say how many rows it touched: that is how one knows to have won."""
    return session.connection().execute(statement).rowcount


def _sqlite(url: Any) -> Engine:
    if url.database and not Path(url.database).absolute().parent.is_dir():
        raise DatabaseError(f"The folder of the database {url.database} does not exist: create it first.")
    engine = create_engine(url, connect_args={"timeout": 30}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves; the driver would delay it
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: Any, pool_size: int) -> Engine:
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,  # an error text must not carry an address into a log
        connect_args={"connect_timeout": 5},
    )
