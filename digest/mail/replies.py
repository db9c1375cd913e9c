"""Reads a stream of SMTP replies (RFC 5321 §4.2), however the bytes are cut; anything that is not one is an error."""

import re
from collections.abc import MutableSequence
from functools import lru_cache
from typing import Final

from digest.mail.outcome import Reply

MAX_LINE: Final = 2048
MAX_LINES: Final = 100

_LINE: Final = re.compile(rb"([2-5][0-9]{2})(?:([ -])([^\r\n]*))?\r?")


class MalformedReplyError(ValueError):
    """The server sent something that is not a reply: the connection cannot be trusted any more."""


class ReplyReader:
    """Bytes in, complete replies out; keeps the rest. Bounded: 2,048 octets a line, 100 lines a reply."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._code = 0

    def feed(self, data: bytes, into: MutableSequence[Reply]) -> None:
        """Append the replies that these bytes complete, in order. Raises MalformedReplyError after what was good."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            reply, is_last = _read(line)
            if self._lines or not is_last:
                self._add(reply)
                reply = Reply(reply.code, b" ".join(self._lines))
            if is_last:
                self._lines = []
                into.append(reply)
        if len(self._rest) > MAX_LINE:
            raise MalformedReplyError("not an SMTP reply")

    def _add(self, reply: Reply) -> None:
        """One line of a reply of several."""
        if self._lines and reply.code != self._code:
            raise MalformedReplyError("lines of one reply differ in code")
        if len(self._lines) >= MAX_LINES:
            raise MalformedReplyError("reply too long")
        self._code = reply.code
        self._lines.append(reply.text)


@lru_cache(maxsize=64)
def _read(line: bytes) -> tuple[Reply, bool]:
    """A line without its LF, and whether it is its reply's last; remembered, since a server repeats itself."""
    match = _LINE.fullmatch(line) if len(line) <= MAX_LINE else None
    if match is None:
        raise MalformedReplyError("not an SMTP reply")
    code, mark, text = match.groups()
    return Reply(int(code), text or b""), mark != b"-"
