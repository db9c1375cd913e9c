"""From fields to wishes, pure: what a visitor chose, or what is wrong with it, field by field."""

import dataclasses
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar
from zoneinfo import available_timezones

from digest.matching.errors import QueryError
from digest.matching.query import parse_query
from digest.web.forms import Fields
from digest.web.messages import Say
from subscribers.addresses import Address, canonical
from subscribers.choices import OwnTopic
from subscribers.errors import AddressError
from subscribers.models import Cadence

T = TypeVar("T", bound=str)
MAX_QUERY = 512
TIMES = tuple(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in range(5 * 60, 22 * 60 + 1, 30))
"""05:00 to 22:00 in half hours: no daylight-saving change has ever fallen there."""
_SOURCE = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one input, named by its id."""

    field: str
    say: Say
    values: dict[str, object] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often, and on which day of the week where that matters."""

    cadence: Cadence
    weekday: int | None


def address(fields: Fields, errors: list[FieldError]) -> Address | None:
    """The address in `email`; an error is noted and None returned for what we cannot write to."""
    try:
        return canonical(fields.one("email"))
    except AddressError:
        errors.append(FieldError("email", Say.BAD_ADDRESS))
        return None


def topics(fields: Fields, errors: list[FieldError], *, offered: Collection[str]) -> tuple[str, ...]:
    """The slugs in `topic` or `topics`; only what is offered can be chosen, also by a direct POST."""
    chosen = tuple(dict.fromkeys((*fields.all("topic"), *fields.all("topics"))))
    if any(slug not in offered for slug in chosen):
        errors.append(FieldError("topic", Say.UNKNOWN_TOPIC))
    return tuple(slug for slug in chosen if slug in offered)


def own_topics(
    texts: Sequence[str], errors: list[FieldError], *, most: int, lang: str
) -> tuple[OwnTopic, ...]:
    """The queries somebody typed; an empty field is none."""
    found: dict[str, OwnTopic] = {}
    for number, text in enumerate(texts, start=1):
        if not text:
            continue
        try:
            canonical_text = str(parse_query(text))
        except QueryError as error:
            values = {"position": error.position + 1, "hint": error.sentence(lang)}
            errors.append(FieldError(query_id(number), Say.BAD_QUERY, values))
        else:
            found.setdefault(
                canonical_text, OwnTopic(query=canonical_text, typed=text[:MAX_QUERY], name=text[:200])
            )
    if len(found) > most:
        errors.append(FieldError("query", Say.TOO_MANY_QUERIES, {"count": most}))
    return tuple(found.values())[:most]


def query_id(number: int) -> str:
    """The id of the n-th field for a query, counted from 1."""
    return "query" if number == 1 else f"query-{number}"


def schedule(fields: Fields, errors: list[FieldError]) -> Schedule:
    """`cadence`, and `weekday` for a weekly one; without a word it is daily."""
    cadence = member(fields, errors, "cadence", Cadence, default=Cadence.DAILY)
    weekday = fields.one("weekday", "0")
    if cadence is not Cadence.WEEKLY:
        return Schedule(cadence, None)
    if weekday not in {"0", "1", "2", "3", "4", "5", "6"}:
        errors.append(FieldError("weekday", Say.BAD_CHOICE))
        return Schedule(cadence, 0)
    return Schedule(cadence, int(weekday))


def member(fields: Fields, errors: list[FieldError], name: str, values: Iterable[T], *, default: T) -> T:
    """One of a closed set; an absent field is the default, anything else an error at its field."""
    text = fields.one(name, default)
    for value in values:
        if value == text:
            return value
    errors.append(FieldError(name, Say.BAD_CHOICE))
    return default


def timezone(fields: Fields, *, default: str) -> str:
    """The zone the browser told, if it is one; a form without script sends none."""
    name = fields.one("timezone")
    return name if name in zones() else default


def source(fields: Fields) -> str:
    """The id of the form, as consent remembers it; anything that is no plain id is dropped."""
    name = fields.one("form")
    return name if _SOURCE.fullmatch(name) else ""


@cache
def zones() -> frozenset[str]:
    """The names of all time zones this machine knows."""
    return frozenset(available_timezones())
