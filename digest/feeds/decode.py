"""Bytes to text: which encoding a document is really in, whatever its labels say.

Never raises. The bytes are believed more than the labels, because most wrong feeds are UTF-8 with a wrong label, or
UTF-8 with one damaged character; neither may turn a whole feed into mojibake.
"""

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_PROLOG = re.compile(rb"""\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_TEXT_CODEC = re.compile(
    r"iso8859-\d+|cp\d+|koi8-[rut]|mac-\w+|gb2312|gbk|gb18030|big5\w*|euc_\w+|shift_jis\w*|johab|tis-620|hz|utf-\d+(-[lb]e)?"
)
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
"""What writers of a label mean when they use the characters that its encoding does not have."""


def decode(body: bytes, *, content_type: str | None = None) -> str:
    """Return the document as text without a byte order mark; what cannot be read becomes U+FFFD."""
    encoding = _marked(body)
    if encoding:
        return body.decode(encoding, "replace").removeprefix("\ufeff")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode(_guessed(body, content_type), "replace")


def _marked(body: bytes) -> str:
    return next((encoding for mark, encoding in _MARKS if body.startswith(mark)), "")


def _guessed(body: bytes, content_type: str | None) -> str:
    damaged, intact = _utf8_characters(body)
    is_utf8 = intact > damaged  # chance makes a few in any encoding, never most
    if is_utf8 and damaged <= len(body) // 1000:
        return "utf-8"
    for label in _labels(body, content_type):
        codec = _codec(label)
        if codec and (is_utf8 or not codec.startswith("utf-")):
            return codec
    return "cp1252"


def _utf8_characters(body: bytes) -> tuple[int, int]:
    """Count the places that are not UTF-8, and the characters beyond ASCII that are."""
    text = body.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    return damaged, len(text) - len(text.encode("ascii", "ignore")) - damaged


def _labels(body: bytes, content_type: str | None) -> list[str]:
    prolog = _PROLOG.match(body)
    charset = _CHARSET.search(content_type or "")
    inside = prolog[1].decode("ascii", "ignore") if prolog else ""
    return [inside, charset[1] if charset else ""]


def _codec(label: str) -> str:
    """Return Python's name for an encoding of text that a label means, or `""`; never a converter such as zlib."""
    try:
        name = codecs.lookup(label or "?").name
    except (LookupError, ValueError):
        return ""
    name = _WIDER.get(name, name)
    return name if _TEXT_CODEC.fullmatch(name) else ""
