"""The words of the pages: complete in every language, with the same placeholders, and every page renders with them."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from digest.web.messages import Say

TEMPLATES = Path(__file__).parents[3] / "templates"
LANGUAGES = ("de", "en")
PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def catalogue(language: str) -> Catalog:
    with (TEMPLATES / "locale" / language / "LC_MESSAGES" / "web.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def messages() -> set[str | tuple[str, ...]]:
    found: set[str | tuple[str, ...]] = {say.value for say in Say}
    keywords = {"_": None, "ngettext": (1, 2)}
    for path in (TEMPLATES / "web").glob("*.html"):
        with path.open("rb") as file:
            found |= {message for _, message, _, _ in extract("jinja2", file, keywords=keywords)}
    return found


def words(value: str | tuple[str, ...]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_has_its_words_and_none_is_left_over(language: str) -> None:
    entries = {one.id: one for one in catalogue(language) if one.id}
    assert set(entries) == messages()
    assert not [one.id for one in entries.values() if one.fuzzy or not all(words(one.string))]


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_the_same_and_no_markup_hides_in_words(language: str) -> None:
    for one in catalogue(language):
        if one.id:
            wanted = {name for text in words(one.id) for name in PLACEHOLDER.findall(text)}
            for text in words(one.string):
                assert set(PLACEHOLDER.findall(text)) in (wanted, wanted - {"num"}), one.id
                assert not re.search(r"[<>]|&\w+;", text)
                assert "%" not in PLACEHOLDER.sub("", text)


def test_no_word_stands_in_two_catalogues_with_two_meanings() -> None:
    for language in LANGUAGES:
        other = TEMPLATES / "locale" / language / "LC_MESSAGES" / "digest.po"
        with other.open("rb") as file:
            mails = {one.id: one.string for one in read_po(file, locale=language) if one.id}
        pages = {one.id: one.string for one in catalogue(language) if one.id}
        assert {key for key in mails.keys() & pages.keys() if mails[key] != pages[key]} == set()
