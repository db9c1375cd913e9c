"""Small HTML pages from the files in `pages/`: every value is escaped unless it is `Html` already. Pure but for reading them."""

from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self';"
        " frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""What every page of the demo is served with; a caught mail has stricter ones of its own."""


class Html(str):
    """Markup that is safe as it stands, because `page` or `join` made it."""

    __slots__ = ()


def page(name: str, /, **values: str) -> Html:
    """Fill the file `NAME.html`; a missing value raises `KeyError`."""
    shown = {key: value if isinstance(value, Html) else escape(value) for key, value in values.items()}
    return Html(_template(f"{name}.html").substitute(shown))


def join(parts: Iterable[Html]) -> Html:
    """Put markup side by side."""
    return Html("".join(parts))


@cache
def asset(name: str) -> str:
    """The text of a file beside the pages: a style sheet, a script."""
    return (files("digest.demo") / "pages" / name).read_text(encoding="utf-8")


@cache
def _template(name: str) -> Template:
    return Template(asset(name))
