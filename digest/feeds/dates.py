"""Dates as feeds write them: `parse_date` reads the known ones and says None to the rest.

Understood are RFC 822 and its many misspellings, ISO 8601 and RFC 3339, epoch seconds and milliseconds, asctime, and
numeric dates with dots or slashes; day and month names in English, German, French, Spanish and Italian. A date
without a zone is UTC. Nothing before 1995 is believed: no feed is older, a zeroed clock is.
"""

import re
from datetime import UTC, date, datetime, timedelta
from unicodedata import normalize

EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)

_MONTH_NAMES = (
    "jan januar january jaenner janner janvier janv enero ene gennaio gen",
    "feb februar february feber fevrier fevr fev febrero febbraio febr",
    "mar marz maerz mrz mae march mars marzo",
    "apr april avril avr abril abr aprile",
    "may mai mayo maggio mag",
    "jun juni june juin junio giugno giu juno",
    "jul juli july juillet juil julio luglio lug jly",
    "aug august aout aou agosto ago",
    "sep september sept septembre septiembre setiembre set settembre",
    "oct okt oktober october octobre octubre ottobre ott",
    "nov november novembre noviembre novembro",
    "dec dez dezember december decembre diciembre dic dicembre",
)
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}

_ZONES = {
    name: timedelta(hours=hours)
    for hours, names in {
        0: "z ut utc gmt wet",
        1: "cet mez bst west met",
        2: "cest mesz eet mest",
        3: "eest msk",
        -3: "adt",
        -4: "edt ast at",
        -5: "est cdt et",
        -6: "cst mdt ct",
        -7: "mst pdt mt",
        -8: "pst akdt pt",
        -9: "akst hdt",
        -10: "hst",
        8: "hkt sgt awst",
        9: "jst kst",
        10: "aest",
        11: "aedt",
        12: "nzst",
        13: "nzdt",
    }.items()
    for name in names.split()
} | {"ist": timedelta(hours=5, minutes=30), "acst": timedelta(hours=9, minutes=30)}

_EPOCH = re.compile(r"(\d{9,10}|1\d{12})(?:\.\d+)?")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)t?(\d\d)(\d\d)(\d\d)?(.*)")
_CLOCK = re.compile(
    r"(\d{1,2})(?: ?[:h] ?|\.(?=\d\d uhr))(\d{1,2})(?:[:.](\d{1,2})(?:[.,]\d+)?)?(?: ?([ap])\.?m\b)?"
)
_BARE_CLOCK = re.compile(r"(?<=\dt)(\d\d)(?:(\d\d)(\d\d)?)?(?=z|[+-]|$)()")
_OFFSET = re.compile(r"([+-])(\d\d?)(?::?(\d\d))?(?!\d)")
_ISO = re.compile(r"(\d{4})(?:([-/.])(\d\d?)(?:\2(\d\d?))?|(\d\d)(\d\d)?)?(?=\D|$)")
_ISO_WEEK = re.compile(r"(\d{4})-?w(\d\d)(?:-?([1-7]))?")
_ISO_ORDINAL = re.compile(r"(\d{4})-?(\d{3})(?!\d)")
_DOTTED = re.compile(r"(\d{1,2})\. ?(\d{1,2})\. ?(\d{4}|\d\d)(?!\d)")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_WORD = re.compile(r"[a-z]+|\d+")


def parse_date(text: str) -> datetime | None:
    """Return the moment a feed's date means, aware UTC, or None if it means none after 1995."""
    plain = _plain(text)
    try:
        moment = _epoch(plain) or _compact(plain) or _written(plain)
    except (ValueError, OverflowError):  # the 31st of February, or the year 9999 with a zone
        return None
    return moment if moment is not None and moment >= EARLIEST else None


def _plain(text: str) -> str:
    """Return lower-case ASCII with single spaces; nothing of a text too long to be a date."""
    if len(text) > 200:
        return ""
    if not text.isascii():
        text = normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(text.lower().split())


