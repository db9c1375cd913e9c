"""The words of every language: all `*.po` files of a language's folder, read once with Babel and merged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from typing import Final

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from digest.rendering.errors import TemplateError

_NO_DATE: Final = datetime.fromtimestamp(0, UTC)
"""Else the minute of reading would stand in a catalogue, and no two would be the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """One language, ready to use: its code ("de"), its locale, the four gettext functions."""

    code: str
    locale: Locale
    gettext: Callable[[str], str]
    ngettext: Callable[[str, str, int], str]
    pgettext: Callable[[str, str], str]
    npgettext: Callable[[str, str, str, int], str]

    @property
    def direction(self) -> str:
        """The value of `dir`: ltr or rtl."""
        return str(self.locale.text_direction)


@dataclass(frozen=True, slots=True)
class Catalogues:
    """The languages there are, and the one to fall back to."""

    languages: Mapping[str, Language]
    default: str

    def language(self, code: str | None) -> Language:
        """The language for a code: "de-AT" finds "de", anything unknown the default."""
        short = (code or "").replace("_", "-").partition("-")[0].lower()
        return self.languages.get(short) or self.languages[self.default]


def read_catalogues(directories: Sequence[Path], *, default: str) -> Catalogues:
    """Every language found under `locale/` of the directories; the first directory's words win. Raises TemplateError."""
    folders: dict[str, list[Path]] = {}
    for directory in reversed(directories):
        for folder in sorted(directory.glob("locale/*/LC_MESSAGES")):
            folders.setdefault(folder.parent.name, []).append(folder)
    languages = {code: _language(code, found) for code, found in folders.items()}
    if default not in languages:
        raise TemplateError(f"there is no catalogue for the language {default!r}", file="locale")
    return Catalogues(languages, default)


def read_catalogue(code: str, folders: Sequence[Path]) -> Catalog:
    """All messages of one language; a later folder's words replace an earlier one's. Raises TemplateError."""
    merged = Catalog(locale=code, creation_date=_NO_DATE)
    for path in (path for folder in folders for path in sorted(folder.glob("*.po"))):
        try:
            with path.open("rb") as file:
                messages = read_po(file, locale=code, abort_invalid=True)
        except (PoFileError, ValueError) as error:
            raise TemplateError(f"not a message catalogue: {error}", file=str(path)) from None
        for message in messages:
            if message.id and not message.fuzzy:
                merged.delete(message.id, message.context)  # else Babel keeps the words it has
                merged[message.id] = message
    return merged


def _language(code: str, folders: Sequence[Path]) -> Language:
    file = BytesIO()
    write_mo(file, read_catalogue(code, folders))
    return _with_words(code, file.getvalue())


@lru_cache(maxsize=16)
def _with_words(code: str, compiled: bytes) -> Language:
    """The same words give the very same language, so that templates compiled for it are found again."""
    words = GNUTranslations(BytesIO(compiled))
    return Language(code, Locale.parse(code), words.gettext, words.ngettext, words.pgettext, words.npgettext)
