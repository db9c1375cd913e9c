"""The preference centre as values: what its page shows of a person, and what its form asks to change."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from digest.matching.errors import QueryError
from digest.matching.query import parse_query
from digest.web import wishes
from digest.web.draft import weekdays
from digest.web.forms import Fields
from digest.web.messages import Say
from digest.web.moments import day_words
from digest.web.pages import say
from digest.web.site import Site
from subscribers.choices import MAX_OWN_TOPICS
from subscribers.models import Cadence, MailFormat, MailLength, MuteKind, TopicKind, TopicState
from subscribers.preferences import Changes, Preferences, Settings, TopicChoice

NEW_QUERIES = 3
MAX_WORDS = 100
FORMATS = {
    MailFormat.HTML: Say.FORMAT_HTML,
    MailFormat.NO_IMAGES: Say.FORMAT_NO_IMAGES,
    MailFormat.TEXT: Say.FORMAT_TEXT,
}
LENGTHS = {
    MailLength.HEADLINES: Say.LENGTH_HEADLINES,
    MailLength.NORMAL: Say.LENGTH_NORMAL,
    MailLength.LONG: Say.LENGTH_LONG,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a form sent: the changes, the mutes it showed and no longer ticks, and what is wrong with it."""

    changes: Changes
    unmuted: tuple[str, ...] = ()
    errors: tuple[wishes.FieldError, ...] = field(default=())


def wanted(site: Site, fields: Fields, have: Preferences, *, lang: str) -> Wanted:
    """Read a form; a topic or mute that it did not show is left alone."""
    errors: list[wishes.FieldError] = []
    shown = frozenset(fields.all("shown"))
    kept = sum(one.kind is not TopicKind.CURATED and one.slug in fields.all("topic") for one in have.topics)
    changes = Changes(
        shown=shown,
        chosen=frozenset(fields.all("topic")) & shown,
        new=wishes.own_topics(fields.values.get("query", ()), errors, most=MAX_OWN_TOPICS - kept, lang=lang),
        settings=settings_of(site, fields, have.settings, errors),
        words=words_of(fields, errors, lang=lang),
    )
    unmuted = tuple(value for value in fields.all("shown_mute") if value not in fields.all("mute"))
    return Wanted(changes=changes, unmuted=unmuted, errors=tuple(errors))


def settings_of(site: Site, fields: Fields, have: Settings, errors: list[wishes.FieldError]) -> Settings:
    """When and how; what a form leaves out stays as it is."""
    cadence = wishes.member(fields, errors, "cadence", Cadence, default=have.cadence)
    weekday = int(wishes.member(fields, errors, "weekday", "0123456", default=str(have.weekday or 0)))
    return Settings(
        cadence=cadence,
        weekday=weekday if cadence is Cadence.WEEKLY else None,
        local_time=wishes.member(fields, errors, "time", times(have), default=have.local_time),
        timezone=wishes.member(fields, errors, "timezone", wishes.zones(), default=have.timezone),
        locale=wishes.member(fields, errors, "language", (*site.languages, have.locale), default=have.locale),
        format=wishes.member(fields, errors, "format", MailFormat, default=have.format),
        length=wishes.member(fields, errors, "length", MailLength, default=have.length),
    )


def words_of(fields: Fields, errors: list[wishes.FieldError], *, lang: str) -> tuple[str, ...] | None:
    """The muted words, one query a line, in canonical form; None if the form has no such field."""
    if not fields.has("words"):
        return None
    lines = [line.strip() for line in fields.one("words").splitlines() if line.strip()][:MAX_WORDS]
    words: dict[str, None] = {}
    for line in lines:
        try:
            words[str(parse_query(line))[:512]] = None
        except QueryError as error:
            values = {"position": error.position + 1, "hint": f"{error.sentence(lang)} ({line[:40]})"}
            errors.append(wishes.FieldError("words", Say.BAD_QUERY, values))
            break
    return tuple(words)


def times(have: Settings) -> tuple[str, ...]:
    """The times of day to choose from, and the present one if an operator set another."""
    return tuple(sorted({*wishes.TIMES, have.local_time}))


