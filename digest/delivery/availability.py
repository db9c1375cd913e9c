"""Tells a database or disk that does not answer now from a mistake of ours: only the former is worth trying again."""

import sqlite3
from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError

_SQLITE: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)


def is_unavailable(error: BaseException) -> bool:
    """Whether database or disk are locked, full, unreachable, or ask to try the transaction again."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.OperationalError):
        return getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_BUSY) & 0xFF in _SQLITE
    if isinstance(cause, OSError):  # the witness's file: full disk, input or output error, read-only again
        return True
    # Serialisation failures and deadlocks are OperationalErrors too, like lost connections and a full disk.
    return isinstance(cause, psycopg.OperationalError)
