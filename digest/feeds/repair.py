"""Text that should be XML to text that nearly is: what feeds get wrong so often that no parser should see it.

One linear scan without backtracking. Removed: junk before the document, characters XML forbids, the prolog and the
DOCTYPE with its internal subset (dropped, never read). Replaced: HTML entities, bare ampersands, and numeric
references that mean cp1252. CDATA sections and comments are left alone.
"""

import re
from collections.abc import Iterator
from html import unescape
from html.entities import html5
from itertools import islice

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SOUND = r"(?:lt|gt|amp|quot|apos|#(?!1[0-5]\d;|5[5-7]\d{3};)[1-9]\d{2,4}|#x(?![dD][89a-fA-F]..;)[1-9a-fA-F][0-9a-fA-F]{2,3});"
"""References that need no mending, the great mass of them: XML's own, and plain numbers beyond cp1252."""
_UNSOUND = re.compile(rf"&(?!{_SOUND})")
_REFERENCE = re.compile(
    rf"&(?!{_SOUND})(?:#(?:(?P<number>\d{{1,9}})|[xX](?P<hex>[0-9a-fA-F]{{1,7}}));?|(?P<name>[A-Za-z][A-Za-z0-9]{{1,31}});)?"
)
_BUDGET = 300_000
"""References mended in one document; one with more was made to be slow, and ends there."""
_SURROGATE = re.compile(
    r"&#(?:0*5(?:529[6-9]|5[3-9]\d\d|6\d{3}|7[0-2]\d\d|73[0-3]\d|734[0-3])|[xX]0*[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"(?![0-9a-fA-F]);?"
)
"""Half a character, by its number. Replaced everywhere, even where a parser may not look: it would believe in it."""
_SPECIAL = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
_OPENING = re.compile(r"<\?xml|<!doctype|<!--|<[a-z]", re.IGNORECASE)
_NOTICE = re.compile(r"<(?:br|b|p|div|font|pre|table|script|style)\b", re.IGNORECASE)
_MISCELLANY = re.compile(r"(?:\s++|<!--.*?-->|<\?[^>]*+>)*+", re.DOTALL)
_DOCTYPE = re.compile(r"<!doctype\b", re.IGNORECASE)
_SUBSET = re.compile(r"""<!--.*?(?:-->|\Z)|"[^"]*"|'[^']*'|[\[\]>]""", re.DOTALL)
_NEAR = 8192


def repair(text: str) -> str:
    """Return the document from its root on, fit for an XML parser in recovery, or `""` if there is no tag in it."""
    if _ILLEGAL.search(text):
        text = _ILLEGAL.sub("", text)
    if "&#" in text:
        text = _SURROGATE.sub("\ufffd", text)
    text = text[_root_start(text, _document_start(text)) :]
    return "".join(_pieces(text)) if "&" in text else text


def _document_start(text: str) -> int:
    """Return where the document begins, behind junk such as blank lines and the notices of a server's script."""
    opening = _OPENING.search(text)
    if opening is None:
        return len(text)
    prolog = text.find("<?xml ", opening.start(), opening.start() + _NEAR)
    return prolog if prolog >= 0 and _NOTICE.match(text, opening.start()) else opening.start()


def _root_start(text: str, position: int) -> int:
    """Return where the root begins, behind prolog, comments and every DOCTYPE with all that it declares."""
    while True:
        misc = _MISCELLANY.match(text, position)
        position = misc.end() if misc else position
        if not _DOCTYPE.match(text, position):
            return position
        position = _doctype_end(text, position)


def _doctype_end(text: str, start: int) -> int:
    depth = 0
    for token in _SUBSET.finditer(text, start):
        depth += {"[": 1, "]": -1}.get(token[0], 0)
        if token[0] == ">" and depth <= 0:
            return token.end()
    first = text.find(">", start)  # never closed: what it declares is junk, what follows may be a feed
    return first + 1 if first >= 0 else len(text)


def _pieces(text: str) -> Iterator[str]:
    """Yield the text in order: outside CDATA and comments mended, inside untouched."""
    position, budget = 0, _BUDGET
    while (start := _section(text, position)) >= 0:
        piece, budget = _mended(text[position:start], budget)
        yield piece
        if budget < 0:
            return
        closing = "]]>" if text[start + 2] == "[" else "-->"
        end = text.find(closing, start + 4)
        position = end + 3 if end >= 0 else len(text)
        yield text[start:position]
    yield _mended(text[position:], budget)[0]


def _mended(piece: str, budget: int) -> tuple[str, int]:
    """Return a piece with its references mended and what is left of the budget; cut off where it is used up."""
    if piece.count("&") > budget:
        unsound = islice(_UNSOUND.finditer(piece), budget, None)
        if (one_too_many := next(unsound, None)) is not None:
            return _REFERENCE.sub(_meant, piece[: one_too_many.start()]), -1
    mended, count = _REFERENCE.subn(_meant, piece)
    return mended, budget - count


def _section(text: str, position: int) -> int:
    """Return where the next CDATA section or comment begins, or -1."""
    while (position := text.find("<!", position)) >= 0:
        if text.startswith(("<![CDATA[", "<!--"), position):
            return position
        position += 2
    return -1


def _meant(match: re.Match[str]) -> str:
    if name := match["name"]:
        characters = html5.get(name + ";", "")
        return "".join(_SPECIAL.get(c, c) for c in characters) if characters else f"&amp;{name};"
    if number := match["number"]:
        return _character(int(number))
    if number := match["hex"]:
        return _character(int(number, 16))
    return "&amp;"


def _character(number: int) -> str:
    """Return what a numeric reference means: C1 is cp1252, what XML forbids is nothing."""
    character = unescape(f"&#{number};")
    return "" if _ILLEGAL.search(character) else _SPECIAL.get(character, character)
