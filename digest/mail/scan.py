"""The last look at a header block, by rules of its own: what was meant stands there, in order, and nothing else."""

from collections.abc import Sequence

from digest.mail.errors import HeaderError

_LEGAL = frozenset(range(0x20, 0x7F))


def expect(block: bytes, names: Sequence[str]) -> None:
    """Pass if `block` is exactly the fields `names` in order, ASCII, CRLF, no line over 998 octets. Raises HeaderError."""
    if not block.endswith(b"\r\n"):
        raise HeaderError("the header block does not end in CRLF")
    lines = block[:-2].split(b"\r\n")
    for line in lines:
        _expect_line(line)
    found = [line.split(b":", 1)[0].decode("ascii") for line in lines if line[0] != 0x20]
    if found != list(names):
        raise HeaderError("the header block does not hold the expected fields in order")


def _expect_line(line: bytes) -> None:
    """Printable ASCII, neither blank nor over-long, and a continuation or a field."""
    if not line.strip() or len(line) > 998 or not _LEGAL.issuperset(line):
        raise HeaderError("the header block holds a blank, over-long or unprintable line")
    if line[0] != 0x20 and b": " not in line:
        raise HeaderError("the header block holds a line that is no field")
