"""Attributes inside foreign HTML, found without building a tree: addresses made absolute, and the first real image.

Linear over any text. What it reads is still untrusted afterwards; `normalize` decides what stays.
"""

import re
from collections import Counter
from collections.abc import Iterator
from html import escape, unescape

from digest.feeds.text import TAG_BODY
from digest.feeds.urls import resolve

_LONGEST = 2**20
"""Longer than anything that is kept: not worth the work."""
_LINKED = re.compile(rf"<(?:a|img|source|video|audio|iframe|area|blockquote|q)\s{TAG_BODY}>", re.IGNORECASE)
_ADDRESS = re.compile(
    r"""(?<=\s)(href|src|poster|cite)(\s*+=\s*+)("[^"]*+"|'[^']*+'|[^\s"'>]++)""", re.IGNORECASE
)
_RELATIVE = re.compile(
    r"""\s(?:href|src|poster|cite)\s*+=\s*+["']?\s*+(?!["'\s]|https?:|mailto:|\#|data:|tel:)""", re.IGNORECASE
)
_ATTRIBUTE = re.compile(
    r"""(?<![\w:-])([a-z][\w:-]*+)\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'>]++)""", re.IGNORECASE
)
_OPENING_OR_CLOSING = re.compile(r"<(/?)([a-z][a-z0-9]*+)", re.IGNORECASE)
_SHALLOW = frozenset(
    "area base br col dd dt embed hr img input li link meta optgroup option p param source tbody td tfoot th thead tr track wbr".split()  # noqa: SIM905  # reads as a list of words
)
"""Elements that hold nothing, or whose end is understood when the next one begins."""


def with_absolute_addresses(html: str, base: str) -> str:
    """Return HTML whose relative links and sources start from `base`; links inside the page stay as they are.

    HTML of more than a mebibyte comes back untouched: it is kept nowhere.
    """
    if not base or len(html) > _LONGEST or _RELATIVE.search(html) is None:
        return html

    def absolute(match: re.Match[str]) -> str:
        written = unescape(match[3].strip("\"'")).strip()
        if written.startswith("#"):
            return match[0]
        return f'{match[1]}{match[2]}"{escape(resolve(base, written) or written)}"'

    return _LINKED.sub(lambda tag: _ADDRESS.sub(absolute, tag[0]), html)


def images(html: str) -> Iterator[dict[str, str]]:
    """Yield the attributes of each `<img>`."""
    return (attributes for _, attributes in tags(html, names="img"))


def tags(html: str, *, names: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the opening tags of some names (`a|b`): name in lower case, and attributes without their entities."""
    for tag in re.finditer(rf"<({names})\s{TAG_BODY}>", html, re.IGNORECASE):
        yield (
            tag[1].lower(),
            {
                name.lower(): unescape(value.strip("\"'")).strip()
                for name, value in _ATTRIBUTE.findall(tag[0])
            },
        )


def is_deeper(html: str, *, than: int) -> bool:
    """Whether more elements than that stand open within each other somewhere; an end counts only for its own begin.

    Repairing deep nesting costs its square: a quarter of a mebibyte of lists within lists took a minute.
    """
    if html.count("<") - html.count("</") <= than:
        return False
    standing: Counter[str] = Counter()
    depth = 0
    for tag in _OPENING_OR_CLOSING.finditer(html):
        name = tag[2].lower()
        if name in _SHALLOW or (tag[1] and not standing[name]):
            continue
        step = -1 if tag[1] else 1
        standing[name] += step
        depth += step
        if depth > than:
            return True
    return False
