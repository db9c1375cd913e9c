"""The mails: three templates a kind, loaded when first asked for, rendered with cards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Template, TemplateRuntimeError

from digest.rendering.cards import Deck, Fragment, Table, text_of
from digest.rendering.catalogues import Catalogues, Language
from digest.rendering.colours import palette
from digest.rendering.context import MailContext, Publisher
from digest.rendering.errors import RenderError, TemplateError
from digest.rendering.files import Files
from digest.rendering.loading import Part, load_part
from digest.rendering.rules import compact, expect_styles
from digest.rendering.sandbox import mail_environment
from digest.rendering.words import words

KINDS = (
    "edition", "confirmation", "already", "welcome", "manage", "address_change", "address_changed", "goodbye",
)  # fmt: skip
ENDINGS = ("html", "txt", "subject")
# Each style sheet, and whether its rules are inlined.
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
TEMPLATE_FAULTS = (TemplateRuntimeError, TypeError, ValueError, LookupError, ArithmeticError, AttributeError)


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

    subject: Part
    html: Part
    text: Part
    html_deck: Deck | None
    text_deck: Deck | None


class Mails:
    """The mail templates of these directories, the first one's files before the next one's."""

    def __init__(self, directories: Sequence[Path], *, publisher: Publisher, catalogues: Catalogues) -> None:
        self._directories = tuple(directories)
        self._publisher = publisher
        self._catalogues = catalogues
        self._kinds: dict[str, Kind] = {}

    def load(self, kind: str) -> Kind:
        """The kind's templates, read, checked and compiled once. Raises TemplateError with file, line and reason."""
        if kind not in self._kinds:
            self._kinds[kind] = self._load(kind)
        return self._kinds[kind]

    def render(
        self,
        kind: str,
        *,
        lang: str,
        context: MailContext,
        stem: str,
        is_text_only: bool,
        has_cards: bool = True,
    ) -> Rendered:
        """The mail; `has_cards=False` renders every item in its place. Raises TemplateError, RenderError."""
        templates = self.load(kind)
        language = self._catalogues.language(lang)
        values = self.values(kind, language=language, context=context)
        about = values["mail"]
        subject = rendered(templates.subject.whole(language), values, name=f"{kind}.subject.j2")
        about["subject"] = _subject(subject, is_test=about["is_test"], kind=kind)
        table = Table(values, stem)
        text = _part(templates.text, templates.text_deck, table, has_cards=has_cards, name=f"{kind}.txt.j2")
        html: tuple[Fragment, ...] = ()
        if not is_text_only:
            html = _part(
                templates.html, templates.html_deck, table, has_cards=has_cards, name=f"{kind}.html.j2"
            )
        return Rendered(kind, about["lang"], about["subject"], html, text)

    def values(self, kind: str, *, language: Language, context: MailContext) -> dict[str, Any]:
        """All that the templates of `kind` can read, but for the subject."""
        about: dict[str, Any] = {
            **context["mail"],
            "kind": kind,
            "lang": language.code,
            "dir": language.direction,
        }
        values: dict[str, Any] = {
            **self._publisher,
            **words(language, about["timezone"]),
            **context,
            "mail": about,
        }
        if "data" in values:
            values["data"] = {**_NO_FACTS, **values["data"]}
        return values

    def _load(self, kind: str) -> Kind:
        for ending in ENDINGS:
            if not self._html_files.has(f"{kind}.{ending}.j2"):
                raise TemplateError(
                    "a kind of mail has an html, a txt and a subject file", file=f"{kind}.{ending}.j2"
                )
        html = load_part(self._html_files, f"{kind}.html.j2", frame="base.html.j2")
        text = load_part(self._plain_files, f"{kind}.txt.j2", frame="base.txt.j2")
        subject = load_part(self._plain_files, f"{kind}.subject.j2")
        decks = [Deck(part.card) if part.card_block else None for part in (html, text)]
        for part in (html, text):  # what compiles in one language compiles in all
            _ = part.shell(self._default), part.card(self._default)
        return Kind(subject, html, text, *decks)

    @property
    def _default(self) -> Language:
        return self._catalogues.language(None)

    @cached_property
    def _plain_files(self) -> Files:
        return Files(
            [directory / "email" for directory in self._directories], mail_environment(is_html=False)
        )

    @cached_property
    def _html_files(self) -> Files:
        styles = {name: self._style(name) for name in _STYLES}
        return Files(self._plain_files.folders, mail_environment(is_html=True), styles)

    def _style(self, name: str) -> str:
        """A style sheet with the publisher's colours in it."""
        template = self._plain_files.environment.from_string(self._plain_files.read(name))
        css = "".join(template.generate(colours=palette(self._publisher["brand"])))
        expect_styles(css, file=name, is_inlined=_STYLES[name])
        return compact(css)


def rendered(template: Template, values: Mapping[str, Any], *, name: str) -> str:
    """What the template makes of the values. Raises RenderError naming the template."""
    try:
        return template.render(values)
    except TEMPLATE_FAULTS as error:
        raise RenderError(f"{name}: {error}") from error


def _part(part: Part, deck: Deck | None, table: Table, *, has_cards: bool, name: str) -> tuple[Fragment, ...]:
    language: Language = table.context["language"]
    if deck is None or not has_cards:
        return (Fragment(rendered(part.whole(language), table.context, name=name), table.stem),)
    try:
        return table.joined(part.shell(language), deck)
    except TEMPLATE_FAULTS as error:
        raise RenderError(f"{name}: {error}") from error


def _subject(text: str, *, is_test: bool, kind: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise RenderError(f"{kind}.subject.j2 came out empty")
    return f"[Test] {line}" if is_test else line
