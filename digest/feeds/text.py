"""HTML and foreign text made plain: one line, normal form C, nothing that steers a terminal, a header or a reader.

`to_text` is the only way from HTML to text in the whole product. It is a linear scan over tags, not a browser:
what a browser would show is kept, scripts and styles go, a tag that starts a new block becomes a space.
"""

import re
from html import unescape
from unicodedata import is_normalized, normalize

_INLINE = (
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|mark|nobr|q|s|samp|small|span|strike|strong"
    "|sub|sup|time|tt|u|var|wbr"
)
_UNSHOWN = (
    "script|style|template|noscript|iframe|object|svg|math|head|title|textarea|select|audio|video|canvas"
)
TAG_BODY = r"""(?:[^<>"']++|"[^"]*+"|'[^']*+')*+"""
"""The attributes of a tag. A `<` ends a broken tag, so that no text is scanned more than three times."""

_MARKUP = re.compile(
    rf"""<!--.*?(?:-->|\Z)"""
    rf"""|<(?P<hidden>{_UNSHOWN})\b{TAG_BODY}(?:(?<=/)>|>.*?(?:</(?P=hidden)\b[^<>]*+>?|\Z))"""
    rf"""|<[!?][^>]*+(?:>|\Z)"""
    rf"""|</?(?P<inline>(?:{_INLINE})\b)?(?(inline)|[a-z]){TAG_BODY}(?:>|\Z)"""
    r"""|</?[a-z][^<>]*+\Z""",
    re.IGNORECASE | re.DOTALL,
)
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufeff\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def to_text(html: str) -> str:
    """Return the text a browser would show for an HTML fragment, as one plain line."""
    if "<" in html:
        html = _MARKUP.sub(_gap, html)
    return plain(unescape(html) if "&" in html else html)


def plain(text: str) -> str:
    """Return text as one line: white space folded, no control or direction characters, normal form C."""
    text = _UNWANTED.sub("", text)
    if not (text.isascii() or is_normalized("NFC", text)):
        text = normalize("NFC", text)
    return " ".join(text.split())


def shorten(text: str, limit: int) -> str:
    """Return at most `limit` characters, cut between two words and marked with an ellipsis."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    words, space, _ = head.rpartition(" ")
    return (words if space and len(words) > limit // 2 else head).rstrip(" ,;:.–-") + "…"


def _gap(match: re.Match[str]) -> str:
    return "" if match["inline"] else " "
