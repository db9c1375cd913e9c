"""`Templates`: everything a process renders, loaded once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, Template, TemplateNotFound, TemplateRuntimeError

from digest.rendering.cards import Deck, Fragment, joined, text_of
from digest.rendering.catalogues import Language, read_catalogues
from digest.rendering.colours import palette
from digest.rendering.context import MailContext, Publisher
from digest.rendering.errors import RenderError, TemplateError
from digest.rendering.filters import plain_day
from digest.rendering.loading import Part, load_part
from digest.rendering.rules import compact, expect_styles
from digest.rendering.sandbox import MailEnvironment, page_environment
from digest.rendering.source import Files
from digest.rendering.words import functions

KINDS = (
    "edition", "confirmation", "already", "welcome", "manage", "address_change", "address_changed", "goodbye",
)  # fmt: skip
_STYLES = {"inline.css.j2": True, "client.css.j2": False}
_NO_FACTS = dict.fromkeys(
    (
        "topics",
        "own_topics",
        "cadence",
        "weekday",
        "time",
        "requested_at",
        "expires_at",
        "next_at",
        "changed_at",
        "article",
    )
)
# What a template can do wrong with values it did not expect.
_TEMPLATE_FAULTS = (TemplateRuntimeError, TypeError, ValueError, LookupError, ArithmeticError, AttributeError)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail in words: the subject on one line, the HTML part (none in a text-only mail) and the text part as fragments."""

    kind: str
    lang: str
    subject: str
    html: tuple[Fragment, ...]
    text: tuple[Fragment, ...]

    @property
    def html_text(self) -> str:
        """The HTML part as one text; without slots it can be shown as a page."""
        return text_of(self.html)

    @property
    def plain_text(self) -> str:
        """The text part as one text."""
        return text_of(self.text)


@dataclass(frozen=True, slots=True)
class Kind:
    """The three templates of one kind of mail."""

    subject: Template
    html: Part
    text: Part
    html_deck: Deck | None
    text_deck: Deck | None


def directories(own: Path | None = None) -> tuple[Path, ...]:
    """Where templates are: the publisher's folder first, then what ships with the package or stands in the source tree."""
    package = Path(__file__).parents[1] / "templates"
    shipped = package if package.is_dir() else Path(__file__).parents[2] / "templates"
    return (own, shipped) if own else (shipped,)


