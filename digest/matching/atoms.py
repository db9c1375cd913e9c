"""Values of a query as an index needs them: an atom is what can be found at a place of an article, and under which keys.

Values that mean the same (`Häuser` and `Haus`, `titel:KI` and `title:ki`) become equal atoms, so they are found once.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from digest.matching.spelling import plain
from digest.matching.syntax import TEXT_FIELDS, Field, Value
from digest.matching.text import closed_forms, is_abbreviation, plain_forms, value_forms, value_parts

Element = tuple[tuple[str, ...], ...]
"""The keys that meet one token, per enabled language in order, then for all other languages."""


class Style(StrEnum):
    """How the keys of an atom are compared."""

    WORDS = "words"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    INNER = "inner"


class Atom(NamedTuple):
    """What is looked for: neighbouring elements in the text (`ANY`) or in one of the other fields."""

    field: Field
    style: Style
    elements: tuple[Element, ...]
    closed: Element | None = None
    """The keys of a hyphen word written as one."""
    host: str = ""


_HOST: Final = re.compile(r"(?:[\w-]+\.)+[a-z][\w-]*")


@lru_cache(maxsize=100_000)
def atom(value: Value, languages: tuple[str, ...]) -> Atom:
    """The atom of a value; title and category share the atom of the whole text."""
    parts, is_hyphen_word = value_parts(value.text)
    if value.field not in TEXT_FIELDS:
        return _meta_atom(value, parts)
    if value.has_star:
        return Atom(Field.ANY, _style(value), (_same("".join(map(plain, parts))),))
    elements = tuple(_element(part, languages, is_exact=value.is_exact) for part in parts)
    if len(parts) == 1 and is_abbreviation(parts[0]):
        return Atom(Field.ANY, Style.WORDS, (_same(*(f"^{form}" for form in plain_forms(parts[0]))),))
    closed = None
    if is_hyphen_word and not value.is_exact:
        closed = tuple(closed_forms(parts, forms) for forms in elements[-1])
    return Atom(Field.ANY, Style.WORDS, elements, closed)


def keys(element: Element, index: int) -> tuple[str, ...]:
    """The keys of an element in the language with this index; the last entry stands for all that are not enabled."""
    return element[min(index, len(element) - 1)] if element else ()


def _same(*forms: str) -> Element:
    return (forms,)


@lru_cache(maxsize=100_000)
def _element(part: str, languages: Sequence[str], *, is_exact: bool) -> Element:
    if is_exact:
        return _same(*(f"={form}" for form in plain_forms(part)))
    return tuple(value_forms(part, language) for language in (*languages, ""))


def _style(value: Value) -> Style:
    if value.star_before and value.star_after:
        return Style.INNER
    if value.has_star:
        return Style.SUFFIX if value.star_before else Style.PREFIX
    return Style.WORDS


def _meta_atom(value: Value, parts: Sequence[str]) -> Atom:
    if value.field is Field.LANGUAGE:
        return Atom(value.field, Style.WORDS, (_same(value.text),))
    if value.has_star:
        return Atom(value.field, _style(value), (_same("".join(map(plain, parts))),))
    elements = tuple(_same(plain_forms(part)[0]) for part in parts)
    return Atom(
        value.field, Style.WORDS, elements, host=_host(value.text) if value.field is Field.SOURCE else ""
    )


def _host(text: str) -> str:
    """The host a source names, without `www.`; empty if the text is no address."""
    name = text.lower().rpartition("//")[2].partition("/")[0].removeprefix("www.")
    return name if _HOST.fullmatch(name) else ""
