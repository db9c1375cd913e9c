"""Quoted-printable that every later stage may leave alone.

Lines of at most 76 octets, CRLF, 7-bit; no line starts with `.` or `From ` or ends in a space; no tab, no two spaces in a
row. So dot-stuffing changes nothing, a mail is safe in an mbox, and the body is its own relaxed DKIM form (RFC 6376 §3.4.4).
"""

import re
from binascii import b2a_qp
from functools import lru_cache

SOFT_BREAK = b"=\r\n"

# Three short of 76: two for an escape at the start of a line, one for the "=" at its end.
_WIDTH = 73
_RUN = re.compile(rb" (?= )")
_START = re.compile(rb"^(?:\.|F(?=rom ))", re.MULTILINE)


def encode(text: str) -> bytes:
    """The text in quoted-printable, decoding to exactly the text with CRLF for each LF.

    Raises UnicodeEncodeError for lone surrogates.
    """
    return b"\r\n".join([_line(line) for line in text.split("\n")])


@lru_cache(maxsize=8192)
def _line(text: str) -> bytes:
    """One line of the text; most lines of a shell come again in every mail."""
    # istext=False quotes CR too; the breaks it makes itself are taken out, a literal "=" is "=3D" by then.
    quoted = b2a_qp(text.encode(), istext=False).replace(b"=\n", b"").replace(b"\t", b"=09")
    if b"  " in quoted:
        quoted = _RUN.sub(b"=20", quoted)
    if quoted.endswith(b" "):
        quoted = quoted[:-1] + b"=20"
    broken = _broken(quoted)
    if broken.startswith((b".", b"From ")) or b"\n." in broken or b"\nFrom " in broken:
        return _START.sub(_escaped, broken)
    return broken


def ended(piece: bytes) -> bytes:
    """An encoded piece with its last physical line ended, so that the next piece starts a line of its own."""
    return piece if not piece or piece.endswith(b"\r\n") else piece + SOFT_BREAK


def _broken(line: bytes) -> bytes:
    """One line of the text with soft breaks, an escape never cut."""
    if len(line) <= _WIDTH:
        return line
    pieces = []
    position, last = 0, len(line) - _WIDTH
    while position < last:
        end = position + _WIDTH
        if line[end - 1] == 0x3D:
            end -= 1
        elif line[end - 2] == 0x3D:
            end -= 2
        pieces.append(line[position:end])
        position = end
    pieces.append(line[position:])
    return SOFT_BREAK.join(pieces)


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"=%02X" % found[0][0]
