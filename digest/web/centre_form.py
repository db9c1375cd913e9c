"""The form of the preference centre as values: filled with what is stored, or with what was just sent."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from digest.matching.condition import Condition
from digest.web import wishes
from digest.web.catalogue import Offered
from digest.web.changes import times
from digest.web.draft import foreign, weekdays
from digest.web.forms import Fields
from digest.web.messages import Say
from digest.web.moments import day_words
from digest.web.pages import say
from digest.web.site import Site
from subscribers.models import MailFormat, MailLength, MuteKind, TopicKind, TopicState
from subscribers.preferences import Preferences, TopicChoice

NEW_QUERIES = 3
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
REGIONS = (
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


def shown_form(
    site: Site,
    have: Preferences,
    offered: Iterable[Offered],
    health: Mapping[int, Condition],
    *,
    lang: str,
    sent: Fields,
) -> dict[str, Any]:
    """Every field with its value and choices; what another form of the page did not send stays as stored."""
    return {
        "topics": _topics(site, have, offered, lang=lang, sent=sent),
        "own": _own(site, have, health, lang=lang, sent=sent),
        "queries": _queries(have, sent),
        "words": sent.one("words", "\n".join(one.value for one in have.mutes if one.kind is MuteKind.WORD)),
        "mutes": _mutes(site, have, lang=lang, sent=sent),
        "email": sent.one("email"),
        "until": sent.one("until"),
        "tomorrow": (day_of(site.now(), have) + timedelta(days=1)).isoformat(),
        "latest": (day_of(site.now(), have) + timedelta(days=365)).isoformat(),
        **_schedule(have, lang=lang, sent=sent),
        **_mail(site, have, lang=lang, sent=sent),
    }


def day_of(at: datetime, have: Preferences) -> date:
    """The day on the reader's own calendar."""
    return at.astimezone(ZoneInfo(have.settings.timezone)).date()


def zone_names(current: str) -> list[str]:
    """Zones by city, as people look for them, and the present one whatever its name."""
    return sorted({current, "UTC", *(name for name in wishes.zones() if name.startswith(REGIONS))})


def _topics(
    site: Site, have: Preferences, offered: Iterable[Offered], *, lang: str, sent: Fields
) -> list[dict[str, Any]]:
    """The publisher's topics: those followed first, then those in the language of the page."""
    languages = {one.slug: one.language for one in offered}
    rows = [one for one in have.topics if one.kind is TopicKind.CURATED]
    rows.sort(key=lambda one: not one.is_chosen and languages.get(one.slug, "") not in {lang, ""})
    return [_row(one, sent, hint=foreign(site, languages.get(one.slug, ""), lang=lang)) for one in rows]


def _own(
    site: Site, have: Preferences, health: Mapping[int, Condition], *, lang: str, sent: Fields
) -> list[dict[str, Any]]:
    """Topics of one's own and similar news, with their end, what they bring, and what may help where that is nothing or too much."""
    return [
        _row(one, sent, hint=_own_hint(site, have, one, health, lang=lang))
        | {"query": one.query, "is_ended": one.state is TopicState.EXPIRED, "hits": None}
        | {"options": [option.query for option in health[one.id].proposals]}
        for one in have.topics
        if one.kind is not TopicKind.CURATED
    ]


def _row(one: TopicChoice, sent: Fields, *, hint: str) -> dict[str, Any]:
    is_on = one.slug in sent.all("topic") if sent.has("shown") else one.is_chosen or one.is_asked
    return {"slug": one.slug, "name": one.name, "is_on": is_on, "hint": hint}


def _own_hint(
    site: Site, have: Preferences, one: TopicChoice, health: Mapping[int, Condition], *, lang: str
) -> str:
    """What a topic of one's own looks for, when it ends or ended, and what it brings."""
    parts = [one.query] if one.query != one.name else []
    if one.state is TopicState.EXPIRED:
        parts.append(say(site, Say.ENDED, lang=lang))
    elif one.expires_at is not None:
        last = one.expires_at.astimezone(ZoneInfo(have.settings.timezone)).date()
        parts.append(say(site, Say.ENDS, lang=lang, date=day_words(site, last, lang=lang)))
    if one.state is TopicState.ACTIVE:
        parts.append(health[one.id].sentence(lang).rstrip("."))
    return " · ".join(parts)


def _queries(have: Preferences, sent: Fields) -> list[dict[str, Any]]:
    """Fields for new queries, three or as many as are filled."""
    is_sent = sent.has("query")
    typed = list(sent.values.get("query", ()))
    typed += [] if is_sent else [one.typed or one.query for one in have.asked_queries]
    return [{"text": text, "hits": None} for text in [*typed, "", "", ""][: max(NEW_QUERIES, len(typed))]]


def _schedule(have: Preferences, *, lang: str, sent: Fields) -> dict[str, Any]:
    settings = have.settings
    return {
        "cadence": sent.one("cadence", settings.cadence),
        "weekday": sent.one("weekday", str(settings.weekday or 0)),
        "weekdays": weekdays(lang),
        "time": sent.one("time", settings.local_time),
        "times": [(one, one) for one in times(settings)],
        "timezone": sent.one("timezone", settings.timezone),
        "timezones": [(one, one.replace("_", " ")) for one in zone_names(settings.timezone)],
    }


def _mail(site: Site, have: Preferences, *, lang: str, sent: Fields) -> dict[str, Any]:
    settings = have.settings
    return {
        "language": sent.one("language", settings.locale),
        "languages": [(code, _own_name(site, code)) for code in site.languages],
        "format": sent.one("format", settings.format),
        "formats": [(one.value, say(site, name, lang=lang)) for one, name in FORMATS.items()],
        "length": sent.one("length", settings.length),
        "lengths": [(one.value, say(site, name, lang=lang)) for one, name in LENGTHS.items()],
    }


def _mutes(site: Site, have: Preferences, *, lang: str, sent: Fields) -> list[dict[str, Any]]:
    """Muted stories, sources and topics with their end; words stand in a field of their own."""
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
            "is_on": value in sent.all("mute") or not sent.has("shown_mute"),
            "until": say(site, Say.UNTIL, lang=lang, date=day_words(site, until, lang=lang)) if until else "",
        }
        for value, label, until in rows
    ]


def _own_name(site: Site, code: str) -> str:
    name = str(site.locale(code).language_name)
    return name[:1].upper() + name[1:]
