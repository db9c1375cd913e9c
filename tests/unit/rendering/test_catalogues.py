"""Both languages are complete, and no word of a template is outside the catalogues."""

import re
from gettext import NullTranslations
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from typing_extensions import override

from digest.rendering import KINDS, TemplateError, directories, samples
from digest.rendering.catalogues import Catalogues, Language, read_catalogues
from digest.rendering.context import MailContext
from digest.rendering.mails import Mails
from tests.support.mail import fold
from tests.support.messages import mail_messages

LOCALE = directories()[0] / "locale"


def catalogue(lang: str) -> Catalog:
    with (LOCALE / lang / "LC_MESSAGES" / "digest.po").open("rb") as file:
        return read_po(file, locale=lang, abort_invalid=True)


def texts(message: Message) -> tuple[str, ...]:
    found: Any = message.string
    return (found,) if isinstance(found, str) else tuple(found)


def keys(messages: Catalog) -> set[tuple[str | None, str]]:
    return {
        (each.context, each.id[0] if isinstance(each.id, tuple) else str(each.id))
        for each in messages
        if each.id
    }


def test_german_says_everything_and_nothing_more() -> None:
    german = catalogue("de")
    assert keys(german) == keys(mail_messages())
    assert not german.obsolete
    for message in german:
        if message.id:
            assert all(texts(message)), message.id
            assert not message.fuzzy, message.id


def test_english_stands_in_the_source() -> None:
    assert keys(catalogue("en")) <= keys(mail_messages())


@pytest.mark.parametrize("lang", ["de", "en"])
def test_a_translation_has_the_placeholders_of_its_message(lang: str) -> None:
    for message in catalogue(lang):
        ids = message.id if isinstance(message.id, tuple) else (str(message.id),)
        wanted = set(re.findall(r"%\(\w+\)s", ids[-1]))
        for text in texts(message) if message.id else ():
            assert set(re.findall(r"%\(\w+\)s", text)) | (wanted if len(ids) > 1 else set()) == wanted, (
                message.id
            )


@pytest.mark.parametrize("lang", ["de", "en"])
def test_no_message_holds_markup(lang: str) -> None:
    for message in filter(lambda each: each.id, catalogue(lang)):
        assert not any(sign in text for text in texts(message) for sign in "<>&"), message.id


def bracketed(code: str) -> Language:
    """A language that puts each message in brackets; CLDR's patterns stay, or there were no times."""
    words = NullTranslations()

    def one(message: str) -> str:
        return f"⟦{message}⟧"

    def several(singular: str, plural: str, count: int) -> str:
        return one(words.ngettext(singular, plural, count))

    return Language(code, Locale.parse(code), one, several, words.pgettext, words.npgettext)


class Words(HTMLParser):
    """What people read or hear of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._is_style = False

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_style = tag == "style"
        self.found += [value or "" for name, value in attrs if name in {"alt", "title", "aria-label"}]

    @override
    def handle_data(self, data: str) -> None:
        if not self._is_style:
            self.found.append(data)


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in strings(each)]
    return [fold(value)] if isinstance(value, str) else []


def stray(text: str, context: MailContext) -> str:
    """The words that are neither in brackets nor data nor a date."""
    left = text
    for known in sorted([*strings(context), *strings(samples.PUBLISHER)], key=len, reverse=True):
        left = left.replace(known, " ") if known else left
    while (less := re.sub(r"⟦[^⟦⟧]*⟧", " ", left)) != left:
        left = less
    left = re.sub(r"Nov(ember)?|Monday|Sunday|AM|PM|and|https?://\S+", " ", left)
    return " ".join(re.findall(r"[A-Za-zäöüß]{2,}", left))


@pytest.mark.parametrize("kind", KINDS)
def test_a_language_of_brackets_leaves_no_stray_word(kind: str) -> None:
    languages = Catalogues({"en": bracketed("en")}, "en")
    mails = Mails(directories(), publisher=samples.PUBLISHER, catalogues=languages)
    edition = samples.edition(8, promos=2)
    edition["edition"]["preheader"] = "Die Vorschau"
    context: MailContext = edition if kind == "edition" else samples.system(kind)
    mail = mails.render(kind, lang="en", context=context, stem="", is_text_only=False)
    words = Words()
    words.feed(mail.html_text)
    everything = fold(" ".join([*words.found, mail.plain_text]))
    if kind == "edition":  # its subject holds a cut headline, which is data but not found in the data
        everything = everything.replace(mail.subject, " ")
    assert stray(everything, context) == ""


def test_a_regional_code_finds_its_language_and_an_unknown_one_the_default() -> None:
    known = read_catalogues(directories(), default="de")
    assert known.language("de-AT").code == "de"
    assert known.language("en_GB").code == "en"
    assert known.language("fr").code == "de"
    assert known.language(None).code == "de"


def test_a_default_without_a_catalogue_is_refused() -> None:
    with pytest.raises(TemplateError, match="no catalogue for the language 'fr'"):
        read_catalogues(directories(), default="fr")


def _po(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
        + text
    )


def test_all_catalogues_of_a_folder_are_one_and_the_publishers_words_win(tmp_path: Path) -> None:
    own, shipped = tmp_path / "own", tmp_path / "shipped"
    _po(
        shipped / "locale/de/LC_MESSAGES",
        "digest.po",
        'msgid "Pause"\nmsgstr "Pausieren"\n\nmsgid "Imprint"\nmsgstr "Impressum"\n',
    )
    _po(shipped / "locale/de/LC_MESSAGES", "web.po", 'msgid "Save"\nmsgstr "Speichern"\n')
    _po(own / "locale/de/LC_MESSAGES", "own.po", 'msgid "Pause"\nmsgstr "Ruhe"\n')
    german = read_catalogues([own, shipped], default="de").language("de")
    assert [german.gettext(word) for word in ("Pause", "Imprint", "Save")] == [
        "Ruhe",
        "Impressum",
        "Speichern",
    ]


def test_a_broken_catalogue_is_named(tmp_path: Path) -> None:
    _po(tmp_path / "locale/de/LC_MESSAGES", "digest.po", "nonsense\n")
    with pytest.raises(TemplateError, match=r"digest\.po:1: not a message catalogue"):
        read_catalogues([tmp_path], default="de")


def test_the_same_words_are_the_same_language_so_that_templates_are_compiled_once() -> None:
    first, again = (read_catalogues(directories(), default="de").languages for _ in range(2))
    assert all(first[code] is again[code] for code in first)
    assert first["de"] is not first["en"]
