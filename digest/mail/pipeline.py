"""The pipelined dialogue (RFC 2920): the end of one mail, the next envelope and its DATA travel in one write.

The gate: a mail's dot is written only after `start` said so, and `start` is asked after the previous mail was settled,
so a connection never has more than one mail that may have arrived without being marked. When the dot is refused the
connection is closed; a lone dot is sent only where the server has refused the recipient, so that nobody can get it.
"""

import asyncio
from collections import deque
from typing import NoReturn

from digest.mail.outcome import Outcome, Outgoing, Phase, Reply, Verdict, outcome_of, untouched
from digest.mail.session import Gate, Session, Timeouts
from digest.mail.wire import LinkGoneError, Wire

_DOT = b".\r\n"
_RSET = b"RSET\r\n"


class Pipeline:
    """Sends mails over one wire, one after the other; each one taken is settled exactly once."""

    def __init__(self, wire: Wire, session: Session, timeouts: Timeouts) -> None:
        self._wire = wire
        self._session = session
        self._timeouts = timeouts
        self._now = asyncio.get_running_loop().time
        self._prefix: deque[bool] = deque()
        """Answers due before the next envelope's; True where only 2xx will do."""
        self._needs_reset = False
        self._flying: Outgoing | None = None
        """Its dot is written, the answer is not here."""
        self._current: Outgoing | None = None
        """Its envelope is written."""
        self._following: Outgoing | None = None
        """Taken; nothing of it is written."""
        self._phase = Phase.LINK

    async def run(self, gate: Gate) -> None:
        """Take and send until there is nothing more to take. Raises LinkGoneError; all that was taken is settled."""
        try:
            while await self._step(gate):
                pass
        finally:
            self._abandon(gate)

    async def quit(self) -> None:
        """Say goodbye and close; a server that does not answer is closed on."""
        try:
            self._wire.write(b"QUIT\r\n")
            while (await self._wire.reply(self._timeouts.quit)).code != 221:
                pass
        except LinkGoneError:
            pass
        finally:
            self._wire.end("quit")

    async def _step(self, gate: Gate) -> bool:
        if self._flying is not None:
            await self._land(self._flying, gate)
        if self._current is None:
            self._current = self._session.next_mail(gate, at=self._now())
            if self._current is None:
                return False
            self._wire.write(self._envelope(self._current))
        if await self._is_invited(self._current, gate):
            await self._deliver(self._current, gate)
        return True

    async def _land(self, mail: Outgoing, gate: Gate) -> None:
        """Read the answer to the dot; it alone says what became of the mail."""
        reply = await self._wire.reply(self._timeouts.dot)
        if reply.code // 100 == 3:
            self._break("no answer to the dot")
        self._flying = None
        self._session.accepted += reply.code // 100 == 2
        gate.settle(mail, outcome_of(reply, Phase.DOT))
        self._check_alive(reply)

    async def _is_invited(self, mail: Outgoing, gate: Gate) -> bool:
        """Read the answers to MAIL, RCPT, DATA: True on 354 with the recipient accepted, else the mail is settled."""
        await self._read_prefix()
        answer = await self._wire.reply(self._timeouts.command)
        if answer.code // 100 != 2:
            self._close_on(mail, gate, self._session.sender_refused(answer))
        answer = await self._wire.reply(self._timeouts.command)
        if answer.code // 100 != 2:
            self._refused(mail, gate, answer, Phase.RCPT)
            await self._read_data_to_nobody()
            return False
        answer = await self._wire.reply(self._timeouts.command)
        if answer.code != 354:
            self._refused(mail, gate, answer, Phase.DATA)
        return answer.code == 354

    async def _deliver(self, mail: Outgoing, gate: Gate) -> None:
        """Send the content, ask for the dot, and write it together with the next envelope."""
        self._phase = Phase.CONTENT
        self._wire.write(mail.data)
        asking = gate.start(mail)
        self._following = self._session.next_mail(gate, at=self._now())
        if not await asking:
            self._close_on(mail, gate, untouched(Phase.GATE))
        await self._wire.drained(self._timeouts.command)
        if self._wire.has_reply:
            self._answered_early(mail, gate, await self._wire.reply(self._timeouts.command))
        group = b"" if self._following is None else self._envelope(self._following)
        self._wire.write(_DOT + group)
        self._phase = Phase.LINK
        self._flying, self._current, self._following = mail, self._following, None

    def _envelope(self, mail: Outgoing) -> bytes:
        group = self._session.envelope(mail)
        if not self._needs_reset:
            return group
        self._needs_reset = False
        self._prefix.append(True)
        return _RSET + group

    async def _read_prefix(self) -> None:
        while self._prefix:
            reply = await self._wire.reply(self._timeouts.command)
            if self._prefix.popleft() and reply.code // 100 != 2:
                self._break("RSET refused")

    async def _read_data_to_nobody(self) -> None:
        """A server may say 354 all the same: an empty mail to nobody ends it, and its answer is dropped."""
        reply = await self._wire.reply(self._timeouts.command)
        self._check_alive(reply)
        if reply.code == 354:
            self._wire.write(_DOT)
            self._prefix.append(False)

    def _refused(self, mail: Outgoing, gate: Gate, reply: Reply, phase: Phase) -> None:
        if reply.code // 100 not in (4, 5):
            self._break("unexpected answer")
        self._current = None
        self._needs_reset = True
        gate.settle(mail, outcome_of(reply, phase))
        self._check_alive(reply)

    def _answered_early(self, mail: Outgoing, gate: Gate, reply: Reply) -> NoReturn:
        """An answer before the dot refuses the mail; the dot is never written."""
        if reply.code // 100 in (4, 5):
            self._close_on(mail, gate, outcome_of(reply, Phase.CONTENT))
        self._break("unasked answer")

    def _close_on(self, mail: Outgoing, gate: Gate, outcome: Outcome) -> NoReturn:
        self._current = None
        gate.settle(mail, outcome)
        self._break(outcome.phase.value)

    def _check_alive(self, reply: Reply) -> None:
        if reply.code == 421:
            self._break("421")

    def _break(self, reason: str) -> NoReturn:
        self._wire.end(reason)
        raise LinkGoneError(reason)

    def _abandon(self, gate: Gate) -> None:
        """Settle what is left: past the dot a mail is lost, before it nothing happened."""
        if self._flying is not None:
            gate.settle(self._flying, Outcome(Verdict.LOST, Phase.DOT))
        if self._current is not None:
            gate.settle(self._current, untouched(self._phase))
        if self._following is not None:
            gate.settle(self._following, untouched(Phase.LINK))
        self._flying = self._current = self._following = None
