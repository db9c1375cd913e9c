"""When the next edition comes, in words: "am Montag, 23. November um 07:00 Uhr"."""

from datetime import date
from typing import Protocol
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from digest.editions.calendar import next_due
from digest.web.messages import Say
from digest.web.pages import say
from digest.web.site import Site
from subscribers.models import Cadence


class Rhythm(Protocol):
    """Anything that says when editions are wanted: a person, a form's choices, stored settings."""

    @property
    def cadence(self) -> Cadence: ...  # noqa: D102  # four columns of Subscriber by their own names
    @property
    def weekday(self) -> int | None: ...  # noqa: D102
    @property
    def local_time(self) -> str: ...  # noqa: D102
    @property
    def timezone(self) -> str: ...  # noqa: D102


def next_words(site: Site, rhythm: Rhythm, *, lang: str) -> str | None:
    """When the next edition is due, with its prepositions, on the reader's clock; None for alerts as it happens."""
    at = next_due(
        site.now(),
        cadence=rhythm.cadence,
        weekday=rhythm.weekday,
        local_time=rhythm.local_time,
        timezone=rhythm.timezone,
    )
    if at is None:
        return None
    locale, local = site.locale(lang), at.astimezone(ZoneInfo(rhythm.timezone))
    day = format_date(local, "full", locale=locale)
    return say(site, Say.WHEN, lang=lang, day=day, time=format_time(local, "short", locale=locale))


def day_words(site: Site, on: date, *, lang: str) -> str:
    """A date: "6. Dezember 2026"."""
    return site.runtime.templates.day(on, lang=lang)
