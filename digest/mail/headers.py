"""The one writer of header bytes. Text from a feed, form or setting can never add, end or change a header.

Foreign text is cleaned, then goes out as it is (printable ASCII without `=?`) or as RFC 2047 words; a value that looks like an
encoded word is itself encoded, so it is shown literally and decoded by nobody. Every other value must be printable ASCII.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from digest.mail.encoded import encoded_words
from digest.mail.errors import HeaderError

_FOLD = "\r\n "
_WIDTH = 78  # RFC 5322 §2.1.1
_ENCODED_WIDTH = 76  # RFC 2047 §2: a line that holds encoded words
_NAME = re.compile(r"[A-Z][A-Za-z-]+")
_PLAIN = re.compile(r"[\x20-\x7e]+")
_NO_URI = re.compile(r"[\s<>,]")
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_DIRTY = re.compile(
    "[\\s\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """Who a mail is from: a name people see (may be empty), and an ASCII address."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Text:
    """Foreign text for a Subject; cleaned and, where needed, encoded when written."""

    value: str


@dataclass(frozen=True, slots=True)
class Uris:
    """Addresses for a List- header, each put in angle brackets and never broken."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Folded:
    """ASCII pieces in order; a line may end between two of them, nowhere else."""

    pieces: tuple[str, ...]


Value = str | Text | Mailbox | Uris | Folded


def cleaned(text: str, *, limit: int) -> str:
    """One line of at most `limit` characters: NFC, without controls, bidi marks, surrogates and non-characters."""
    line = unicodedata.normalize("NFC", _DIRTY.sub(" ", text)).strip()
    return line if len(line) <= limit else line[:limit].rstrip()


def header(name: str, value: Value) -> bytes:
    """The header field with its CRLF. Raises HeaderError for anything that could not stand there unharmed."""
    if not _NAME.fullmatch(name):
        raise HeaderError(f"{name!r} is no header name")
    line = f"{name}: {_written(name, value)}\r\n"
    if len(line) > 1000 and max(map(len, line.split("\r\n"))) > 998:
        raise HeaderError(f"{name} is longer than the 998 octets of a line")
    return line.encode("ascii")


def _written(name: str, value: Value) -> str:
    room = _WIDTH - len(name) - 2
    match value:
        case str():
            return _plain(name, value)
        case Text():
            return _words(_not_empty(name, cleaned(value.value, limit=998)), room=room)
        case Mailbox():
            return _mailbox(name, value, room=room)
        case Uris():
            return _uris(name, value)
        case Folded():
            return _lines([_plain(name, piece) for piece in value.pieces], room=room, between="")


def _not_empty(name: str, value: str) -> str:
    if not value:
        raise HeaderError(f"{name} is empty")
    return value


def _plain(name: str, value: str) -> str:
    """Printable ASCII that no reader takes for an encoded word."""
    if not _PLAIN.fullmatch(value) or "=?" in value or value.strip(" ") == "":
        raise HeaderError(f"{name} must be printable ASCII and hold no encoded word")
    return value


def _mailbox(name: str, mailbox: Mailbox, *, room: int) -> str:
    address = f"<{_plain(name, mailbox.address)}>"
    if not (words := cleaned(mailbox.name, limit=64)):
        return address
    phrase = words if _PHRASE.fullmatch(words) and "=?" not in words else _quoted_or_encoded(words, room=room)
    last = len(phrase.rpartition(_FOLD)[2])
    between = _FOLD if last + 1 + len(address) > room else " "
    return f"{phrase}{between}{address}"


def _quoted_or_encoded(words: str, *, room: int) -> str:
    if _is_ascii_word(words):
        escaped = words.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return _encoded(words, room=room)


def _uris(name: str, value: Uris) -> str:
    for uri in value.values:
        if _NO_URI.search(_plain(name, uri)):
            raise HeaderError(f"{name} holds an address with a space, comma or angle bracket")
    return f",{_FOLD}".join(f"<{uri}>" for uri in value.values)


def _is_ascii_word(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text)) and "=?" not in text


def _words(text: str, *, room: int) -> str:
    """ASCII folded at its spaces where that keeps every line short; anything else as encoded words."""
    words = text.split(" ")
    if _is_ascii_word(text) and all(len(word) < room for word in words):
        return _lines(words, room=room, between=" ")
    return _encoded(text, room=room)


def _lines(pieces: Iterable[str], *, room: int, between: str) -> str:
    """The pieces, with a line end wherever the next one would pass the width."""
    written, used = "", 0
    for piece in pieces:
        if used and used + len(between) + len(piece) > room:
            start = piece.lstrip(" ")
            written, used, room = written + _FOLD + start, len(start), _WIDTH - 1
        else:
            step = (between if used else "") + piece
            written, used = written + step, used + len(step)
    return written


def _encoded(text: str, *, room: int) -> str:
    return _FOLD.join(encoded_words(text, first=room - (_WIDTH - _ENCODED_WIDTH)))
