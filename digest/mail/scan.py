"""The last look at a header block, by rules of its own: what was meant stands there, in order, and nothing else."""

import re
from collections.abc import Sequence
from functools import lru_cache

from digest.mail.errors import HeaderError

_LEGAL = re.compile(rb"[\x20-\x7e]{1,998}")


def expect(block: bytes, names: Sequence[str]) -> None:
    """Pass if `block` is exactly the fields `names` in order, ASCII, CRLF, no line over 998 octets. Raises HeaderError."""
    if not block.endswith(b"\r\n"):
        raise HeaderError("the header block does not end in CRLF")
    found = [name for line in block[:-2].split(b"\r\n") if (name := _field_name(line))]
    if found != list(names):
        raise HeaderError("the header block does not hold the expected fields in order")


@lru_cache(maxsize=256)
def _field_name(line: bytes) -> str:
    """The name of the field that begins in this line, "" where one goes on; most lines are the same in every mail.

    Raises HeaderError unless it is printable ASCII, neither blank nor over-long, and a continuation or a field.
    """
    if not _LEGAL.fullmatch(line) or line.isspace():
        raise HeaderError("the header block holds a blank, over-long or unprintable line")
    if line[0] == 0x20:
        return ""
    name, colon, _ = line.partition(b": ")
    if not colon:
        raise HeaderError("the header block holds a line that is no field")
    return name.decode("ascii")