def _epoch(text: str) -> datetime | None:
    match = _EPOCH.fullmatch(text)
    if match is None:
        return None
    return datetime.fromtimestamp(int(match[1]) / (1000 if len(match[1]) == 13 else 1), UTC)


def _compact(text: str) -> datetime | None:
    """Read `20260713T112300Z` and its shorter kin."""
    match = _COMPACT.fullmatch(text)
    if match is None:
        return None
    *fields, zone = match.groups(default="0")
    return datetime(*map(int, fields), tzinfo=UTC) - _offset(zone)  # type: ignore[arg-type,misc]  # six numbers


def _written(text: str) -> datetime | None:
    """Read a date with a clock time somewhere in it, and the zone behind that."""
    clock = _CLOCK.search(text) or _BARE_CLOCK.search(text)
    if clock is None:
        return _day(text)
    before, behind = text[: clock.start()], text[clock.end() :]
    day = _day(before) or _day(f"{before} {behind}")  # asctime puts the year last
    return day and day + _time(clock) - _offset(behind)


def _time(clock: re.Match[str]) -> timedelta:
    hour, minute, second = (int(part or 0) for part in clock.groups()[:3])
    if hour > 24 or minute > 59 or second > 61:
        raise ValueError("no time of day")
    if clock[4]:
        hour = hour % 12 + (12 if clock[4] == "p" else 0)
    return timedelta(hours=hour, minutes=minute, seconds=min(second, 59))


def _offset(text: str) -> timedelta:
    """Return how far a zone lies before UTC; an unknown or missing one is UTC."""
    match = _OFFSET.search(text)
    if match is None:
        return next((_ZONES[word] for word in _WORD.findall(text) if word in _ZONES), timedelta())
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    if offset > timedelta(hours=15):
        raise ValueError("no zone is that far away")
    return -offset if match[1] == "-" else offset


def _day(text: str) -> datetime | None:
    text = text.strip()
    for read in (_named, _numeric, _iso_week, _iso_ordinal, _iso):
        day = read(text)
        if day is not None:
            return day
    return None


def _named(text: str) -> datetime | None:
    """Read a day whose month is a word; the last such word, for `mar` is a Tuesday too."""
    words = _WORD.findall(text)
    months = [_MONTHS[word] for word in words if word in _MONTHS]
    numbers = [word for word in words if word.isdigit()]
    if not months or len(numbers) < 2:
        return None
    day, year = numbers[:2] if len(numbers[0]) < 3 else (numbers[1], numbers[0])
    return datetime(_year(year), months[-1], int(day), tzinfo=UTC)


def _numeric(text: str) -> datetime | None:
    """Read `13.7.2026` (day first) or `7/13/2026` (month first, unless that cannot be)."""
    if match := _DOTTED.search(text):
        return datetime(_year(match[3]), int(match[2]), int(match[1]), tzinfo=UTC)
    if match := _SLASHED.search(text):
        month, day, year = map(int, match.groups())
        return datetime(year, *((day, month) if month > 12 else (month, day)), tzinfo=UTC)
    return None


def _iso_week(text: str) -> datetime | None:
    match = _ISO_WEEK.match(text)
    if match is None:
        return None
    day = date.fromisocalendar(int(match[1]), int(match[2]), int(match[3] or 1))
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _iso_ordinal(text: str) -> datetime | None:
    match = _ISO_ORDINAL.match(text)
    if match is None or not 0 < int(match[2]) < 367:
        return None
    return datetime(int(match[1]), 1, 1, tzinfo=UTC) + timedelta(days=int(match[2]) - 1)


def _iso(text: str) -> datetime | None:
    """Read a year, month and day anywhere, and less than that only if nothing else is there."""
    match = _ISO.search(text)
    if match is None or (match[0] != text and not (match[4] or match[6])):
        return None
    return datetime(int(match[1]), int(match[3] or match[5] or 1), int(match[4] or match[6] or 1), tzinfo=UTC)


def _year(text: str) -> int:
    year = int(text)
    if len(text) < 3:
        year += 2000 if year < 70 else 1900
    return year
