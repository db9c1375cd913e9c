"""What is agreed on one connection: the server's extensions, our limits, and how an envelope is written.

Addresses go onto the wire octet for octet as they are stored, or not at all: they are checked, never repaired.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from digest.mail.outcome import Outcome, Outgoing, Phase, Reply, Verdict, untouched

Take = Callable[[], Outgoing | None]
Start = Callable[[Outgoing], Awaitable[bool]]
Settle = Callable[[Outgoing, Outcome], None]

_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-][A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{0,63}@[A-Za-z0-9][A-Za-z0-9.-]{0,252}"
)
_XTEXT = re.compile(r"[+=]")


class Gate(NamedTuple):
    """The three questions a connection asks: what next, may the dot go, and here is what became of it."""

    take: Take
    start: Start
    settle: Settle


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each step may take (RFC 5321 §4.5.3.2 for the dot)."""

    connect: timedelta = timedelta(seconds=15)
    secure: timedelta = timedelta(seconds=30)
    command: timedelta = timedelta(seconds=60)
    dot: timedelta = timedelta(seconds=600)
    quit: timedelta = timedelta(seconds=2)


@dataclass(slots=True)
class Session:
    """One connection's agreement with the server and how much of its life is used."""

    size_limit: int = 0
    """Octets the server takes (RFC 1870); 0 = it did not say."""
    has_dsn: bool = False
    mails_left: int = 1000
    retire_at: float = field(default=float("inf"))
    """Loop time after which no further mail is taken."""
    accepted: int = 0
    is_full: bool = False
    """The server took some mails and then said 421 to the next: so many a connection is all it wants."""

    def next_mail(self, gate: Gate, *, at: float) -> Outgoing | None:
        """The next mail that can be offered here; those that never can be are settled on the way."""
        while self.mails_left > 0 and at < self.retire_at and (mail := gate.take()) is not None:
            refusal = self._refusal(mail)
            if refusal is None:
                self.mails_left -= 1
                return mail
            gate.settle(mail, refusal)
        return None

    def sender_refused(self, answer: Reply) -> Outcome:
        """What MAIL refused means: the route's fault, or no more than the end of this connection."""
        self.is_full = answer.code == 421 and self.accepted > 0
        return untouched(Phase.LINK if self.is_full else Phase.MAIL, answer)

    def envelope(self, mail: Outgoing) -> bytes:
        """MAIL, RCPT and DATA of one mail as one group; DATA stands last, as RFC 2920 demands."""
        group = f"MAIL {self.mail_from(mail)}\r\nRCPT {self.rcpt_to(mail)}\r\nDATA\r\n"
        return group.encode("ascii")

    def mail_from(self, mail: Outgoing) -> str:
        """What follows MAIL: the size where it is understood, and what a bounce shall bring back."""
        size = f" SIZE={len(mail.data)}" if self.size_limit else ""
        report = f" RET=HDRS ENVID=d{mail.delivery_id}" if self.has_dsn else ""
        return f"FROM:<{mail.sender}>{size}{report}"

    def rcpt_to(self, mail: Outgoing) -> str:
        """What follows RCPT, with the address a bounce shall name (RFC 3461)."""
        report = f" ORCPT=rfc822;{_XTEXT.sub(_escaped, mail.recipient)}" if self.has_dsn else ""
        return f"TO:<{mail.recipient}>{report}"

    def _refusal(self, mail: Outgoing) -> Outcome | None:
        if not (_ADDRESS.fullmatch(mail.recipient) and _ADDRESS.fullmatch(mail.sender)):
            return Outcome(Verdict.REFUSED, Phase.LOCAL, None, "5.1.3", "address")
        if self.size_limit and len(mail.data) > self.size_limit:
            return Outcome(Verdict.REFUSED, Phase.LOCAL, 552, "5.3.4", "larger than the server takes")
        if not mail.data.endswith(b"\r\n"):
            return Outcome(Verdict.REFUSED, Phase.LOCAL, None, "5.6.0", "not fit for the wire")
        return None


def _escaped(match: re.Match[str]) -> str:
    return f"+{ord(match.group()):02X}"
