"""When an edition is due: pure arithmetic on local dates, so that one mail a day stays one mail a day.

A slot is keyed by its *local date*: at a daylight-saving change 02:30 happens twice or never, the date happens once.
Nothing here remembers anything; the same moment and the same wishes give the same slots on every machine.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from subscribers.models import Cadence

LOOK_BACK: Final = timedelta(days=7)
"""How many dates back a missed slot is still written down."""

GRID: Final = timedelta(minutes=5)
"""The UTC grid on which instant alerts are bundled."""


@dataclass(frozen=True, slots=True)
class Group:
    """Everybody with the same wish: `since` is the earliest moment from which one of them waits for an edition."""

    cadence: Cadence
    weekday: int | None
    local_time: str
    timezone: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Slot:
    """One edition that should exist; the first four are the key of the Edition row."""

    cadence: Cadence
    local_time: str
    timezone: str
    local_date: date
    due_at: datetime


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The zone of that name; raises `ZoneInfoNotFoundError`."""
    return ZoneInfo(name)


def clock_time(text: str) -> time:
    """Read `HH:MM`."""
    hours, minutes = text.split(":")
    return time(int(hours), int(minutes))


def due_at(on: date, at: time, where: ZoneInfo) -> datetime | None:
    """The UTC moment at which it is `at` on the date `on`; None if the zone has no such date.

    A time that does not exist (spring) is the first instant that does; one that happens twice (autumn) is the first.
    """
    local = datetime.combine(on, at, tzinfo=where)
    moment = local.astimezone(UTC)
    if moment.astimezone(where).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    change = _change_between(local.replace(fold=1).astimezone(UTC), moment, where)
    seen = change.astimezone(where).date(), (change - timedelta(seconds=1)).astimezone(where).date()
    return change if on in seen else None


def _change_between(before: datetime, after: datetime, where: ZoneInfo) -> datetime:
    """The first second after `before` with another offset than `before` has (both UTC)."""
    offset = before.astimezone(where).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(where).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def happens_on(cadence: Cadence, weekday: int | None, on: date) -> bool:
    """Whether a scheduled cadence has a slot on that date of the reader's zone."""
    match cadence:
        case Cadence.DAILY:
            return True
        case Cadence.WEEKDAYS:
            return on.weekday() < 5
        case Cadence.WEEKLY:
            return on.weekday() == (weekday or 0)
        case Cadence.INSTANT:
            return False


def slots(now: datetime, group: Group) -> Iterator[Slot]:
    """The group's slots that are due at `now`, newest first, from its `since` on and at most seven dates back."""
    where = zone(group.timezone)
    today = now.astimezone(where).date()
    for back in range(LOOK_BACK.days + 1):
        on = today - timedelta(days=back)
        if not happens_on(group.cadence, group.weekday, on):
            continue
        due = due_at(on, clock_time(group.local_time), where)
        if due is not None and group.since < due <= now:
            yield Slot(group.cadence, group.local_time, group.timezone, on, due)


def next_due(
    now: datetime, *, cadence: Cadence, weekday: int | None, local_time: str, timezone: str
) -> datetime | None:
    """The next time an edition of this wish is due after `now`; None for instant alerts."""
    where = zone(timezone)
    today = now.astimezone(where).date()
    for ahead in range(9):
        on = today + timedelta(days=ahead)
        if not happens_on(cadence, weekday, on):
            continue
        due = due_at(on, clock_time(local_time), where)
        if due is not None and due > now:
            return due
    return None


def instant_slot(now: datetime) -> Slot:
    """The slot of the UTC grid in which `now` lies."""
    start = datetime.fromtimestamp(now.timestamp() // GRID.total_seconds() * GRID.total_seconds(), UTC)
    return Slot(Cadence.INSTANT, f"{start:%H:%M}", "UTC", start.date(), start)


def is_quiet(now: datetime, *, quiet: str, timezone: str) -> bool:
    """Whether `now` lies in the quiet hours `HH:MM-HH:MM` of that zone; the span may run over midnight."""
    if not quiet:
        return False
    begin, end = (clock_time(part) for part in quiet.split("-"))
    local = now.astimezone(zone(timezone)).time()
    return begin <= local < end if begin <= end else local >= begin or local < end


def split_due(due: Iterable[Slot], *, now: datetime, catch_up: timedelta) -> tuple[Slot | None, list[Slot]]:
    """Of one group's due slots (newest first): the one to plan, and those that are missed.

    Only the newest is planned, and only if it is not later than `catch_up`: its mail carries what the older would have.
    """
    slots_due = list(due)
    if not slots_due or now - slots_due[0].due_at > catch_up:
        return None, slots_due
    return slots_due[0], slots_due[1:]


def takes_part(*, local_date: date, due: datetime, last_on: date | None, last_at: datetime | None) -> bool:
    """Whether a person's last edition leaves room for this one: a later local date, or at least 20 hours between."""
    if last_on is None or last_at is None:
        return True
    return local_date > last_on or due - last_at >= timedelta(hours=20)
