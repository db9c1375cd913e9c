"""From the form of the preference centre to what it asks to change, or what is wrong with it."""

from dataclasses import dataclass, field

from digest.matching.errors import QueryError
from digest.matching.query import parse_query
from digest.web import wishes
from digest.web.forms import Fields
from digest.web.messages import Say
from digest.web.site import Site
from subscribers.choices import MAX_OWN_TOPICS
from subscribers.models import Cadence, MailFormat, MailLength, TopicKind
from subscribers.preferences import Changes, Preferences, Settings

MAX_WORDS = 100


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
