"""Quoted-printable that every later stage may leave alone.

Lines of at most 76 octets, CRLF, 7-bit; no line starts with `.` or `From ` or ends in a space; no tab, no two spaces in a
row. So dot-stuffing changes nothing, a mail is safe in an mbox, and the body is its own relaxed DKIM form (RFC 6376 §3.4.4).
"""

import re
from binascii import b2a_qp

# Of the 76 octets a line may have, one is kept for the "=" of a soft break, whoever puts it there.
_WIDTH = 75
SOFT_BREAK = b"=\r\n"

_RUN = re.compile(rb" (?= )")
# What may not stand at the start of a line, and what stands there instead.
_STARTS = {b".": b"=2E", b"From ": b"=46rom "}


def encode(text: str) -> bytes:
    """The text in quoted-printable, decoding to exactly the text with CRLF for each LF. Raises UnicodeEncodeError for lone surrogates."""
    # istext=False quotes CR and LF alike, so a line end of the text is told from a lone CR; a literal "=" is "=3D" by then.
    quoted = b2a_qp(text.encode(), istext=False).replace(b"=\r\n", b"").replace(b"=\n", b"")
    quoted = _RUN.sub(b"=20", quoted.replace(b"\t", b"=09"))
    lines = quoted.replace(b" =0A", b"=20=0A").split(b"=0A")
    if lines[-1].endswith(b" "):
        lines[-1] = lines[-1][:-1] + b"=20"
    return b"\r\n".join(map(_folded, lines))


def _folded(line: bytes) -> bytes:
    """One line of the text as lines of at most 76 octets; an escape is never cut."""
    if len(line) <= _WIDTH and line[:1] not in b".F":
        return line
    pieces = []
    position = 0
    while True:
        start, position = _start(line, position)
        end = position + _WIDTH - len(start)
        if end >= len(line):
            pieces.append(start + line[position:])
            return SOFT_BREAK.join(pieces)
        escape = line.rfind(b"=", end - 2, end)
        end = end if escape < 0 else escape
        pieces.append(start + line[position:end])
        position = end


def _start(line: bytes, position: int) -> tuple[bytes, int]:
    """What the physical line at `position` starts with, and where the rest goes on."""
    for start, instead in _STARTS.items():
        if line.startswith(start, position):
            return instead, position + len(start)
    return b"", position


def ended(piece: bytes) -> bytes:
    """An encoded piece with its last physical line ended, so that the next piece starts a line of its own."""
    return piece if not piece or piece.endswith(b"\r\n") else piece + SOFT_BREAK
