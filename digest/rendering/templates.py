"""`Templates`: everything a process renders, loaded once."""

from collections.abc import Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, TemplateNotFound

from digest.rendering.catalogues import read_catalogues
from digest.rendering.checks import Report, inspect
from digest.rendering.context import MailContext, Publisher
from digest.rendering.errors import TemplateError, UnfitError
from digest.rendering.filters import plain_day
from digest.rendering.mails import KINDS, Mails, Rendered, rendered
from digest.rendering.own import OwnMails, own_kinds
from digest.rendering.sandbox import page_environment
from digest.rendering.words import words


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
        self._catalogues = read_catalogues(self._directories, default=language)
        self._mails = Mails(self._directories, publisher=publisher, catalogues=self._catalogues)
        self._own = OwnMails(self._directories, publisher=publisher, language=language)
        self._own_kinds = own_kinds(self._directories, KINDS)

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes of the languages there are, the default first."""
        codes = self._catalogues.languages
        return tuple(sorted(codes, key=lambda code: (code != self._catalogues.default, code)))

    def check(self) -> None:
        """Load every kind of mail. Raises TemplateError for the first fault, with file, line and remedy."""
        for kind in KINDS:
            if kind in self._own_kinds:
                self._own.load(kind, languages=self.languages)
            else:
                self._mails.load(kind)

    def close(self) -> None:
        """End the process that renders the publisher's own templates, if there is one."""
        self._own.close()

    def mail(
        self,
        kind: str,
        *,
        lang: str,
        context: MailContext,
        stem: str = "",
        is_text_only: bool = False,
    ) -> Rendered:
        """A mail of `kind` in `lang` from its context (digest.rendering.context).

        `stem` is what the context's markers start with ("" where real values stand).
        Raises TemplateError, RenderError, TooLargeError.
        """
        mails = self._own if kind in self._own_kinds else self._mails
        return mails.render(kind, lang=lang, context=context, stem=stem, is_text_only=is_text_only)

    def inspect(self, rendered: Rendered, *, context: MailContext) -> Report:
        """What is wrong with a mail as `mail` made it of this context."""
        return inspect(rendered, context=context, publisher=self._publisher)

    def expect_fit(self, rendered: Rendered, *, context: MailContext) -> Report:
        """The report on a mail without errors. Raises UnfitError with all of them."""
        report = self.inspect(rendered, context=context)
        if report.errors:
            raise UnfitError("; ".join(report.errors))
        return report

    def page(self, name: str, *, lang: str, timezone: str = "UTC", **context: Any) -> str:
        """A web page from `web/`; `site`, `brand` and `imprint` are there. Raises TemplateError, RenderError."""
        language = self._catalogues.language(lang)
        try:
            template = self._pages.get_template(name)
        except TemplateNotFound:
            raise TemplateError("there is no such page template", file=f"web/{name}") from None
        return rendered(template, {**self._publisher, **words(language, timezone), **context}, name=name)

    def text(self, message: str, *, lang: str, **values: Any) -> str:
        """One message of the catalogues with its `%(name)s` filled in, for answers that are no page."""
        return self._catalogues.language(lang).gettext(message) % values

    def day(self, at: date, *, lang: str) -> str:
        """A date in words, for the slot `since`."""
        return plain_day(at, self._catalogues.language(lang))

    @cached_property
    def _pages(self) -> Environment:
        return page_environment(FileSystemLoader([directory / "web" for directory in self._directories]))
