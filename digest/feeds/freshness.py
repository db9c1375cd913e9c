"""What the headers of a response say about time: when to come back, and how long an answer stays fresh. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

_LONGEST: Final = timedelta(days=366)
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,10})", re.IGNORECASE)


def retry_after(text: str | None, *, now: datetime) -> timedelta | None:
    """Read `Retry-After`, seconds or a date (RFC 9110 §10.2.3); None if absent, unreadable or past."""
    if not text:
        return None
    seconds = _seconds(text)
    if seconds is not None:
        return seconds
    moment = http_date(text)
    return None if moment is None or moment <= now else min(moment - now, _LONGEST)


def fresh_for(headers: Mapping[str, str], *, now: datetime) -> timedelta | None:
    """Read how long the answer stays fresh: max-age less Age, else Expires less Date (RFC 9111 §4.2)."""
    found = _MAX_AGE.search(headers.get("Cache-Control", ""))
    if found:
        age = _seconds(headers.get("Age", "")) or timedelta()
        return max((_seconds(found[1]) or timedelta()) - age, timedelta())
    expires = http_date(headers.get("Expires", ""))
    if expires is None:
        return None
    sent = http_date(headers.get("Date", "")) or now
    return min(max(expires - sent, timedelta()), _LONGEST)


def http_date(text: str) -> datetime | None:
    """Read an HTTP date; aware UTC, or None."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _seconds(text: str) -> timedelta | None:
    text = text.strip()
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        return None
    return min(timedelta(seconds=int(text)), _LONGEST)
