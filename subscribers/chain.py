"""The hash chain of consent, pure: what is hashed, in which spelling, and how one event seals the one before.

    person_hash = SHA-256(salt ‖ canonical JSON of the person part); network_hash likewise
    hash        = SHA-256(prev_hash ‖ canonical JSON of the chained columns)
    canonical   = keys sorted, no spaces, UTF-8, times in UTC

An erasable part may vanish together with its salt: its hash stays, so the chain stays valid and nobody can be guessed.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
"""The predecessor of the first event."""

SALT_BYTES = 16

CHAINED = (
    "at",
    "cadence",
    "kind",
    "locale",
    "network_hash",
    "person_hash",
    "requested_at",
    "seq",
    "source",
    "subject",
    "topics",
    "wording_id",
    "wording_sha256",
)
"""The columns that an event's hash covers."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The end of the chain at some time: kept elsewhere, it shows a chain that was rewritten as a whole."""

    seq: int
    hash: str


START = Anchor(0, GENESIS)

# Made once: a verification spells millions of objects.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def canonical(data: Mapping[str, Any]) -> bytes:
    """The one spelling of a JSON object."""
    return _encode(data).encode()


def utc(moment: datetime) -> str:
    """The one spelling of a time."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")


def part_hash(part: Mapping[str, Any], salt: bytes) -> str:
    """The hash of an erasable part, in hex."""
    return hashlib.sha256(salt + canonical(part)).hexdigest()


def event_hash(prev_hash: str, row: Mapping[str, Any]) -> str:
    """The hash of an event given as its columns, in hex."""
    data = {name: row[name] for name in CHAINED}
    data["at"] = utc(data["at"])
    data["subject"] = str(data["subject"])
    if data["requested_at"] is not None:
        data["requested_at"] = utc(data["requested_at"])
    return hashlib.sha256(bytes.fromhex(prev_hash) + canonical(data)).hexdigest()
