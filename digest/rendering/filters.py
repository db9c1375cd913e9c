"""The filters of templates: dates, numbers, lists and schedules in the reader's language, and text cut and wrapped.

Those that need a language or a zone take it from the context keys `language` and `timezone`. Dates are ISO 8601 texts.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time, get_day_names
from babel.lists import format_list
from babel.numbers import format_decimal
from jinja2 import pass_context
from jinja2.runtime import Context

from digest.rendering.catalogues import Language

_SPACE = re.compile(r"\s+")
_REPLIED = re.compile(r"^(?:(?:re|fwd?|aw|wg)\s*:\s*)+", re.IGNORECASE)
# Combining grapheme joiner, zero-width non-joiner, no-break space: fills the preview line of an inbox, shows nothing.
_HOOK_AT_LEAST = 40
_PADDING = "\u034f\u200c\u00a0" * 60


class Lines(str):
    """Text whose line ends are ours; anything else printed into a text part is folded to one line."""

    __slots__ = ()


def folded(value: object) -> str:
    """The value on one line; what our own `wordwrap` made keeps its lines."""
    if isinstance(value, Lines):
        return value
    text = str(value)
    return text if text.isprintable() and "  " not in text else _SPACE.sub(" ", text)


def truncate(text: str, length: int) -> str:
    """At most `length` characters, cut between words where one is near, with an ellipsis."""
    text = folded(text).strip()
    if len(text) <= length:
        return text
    cut = text[: max(length - 1, 0)]
    words = cut.rpartition(" ")[0] if text[len(cut)] != " " else cut
    return (words if len(words) > length // 2 else cut).rstrip(" ,;:–-") + "…"


def wordwrap(text: str, *, width: int = 72, first: str = "", indent: str = "") -> Lines:
    """Lines of at most `width` characters; a word longer than that, such as an address, stays whole."""
    text = " ".join(folded(text).split())
    lines: list[str] = []
    line, start = first or indent, 0
    while len(text) - start > width - len(line):
        end = text.rfind(" ", start, start + width - len(line) + 1)
        if end < 0 and (end := text.find(" ", start)) < 0:
            break
        lines.append(line + text[start:end])
        line, start = indent, end + 1
    return Lines("\n".join([*lines, line + text[start:]]))


def headline(text: str) -> str:
    """A headline fit for a subject: one line, without a leading Re:, Fwd:, AW: or WG:."""
    return _REPLIED.sub("", folded(text).strip())


def padded(text: str) -> str:
    """A preview text with so much invisible space behind it that no other text of the mail leaks in."""
    return text + _PADDING


def hook(sections: Sequence[Mapping[str, Any]]) -> str:
    """The preview text of an edition: the next two headlines, and the first teaser and source until it has 40 of its 90 characters."""
    items = [item for section in sections for item in section["items"]]
    said = " · ".join(item["title"] for item in items[1:3] if item["title"])
    for more in (items[0]["teaser"], items[0]["source"]) if items else ():
        if more and len(said) < _HOOK_AT_LEAST:
            said += f" · {more}" if said else more
    return truncate(said, 90)


@pass_context
def day(context: Context, value: str) -> str:
    """A date: "22. November 2026"."""
    return plain_day(_moment(context, value), _language(context))


@lru_cache(maxsize=1_000)
def plain_day(at: date, language: Language) -> str:
    """A date in words, as the filter `day` writes it."""
    return format_date(at, "long", locale=language.locale)


@pass_context
def moment(context: Context, value: str) -> str:
    """A date and time without the year: "22. Nov., 06:10"."""
    return _plain_moment(value, context.get("timezone"), _language(context))


@lru_cache(maxsize=10_000)
def _plain_moment(value: str, timezone: str | None, language: Language) -> str:
    at = _at(value, timezone)
    day_and_time = (
        format_skeleton("MMMd", at, locale=language.locale),
        format_time(at, "short", locale=language.locale),
    )
    return _SPACE.sub("\u00a0", ", ".join(day_and_time))


@pass_context
def clock(context: Context, value: str) -> str:
    """A time of day, given as "07:00" or as a date with time: "7 Uhr", "7:30 Uhr"."""
    at = _moment(context, value).timetz() if len(value) > 8 else time.fromisoformat(value)
    return _clock(at, _language(context))


@pass_context
def weekday(context: Context, value: str) -> str:
    """The day of the week: "Montag"."""
    return str(get_day_names(locale=_language(context).locale)[_moment(context, value).weekday()])


@pass_context
def number(context: Context, value: float) -> str:
    """A number with its separators: "1.234"."""
    return format_decimal(value, locale=_language(context).locale)


@pass_context
def listing(context: Context, values: Iterable[Any], key: str | None = None) -> str:
    """Values, or each one's `key`, as a list in words: "A, B und C"."""
    words = tuple([str(value if key is None else value[key]) for value in values])
    return _listed(words, _language(context))


@pass_context
def tally(context: Context, sections: Sequence[Mapping[str, Any]]) -> str:
    """How many articles on which topic: "5 zu KI, 2 zu Raumfahrt und 1 zu Politik"."""
    language = _language(context)
    counts = tuple(
        language.ngettext("%(count)s on %(topic)s", "%(count)s on %(topic)s", len(section["items"]))
        % {"count": len(section["items"]), "topic": section["topic"]}
        for section in sections
    )
    return _listed(counts, language)


@pass_context
def schedule(context: Context, value: Mapping[str, Any]) -> str:
    """A cadence in words: "täglich um 7 Uhr", "jeden Montag um 7:30 Uhr"."""
    return _schedule(value["cadence"], value["weekday"], value["time"], _language(context))


@lru_cache(maxsize=1_000)
def _schedule(cadence: str, weekday: int | None, at: str | None, language: Language) -> str:
    gettext = language.gettext
    patterns = {
        "instant": gettext("as soon as there is something new"),
        "daily": gettext("daily at %(time)s"),
        "weekdays": gettext("Monday to Friday at %(time)s"),
        "weekly": gettext("every %(weekday)s at %(time)s"),
    }
    return patterns[cadence] % {
        "time": _clock(time.fromisoformat(at), language) if at else "",
        "weekday": get_day_names(locale=language.locale)[weekday or 0],
    }


FILTERS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        truncate, wordwrap, headline, padded, hook, day, moment, clock, weekday, number, listing, tally, schedule,
    )
}  # fmt: skip


@lru_cache(maxsize=1_000)
def _listed(words: tuple[str, ...], language: Language) -> str:
    """Both parts of a mail list the same, and so do many mails."""
    return format_list(words, locale=language.locale)


def _clock(at: time, language: Language) -> str:
    """Patterns of CLDR stand in the catalogue, so a new language needs nothing but its catalogue."""
    pattern = (
        language.pgettext("time of day", "h:mm a") if at.minute else language.pgettext("full hour", "h a")
    )
    return _SPACE.sub("\u00a0", format_time(at, pattern, locale=language.locale))


def _moment(context: Context, value: str) -> datetime:
    return _at(value, context.get("timezone"))


def _at(value: str, timezone: str | None) -> datetime:
    at = datetime.fromisoformat(value)
    return at.astimezone(ZoneInfo(timezone)) if timezone and at.tzinfo else at


def _language(context: Context) -> Language:
    language: Language = context["language"]
    return language