class Templates:
    """Web pages and mails in every language. Mail templates are loaded when first asked for, or all at once by `check`."""

    def __init__(self, directories: Sequence[Path], *, publisher: Publisher, language: str) -> None:
        self._directories = tuple(directories)
        self._publisher = publisher
        self._kinds: dict[str, Kind] = {}
        self._html = MailEnvironment(is_html=True)
        self._plain = MailEnvironment(is_html=False)
        self._catalogues = read_catalogues(self._directories, default=language)
        self._functions = {code: functions(each) for code, each in self._catalogues.languages.items()}

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes of the languages there are, the default first."""
        codes = self._catalogues.languages
        return tuple(sorted(codes, key=lambda code: (code != self._catalogues.default, code)))

    def check(self) -> None:
        """Load every kind of mail. Raises TemplateError for the first fault, with file, line and remedy."""
        for kind in KINDS:
            self._kind(kind)

    def page(self, name: str, *, lang: str, timezone: str = "UTC", **context: Any) -> str:
        """A web page from `web/`; `site`, `brand` and `imprint` are there. Raises TemplateError, RenderError."""
        language = self._catalogues.language(lang)
        try:
            template = self._pages.get_template(name)
        except TemplateNotFound:
            raise TemplateError("there is no such page template", file=f"web/{name}") from None
        return _rendered(template, {**self._words(language, timezone), **context}, name=name)

    def mail(
        self,
        kind: str,
        *,
        lang: str,
        context: MailContext,
        stem: str = "",
        is_text_only: bool = False,
        has_cards: bool = True,
    ) -> Rendered:
        """A mail of `kind` in `lang` from its context (digest.rendering.context).

        `stem` is what the context's markers start with ("" where real values stand). `has_cards=False` renders every item
        in its place, as a plain template would. Raises TemplateError, RenderError.
        """
        language = self._catalogues.language(lang)
        templates = self._kind(kind)
        about: dict[str, Any] = {
            **context["mail"],
            "kind": kind,
            "lang": language.code,
            "dir": language.direction,
        }
        values = {**self._words(language, about["timezone"]), **_complete(context), "mail": about}
        subject = _rendered(templates.subject, values, name=f"{kind}.subject.j2")
        about["subject"] = _subject(subject, is_test=context["mail"]["is_test"], kind=kind)
        html_deck, text_deck = (templates.html_deck, templates.text_deck) if has_cards else (None, None)
        html = () if is_text_only else _part(templates.html, html_deck, values, stem, name=f"{kind}.html.j2")
        text = _part(templates.text, text_deck, values, stem, name=f"{kind}.txt.j2")
        return Rendered(kind, language.code, about["subject"], html, text)

    def text(self, message: str, *, lang: str, **values: Any) -> str:
        """One message of the catalogues with its `%(name)s` filled in, for answers that are no page."""
        return self._catalogues.language(lang).gettext(message) % values

    def day(self, at: date, *, lang: str) -> str:
        """A date in words, for the slot `since`."""
        return plain_day(at, self._catalogues.language(lang))

    def _words(self, language: Language, timezone: str) -> dict[str, Any]:
        """What every template can read."""
        return {
            **self._publisher,
            **self._functions[language.code],
            "lang": language.code,
            "language": language,
            "timezone": timezone,
        }

    def _kind(self, kind: str) -> Kind:
        if kind not in self._kinds:
            self._kinds[kind] = self._load(kind)
        return self._kinds[kind]

    def _load(self, kind: str) -> Kind:
        for ending in ("html", "txt", "subject"):
            if not self._files.has(f"{kind}.{ending}.j2"):
                raise TemplateError(
                    "a kind of mail has an html, a txt and a subject file", file=f"{kind}.{ending}.j2"
                )
        html = load_part(self._files, f"{kind}.html.j2", self._html)
        text = load_part(self._files, f"{kind}.txt.j2", self._plain)
        subject = load_part(self._files, f"{kind}.subject.j2", self._plain)
        decks = [Deck(part.card) if part.card else None for part in (html, text)]
        return Kind(subject.whole, html, text, *decks)

    @cached_property
    def _files(self) -> Files:
        folders = [directory / "email" for directory in self._directories]
        return Files(folders, {name: self._style(Files(folders), name) for name in _STYLES})

    def _style(self, files: Files, name: str) -> str:
        """A style sheet with the publisher's colours in it."""
        source = self._plain.from_string(files.read(name)).generate(colours=palette(self._publisher["brand"]))
        css = "".join(source)
        expect_styles(css, file=name, is_inlined=_STYLES[name])
        return compact(css)

    @cached_property
    def _pages(self) -> Environment:
        return page_environment(FileSystemLoader([directory / "web" for directory in self._directories]))


def _complete(context: MailContext) -> dict[str, Any]:
    """The context, with None for each fact that only system mails of another kind have."""
    values: dict[str, Any] = dict(context)
    return values | {"data": {**_NO_FACTS, **values["data"]}} if "data" in values else values


def _part(
    part: Part, deck: Deck | None, values: Mapping[str, Any], stem: str, *, name: str
) -> tuple[Fragment, ...]:
    try:
        if deck is None:
            return (Fragment(part.whole.render(values), stem),)
        return joined(part.shell, deck, context=values, stem=stem)
    except _TEMPLATE_FAULTS as error:
        raise RenderError(f"{name}: {error}") from error


def _rendered(template: Template, values: Mapping[str, Any], *, name: str) -> str:
    try:
        return template.render(values)
    except _TEMPLATE_FAULTS as error:
        raise RenderError(f"{name}: {error}") from error


def _subject(text: str, *, is_test: bool, kind: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise RenderError(f"{kind}.subject.j2 came out empty")
    return f"[Test] {line}" if is_test else line