def shown_person(site: Site, have: Preferences, *, lang: str, has_all_rights: bool) -> dict[str, Any]:
    """Who this is, as far as a page may say."""
    return {
        "address": have.masked_address,
        "state": have.state.value,
        "paused_until": day_words(site, have.paused_until, lang=lang) if have.paused_until else "",
        "has_all_rights": has_all_rights,
    }


def shown_form(site: Site, have: Preferences, *, lang: str, sent: Fields | None = None) -> dict[str, Any]:
    """The form, filled with what is stored, or with what was just sent."""
    chosen = (
        set(sent.all("topic")) if sent else {one.slug for one in have.topics if one.is_chosen or one.is_asked}
    )
    now = sent or Fields({})
    settings = have.settings
    typed = [
        *now.values.get("query", ()),
        *(one.typed or one.query for one in have.asked_queries if not sent),
    ]
    words = "\n".join(one.value for one in have.mutes if one.kind is MuteKind.WORD)
    return {
        "topics": [_topic(site, one, lang=lang, is_on=one.slug in chosen) for one in have.topics],
        "queries": [
            {"text": text, "hits": None} for text in [*typed, "", "", ""][: max(NEW_QUERIES, len(typed))]
        ],
        "cadence": now.one("cadence", settings.cadence),
        "weekday": now.one("weekday", str(settings.weekday or 0)),
        "weekdays": weekdays(lang),
        "time": now.one("time", settings.local_time),
        "times": [(one, one) for one in times(settings)],
        "timezone": now.one("timezone", settings.timezone),
        "timezones": [(one, one.replace("_", " ")) for one in zone_names(settings.timezone)],
        "language": now.one("language", settings.locale),
        "languages": [(code, _own_name(site, code)) for code in site.languages],
        "format": now.one("format", settings.format),
        "formats": [(one.value, say(site, words_, lang=lang)) for one, words_ in FORMATS.items()],
        "length": now.one("length", settings.length),
        "lengths": [(one.value, say(site, words_, lang=lang)) for one, words_ in LENGTHS.items()],
        "words": now.one("words", words),
        "mutes": _mutes(site, have, lang=lang),
        "email": now.one("email"),
    }


def dates(site: Site, have: Preferences) -> dict[str, str]:
    """The days a pause may last until, on the reader's calendar."""
    today = site.now().astimezone(ZoneInfo(have.settings.timezone)).date()
    return {
        "tomorrow": (today + timedelta(days=1)).isoformat(),
        "latest": (today + timedelta(days=365)).isoformat(),
    }


def zone_names(current: str) -> list[str]:
    """Zones by city, as people look for them, and the present one whatever its name."""
    regions = (
        "Africa/",
        "America/",
        "Antarctica/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    )
    return sorted({current, "UTC", *(name for name in wishes.zones() if name.startswith(regions))})


def _topic(site: Site, one: TopicChoice, *, lang: str, is_on: bool) -> dict[str, Any]:
    hints: list[str] = []
    if one.kind is not TopicKind.CURATED and one.query != one.name:
        hints.append(one.query)
    if one.state is TopicState.EXPIRED:
        hints.append(say(site, Say.ENDED, lang=lang))
    return {"slug": one.slug, "name": one.name, "is_on": is_on, "hint": " · ".join(hints)}


def _mutes(site: Site, have: Preferences, *, lang: str) -> list[dict[str, Any]]:
    rows = [
        (f"{one.kind.value}:{one.value}", one.label or one.value, one.until)
        for one in have.mutes
        if one.kind is not MuteKind.WORD
    ]
    rows += [(f"topic:{one.slug}", one.name, one.muted_until) for one in have.topics if one.muted_until]
    return [
        {
            "value": value,
            "label": label,
            "is_on": True,
            "until": say(site, Say.UNTIL, lang=lang, date=day_words(site, until, lang=lang)) if until else "",
        }
        for value, label, until in rows
    ]


def _own_name(site: Site, code: str) -> str:
    name = str(site.locale(code).language_name)
    return name[:1].upper() + name[1:]


def unmuted_topics(values: Iterable[str]) -> list[str]:
    """The slugs among the values of mutes."""
    return [value.removeprefix("topic:") for value in values if value.startswith("topic:")]
