"""Who must not be mailed from now on: noted while it is written, for a record that outlives a database put back.

The caller takes what a transaction noted and keeps it before the commit. Keyed hashes and random ids only, no addresses.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy.orm import Session

_NOTED = "departures"


class Way(StrEnum):
    """How somebody ceased to be mailed, and so what `who` is: a person's public id, or the keyed hash of an address."""

    LEFT = "left"
    SUPPRESSED = "suppressed"
    RETURNED = "returned"
    """Either of them is over: came back, or was lifted."""


class Departure(NamedTuple):
    """One person or address that must not be mailed any more, or may be again; `reason` only of a suppression."""

    way: Way
    who: str
    at: datetime | None = None
    reason: str = "-"


def note(session: Session, departure: Departure) -> None:
    """Remember a departure with the transaction that writes it."""
    session.info.setdefault(_NOTED, []).append(departure)


def noted(session: Session) -> list[Departure]:
    """Take what this transaction has noted so far."""
    found: list[Departure] = session.info.pop(_NOTED, [])
    return found
