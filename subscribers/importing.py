"""Reading subscribers from a file: `email,topics,cadence,time,timezone,language,created_at`, topics separated by `;`.

A row that cannot be taken is named by its line and a reason; it stops nobody else. Nothing here writes: `batches` feeds
`admission.judge` (a dry run) or `admission.add`.
"""

import csv
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import available_timezones

from subscribers.addresses import canonical
from subscribers.admission import Newcomer
from subscribers.choices import Choices
from subscribers.errors import AddressError, HeaderError
from subscribers.models import Cadence

COLUMNS = ("email", "topics", "cadence", "time", "timezone", "language", "created_at")
BATCH = 1000


class RowReason(StrEnum):
    """Why a row cannot be taken."""

    ADDRESS = "address"
    DUPLICATE = "duplicate"
    TOPIC = "topic"
    CADENCE = "cadence"
    TIME = "time"
    TIMEZONE = "timezone"
    LANGUAGE = "language"
    CREATED_AT = "created_at"
    COLUMNS = "columns"


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that is left out: its line in the file, the reason, and the value in question."""

    line: int
    reason: RowReason
    value: str


class _RowError(Exception):
    """A value that cannot be taken."""

    def __init__(self, reason: RowReason, value: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = value


@dataclass(slots=True)
class Batch:
    """Up to 1,000 people who can be let in, and the rows between them that cannot."""

    people: list[Newcomer] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads rows with the topics that exist, the languages we write, and `defaults` for empty fields."""

    topics: Collection[str]
    languages: Collection[str]
    defaults: Choices
    now: datetime

    def batches(self, lines: Iterable[str]) -> Iterator[Batch]:
        """The file in batches; raises HeaderError before the first one. An address counts once, where it stands first."""
        rows = csv.DictReader(lines)
        _check_header(rows.fieldnames)
        batch, seen, zones = Batch(), set[str](), available_timezones()
        for row in rows:
            try:
                batch.people.append(_once(self._newcomer(row, zones), seen))
            except _RowError as error:
                batch.problems.append(RowProblem(rows.line_num, error.reason, error.value))
            if len(batch.people) + len(batch.problems) >= BATCH:
                yield batch
                batch = Batch()
        if batch.people or batch.problems:
            yield batch

    def _newcomer(self, row: dict[str | None, str | None], zones: Collection[str]) -> Newcomer:
        if None in row or None in row.values():
            raise _RowError(RowReason.COLUMNS, "")
        text = {str(name): str(value).strip() for name, value in row.items()}
        try:
            address = canonical(text["email"])
        except AddressError as error:
            raise _RowError(RowReason.ADDRESS, text["email"]) from error
        return Newcomer(
            address=address,
            choices=self._choices(text, zones),
            requested_at=self._created_at(text.get("created_at", "")),
        )

    def _choices(self, text: dict[str, str], zones: Collection[str]) -> Choices:
        default = self.defaults
        cadence = _one_of(text, "cadence", RowReason.CADENCE, set(Cadence)) or default.cadence
        return Choices(
            topics=self._topics(text.get("topics", "")) or default.topics,
            cadence=Cadence(cadence),
            weekday=(default.weekday or 0) if cadence == Cadence.WEEKLY else None,
            local_time=_time(text.get("time", "")) or default.local_time,
            timezone=_one_of(text, "timezone", RowReason.TIMEZONE, zones) or default.timezone,
            locale=_one_of(text, "language", RowReason.LANGUAGE, self.languages) or default.locale,
        )

    def _topics(self, text: str) -> tuple[str, ...]:
        slugs = tuple(slug.strip() for slug in text.split(";") if slug.strip())
        unknown = [slug for slug in slugs if slug not in self.topics]
        if unknown:
            raise _RowError(RowReason.TOPIC, unknown[0])
        return slugs

    def _created_at(self, text: str) -> datetime | None:
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise _RowError(RowReason.CREATED_AT, text) from error
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if moment > self.now:
            raise _RowError(RowReason.CREATED_AT, text)
        return moment


def _check_header(names: Collection[str] | None) -> None:
    if not names or "email" not in names:
        raise HeaderError("the first line must name the columns; `email` is missing")
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise HeaderError(f"unknown column {unknown[0]!r}; known are {', '.join(COLUMNS)}")
    if len(set(names)) != len(names):
        raise HeaderError("a column is named twice")


def _once(one: Newcomer, seen: set[str]) -> Newcomer:
    if one.address.key in seen:
        raise _RowError(RowReason.DUPLICATE, one.address.address)
    seen.add(one.address.key)
    return one


def _one_of(text: dict[str, str], name: str, reason: RowReason, allowed: Collection[str]) -> str:
    value = text.get(name, "")
    if value and value not in allowed:
        raise _RowError(reason, value)
    return value


def _time(text: str) -> str:
    """A time the preference centre could have given: 05:00 to 22:00 in half hours."""
    hour, _, minute = text.partition(":")
    if text and not (
        minute in {"00", "30"} and hour.isdecimal() and len(hour) == 2 and "05:00" <= text <= "22:00"
    ):
        raise _RowError(RowReason.TIME, text)
    return text
