"""axe-core in a page that stands: put in once per document, asked about as often as its colours change.

What axe says depends on the elements, what marks them, and where there are words, not on which: a `Judge` asks about
each such shape once. Most states of the second language, and most refusals, have the shape of one judged before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final, Literal

from playwright.sync_api import Page

SOURCE: Final = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PAGE_TAGS: Final = [*TAGS, "best-practice"]
COLOURS: Final = ["color-contrast", "link-in-text-block"]
"""All that can differ between light and dark: the sheet changes nothing but colours (tests/unit/web/test_assets.py)."""

_RUN: Final = """async options => {
  const found = await axe.run(document, {...options, resultTypes: ['violations'], preload: false, iframes: false});
  return found.violations.map(one => [one.id, ...one.nodes.map(node => node.html.slice(0, 150))]);
}"""


_SHAPE: Final = """() => {
  const worded = new Set(['href', 'action', 'value', 'content', 'alt', 'title', 'placeholder', 'aria-label', 'src', 'lang',
    'hreflang', 'data-ask', 'data-filter', 'data-none', 'min', 'max']);
  const shape = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data.trim() ? '"' : '';
    if (node.nodeType !== Node.ELEMENT_NODE) return '';
    const marks = [...node.attributes].map(({ name, value }) => name + '=' + (worded.has(name) ? !!value.trim() : value));
    let inside = [...node.childNodes].map(shape);
    if (node.matches('ul, .chips, .choices')) inside = [...new Set(inside)].sort();  // how many, and which first
    return `<${node.localName} ${marks.sort()} ${node.checked}>${inside.join('')}</>`;
  };
  return shape(document.documentElement);
}"""


@dataclass(slots=True)
class Judge:
    """Asks axe about pages, and about no shape twice; a fault is told where its shape is first seen."""

    seen: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)

    def faults(self, page: Page, *, tags: Sequence[str] = PAGE_TAGS) -> list[Any]:
        """Every violation of the document that stands, unless it looks like one before."""
        shape = page.evaluate(_SHAPE), tuple(tags)
        if shape in self.seen:
            return []
        self.seen.add(shape)
        return faults(page, tags=tags)


def faults(page: Page, *, tags: Sequence[str] = PAGE_TAGS) -> list[Any]:
    """Every violation of the document that stands, in light and in dark; empty is what we want."""
    page.evaluate(f"() => {{ {SOURCE} }}")  # by the browser's own hand: our policy lets no foreign script in
    return [*_faults(page, "light", "tag", tags), *_faults(page, "dark", "rule", COLOURS)]


def _faults(
    page: Page, scheme: Literal["light", "dark"], kind: Literal["tag", "rule"], values: Sequence[str]
) -> list[Any]:
    page.emulate_media(color_scheme=scheme)
    options = {"runOnly": {"type": kind, "values": list(values)}}
    return [(scheme, *one) for one in page.evaluate(_RUN, options)]
