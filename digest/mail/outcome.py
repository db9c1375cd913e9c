"""What became of one mail on one connection: small values that the transport makes and delivery decides about."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

REPLY_LIMIT = 200
"""Characters of a server's words that are worth keeping."""

_ENHANCED = re.compile(rb"([245]\.\d{1,3}\.\d{1,3})(?:[ \t]|$)")
_UNPRINTABLE = re.compile(rb"[^\x20-\x7e]+")


class Verdict(StrEnum):
    """How an attempt ended; `lost` means that nobody can know, `untouched` that nothing was asked of this mail."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    LOST = "lost"
    UNTOUCHED = "untouched"


class Phase(StrEnum):
    """Where in the dialogue it ended. `local` is before any byte, `gate` is a dot that was not allowed."""

    LOCAL = "local"
    LINK = "link"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    CONTENT = "content"
    GATE = "gate"
    DOT = "dot"


class Outgoing(NamedTuple):
    """One mail, ready to go, with its two envelope addresses.

    Whoever makes `data` vouches for it, once per content: CRLF lines of 7 bits, none starting with a dot, so that
    dot-stuffing (RFC 5321 §4.5.2) would change nothing. `is_stuffed_already` is the check.
    """

    delivery_id: int
    sender: str
    recipient: str
    data: bytes


def is_stuffed_already(data: bytes) -> bool:
    """Whether these bytes may go onto the wire as they are: no line starts with a dot, no bare CR or LF."""
    bare = data.replace(b"\r\n", b"")
    return data[:1] != b"." and b"\n." not in data and b"\n" not in bare and b"\r" not in bare


class Reply(NamedTuple):
    """A server's complete answer: its code and the words of all its lines, joined by a space."""

    code: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one attempt: verdict, phase, codes (RFC 5321 and RFC 3463) and the server's words."""

    verdict: Verdict
    phase: Phase
    code: int | None = None
    enhanced: str = ""
    text: str = ""


def words(text: bytes) -> str:
    """A server's words, made fit to be stored: printable ASCII, at most 200 characters."""
    said = text[:1000]
    if not (said.isascii() and (plain := said.decode("ascii")).isprintable()):
        plain = _UNPRINTABLE.sub(b" ", said).decode("ascii")
    return plain.strip()[:REPLY_LIMIT]


def outcome_of(reply: Reply, phase: Phase) -> Outcome:
    """The outcome that a 2xx, 4xx or 5xx answer means in a phase where the mail itself was asked about."""
    return Outcome(_VERDICTS[reply.code // 100], phase, reply.code, _enhanced(reply.text), words(reply.text))


def untouched(phase: Phase, reply: Reply | None = None) -> Outcome:
    """Nothing was asked of this mail; `reply` is what the route answered instead, if it did."""
    if reply is None:
        return Outcome(Verdict.UNTOUCHED, phase)
    return Outcome(Verdict.UNTOUCHED, phase, reply.code, _enhanced(reply.text), words(reply.text))


def _enhanced(text: bytes) -> str:
    match = _ENHANCED.match(text)
    return match.group(1).decode("ascii") if match else ""


_VERDICTS = {2: Verdict.ACCEPTED, 4: Verdict.DEFERRED, 5: Verdict.REFUSED}
