"""START and SETTLE: the two marks every mail costs, written in groups, in one transaction.

START moves planned and deferred rows to `in_data`, only under the fence of a chunk that is not held; the rows it really
moved may have their dot. SETTLE writes `sent`, by the row's own fence, so a late 250 is still believed. Nothing else
writes these two states. These statements run once a mail, hence on the driver itself.
"""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol, cast

import psycopg
from typing_extensions import override

from digest.db import Database


class StartMark(NamedTuple):
    """A delivery whose content is on the wire and whose dot waits."""

    delivery_id: int
    chunk_id: int
    fence: int
    dated_at: datetime


class SentMark(NamedTuple):
    """A delivery whose dot was answered with 250."""

    delivery_id: int
    fence: int
    at: datetime
    code: int
    reply: str


class Marks(Protocol):
    """Writes marks. `write` returns the ids whose dot may go; raises the driver's errors, then nothing is written."""

    is_inline: bool
    """Whether writing is so short that the event loop does it itself."""

    def write(self, sent: Sequence[SentMark], starts: Sequence[StartMark]) -> set[int]:
        """SETTLE and START in one transaction."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...


def marks_for(db: Database, *, is_durable: bool) -> Marks:
    """The writer for a database. `is_durable`: a power cut forgets no START (grade A); else only SIGKILL is survived."""
    return (
        SqliteMarks(db, is_durable=is_durable) if db.is_sqlite else PostgresMarks(db, is_durable=is_durable)
    )


class SqliteMarks(Marks):
    """A connection of its own, so that its `synchronous` concerns nobody else."""

    is_inline = True

    _SENT = (
        "UPDATE delivery SET state = 'sent', reason = '', next_attempt_at = NULL, settled_at = ?, code = ?, reply = ?"
        " WHERE id = ? AND fence = ? AND state IN ('in_data', 'deferred', 'unknown')"
    )
    _START = (
        "UPDATE delivery SET state = 'in_data', attempts = attempts + 1, dated_at = ?, fence = ?"
        " WHERE id = ? AND chunk_id = ? AND state IN ('planned', 'deferred')"
    )
    _ALLOWED = "SELECT 1 FROM chunk WHERE id = ? AND fence = ? AND NOT is_held"

    def __init__(self, db: Database, *, is_durable: bool) -> None:
        pooled = db.engine.raw_connection()
        self._driver = cast("sqlite3.Connection", pooled.driver_connection)
        pooled.detach()
        self._driver.execute(f"PRAGMA synchronous={'FULL' if is_durable else 'NORMAL'}")
        self._driver.execute("PRAGMA busy_timeout=250")
        self._driver.execute("PRAGMA wal_autocheckpoint=0")  # others do it, in threads: it waits for the disk

    @override
    def write(self, sent: Sequence[SentMark], starts: Sequence[StartMark]) -> set[int]:
        cursor = self._driver.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        try:
            if sent:
                cursor.executemany(
                    self._SENT, [(_text(m.at), m.code, m.reply, m.delivery_id, m.fence) for m in sent]
                )
            granted = self._start(cursor, starts) if starts else set()
            cursor.execute("COMMIT")
        except BaseException:
            if self._driver.in_transaction:
                cursor.execute("ROLLBACK")
            raise
        return granted

    def _start(self, cursor: sqlite3.Cursor, starts: Sequence[StartMark]) -> set[int]:
        """What the fence allows stays true until the commit: the transaction began IMMEDIATE."""
        chunks = {mark[1:3] for mark in starts}
        allowed = {one for one in chunks if cursor.execute(self._ALLOWED, one).fetchone()}
        ours = [mark for mark in starts if mark[1:3] in allowed]
        cursor.executemany(
            self._START, [(_text(m.dated_at), m.fence, m.delivery_id, m.chunk_id) for m in ours]
        )
        if cursor.rowcount == len(ours):
            return {mark.delivery_id for mark in ours}
        return {mark.delivery_id for mark in ours if self._is_started(cursor, mark)}

    def _is_started(self, cursor: sqlite3.Cursor, mark: StartMark) -> bool:
        statement = "SELECT 1 FROM delivery WHERE id = ? AND fence = ? AND state = 'in_data'"
        return cursor.execute(statement, (mark.delivery_id, mark.fence)).fetchone() is not None

    @override
    def close(self) -> None:
        self._driver.close()


class PostgresMarks(Marks):
    """One prepared statement in its own transaction: one round trip for both marks.

    `FOR SHARE` on the chunk orders START and `hold`: whoever comes second sees the first.
    """

    is_inline = False

    _STATEMENT = """
        WITH sent AS (
            UPDATE delivery d SET state = 'sent', reason = '', next_attempt_at = NULL,
                   settled_at = m.at, code = m.code, reply = m.reply
              FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::int[], %s::text[])
                   AS m(id, fence, at, code, reply)
             WHERE d.id = m.id AND d.fence = m.fence AND d.state IN ('in_data', 'deferred', 'unknown')
        ), asked AS (
            SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[])
                   AS m(id, chunk_id, fence, dated_at)
        ), allowed AS (
            SELECT c.id, c.fence FROM chunk c
             WHERE c.id IN (SELECT chunk_id FROM asked) AND NOT c.is_held FOR SHARE OF c
        ), started AS (
            UPDATE delivery d SET state = 'in_data', attempts = attempts + 1, dated_at = a.dated_at, fence = a.fence
              FROM asked a, allowed c
             WHERE d.id = a.id AND d.chunk_id = a.chunk_id AND c.id = a.chunk_id AND c.fence = a.fence
               AND d.state IN ('planned', 'deferred')
            RETURNING d.id
        )
        SELECT set_config('synchronous_commit', %s, true), array(SELECT id FROM started)
    """

    def __init__(self, db: Database, *, is_durable: bool) -> None:
        self._engine = db.engine
        self._grade = "on" if is_durable else "off"
        self._driver: psycopg.Connection[Any] | None = None

    @override
    def write(self, sent: Sequence[SentMark], starts: Sequence[StartMark]) -> set[int]:
        columns: list[Any] = [[mark[i] for mark in sent] for i in range(5)]
        columns += [[mark[i] for mark in starts] for i in range(4)]
        try:
            row = (
                self._connection().execute(self._STATEMENT, (*columns, self._grade), prepare=True).fetchone()
            )
        except psycopg.OperationalError:
            self.close()
            raise
        return set(row[1]) if row else set()

    @override
    def close(self) -> None:
        if self._driver is not None:
            self._driver.close()
            self._driver = None

    def _connection(self) -> "psycopg.Connection[Any]":
        if self._driver is None or self._driver.closed:
            pooled = self._engine.raw_connection()
            self._driver = cast("psycopg.Connection[Any]", pooled.driver_connection)
            pooled.detach()
            self._driver.autocommit = True
        return self._driver


def _text(moment: datetime) -> str:
    """A moment as SQLAlchemy stores it on SQLite: in UTC, to the microsecond, without the zone."""
    moment = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return moment.isoformat(" ", "microseconds")[:26]
