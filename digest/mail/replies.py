"""Reads a stream of SMTP replies (RFC 5321 §4.2), however the bytes are cut; anything that is not one is an error."""

import re
from collections.abc import Iterator

from digest.mail.outcome import Reply

MAX_LINE = 2048
MAX_LINES = 100

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])([^\r\n]*))?\r?\n")


class MalformedReplyError(ValueError):
    """The server sent something that is not a reply: the connection cannot be trusted any more."""


class ReplyReader:
    """Bytes in, complete replies out; keeps the rest. Bounded: 2,048 octets a line, 100 lines a reply."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._code = b""

    def feed(self, data: bytes) -> Iterator[Reply]:
        """The replies that these bytes complete, in order. Raises MalformedReplyError."""
        buffer = self._rest + data if self._rest else data
        position = 0
        while match := _LINE.match(buffer, position):
            position = match.end()
            reply = self._line(*match.groups())
            if reply is not None:
                yield reply
        self._rest = buffer[position:]
        if b"\n" in self._rest or len(self._rest) > MAX_LINE:
            raise MalformedReplyError("not an SMTP reply")

    def _line(self, code: bytes, mark: bytes | None, text: bytes | None) -> Reply | None:
        if len(text or b"") > MAX_LINE or len(self._lines) >= MAX_LINES:
            raise MalformedReplyError("reply too long")
        if self._lines and code != self._code:
            raise MalformedReplyError("lines of one reply differ in code")
        if mark != b"-" and not self._lines:
            return Reply(int(code), text or b"")
        self._code = code
        self._lines.append(text or b"")
        return None if mark == b"-" else self._complete()

    def _complete(self) -> Reply:
        reply = Reply(int(self._code), b" ".join(self._lines))
        self._lines = []
        return reply
