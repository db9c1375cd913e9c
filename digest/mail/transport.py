"""Opens connections to the mail relay and sends over them; the only place that knows aiosmtplib.

A connection is opened, secured and logged in by aiosmtplib, never downgraded. Where the server offers PIPELINING it is
then handed over to our own protocol, which saves three of four round trips and nearly all of the CPU; elsewhere
aiosmtplib's own commands send the mail. Both ways settle every mail with the same outcomes.
"""

import asyncio
import ssl
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from ipaddress import ip_address
from typing import cast

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

from digest.mail.outcome import Outcome, Outgoing, Phase, Reply, Verdict, outcome_of, untouched, words
from digest.mail.pipeline import Pipeline
from digest.mail.session import Gate, Session, Settle, Start, Take, Timeouts
from digest.mail.wire import LinkGoneError, Wire
from digest.settings import Tls

__all__ = ["Link", "LinkGoneError", "Relay", "RouteError", "Timeouts", "Tls", "connect", "pump"]


@dataclass(frozen=True, slots=True)
class Relay:
    """The server that takes our mail, and how to be let in."""

    host: str
    port: int
    tls: Tls = Tls.STARTTLS
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str | None = None
    hello_name: str = "localhost"


class RouteError(Exception):
    """The relay cannot be used now; no mail is to blame.

    `is_permanent` when only a person can mend it, `is_unreachable` when nobody answered at all.
    """

    def __init__(
        self,
        step: str,
        *,
        code: int | None = None,
        text: str = "",
        is_permanent: bool = False,
        is_unreachable: bool = False,
    ) -> None:
        super().__init__(f"{step}: {code or ''} {text}".strip())
        self.step = step
        self.code = code
        self.text = text
        self.is_permanent = is_permanent
        self.is_unreachable = is_unreachable


class Link:
    """One open connection. Use it from one task; after LinkGoneError it is of no use."""

    def __init__(self, sender: "Pipeline | _Stock", session: Session, *, is_pipelined: bool) -> None:
        self.session = session
        self.is_pipelined = is_pipelined
        self._sender = sender

    async def run(self, gate: Gate) -> None:
        """Send until there is nothing to take. Raises LinkGoneError."""
        await self._sender.run(gate)

    def is_spent(self, *, at: float) -> bool:
        """Whether its life is over: it takes no further mail. `at` is loop time."""
        return self.session.mails_left <= 0 or at >= self.session.retire_at

    async def quit(self) -> None:
        """Close politely."""
        await self._sender.quit()


async def pump(link: Link, *, take: Take, start: Start, settle: Settle) -> None:
    """Send mails over a link until `take()` gives None.

    `take() -> Outgoing | None`; `await start(mail)` is True when the dot may go, and is asked once the content is on its
    way; `settle(mail, outcome)` is called exactly once for each mail taken, in the order in which the dots went.
    Raises LinkGoneError when the link ended; every mail taken has been settled by then.
    """
    await link.run(Gate(take, start, settle))


async def connect(
    relay: Relay,
    *,
    timeouts: Timeouts | None = None,
    mails: int = 1000,
    life: timedelta = timedelta(minutes=10),
    tick: timedelta = timedelta(seconds=1),
) -> Link:
    """Open, secure and log in: EHLO, TLS, EHLO, AUTH. Raises RouteError; no password ever leaves in clear.

    The link takes at most `mails` mails within `life`; `tick` is how often its deadlines are looked at.
    """
    times = timeouts or Timeouts()
    _check_login(relay)
    client = _client(relay, times)
    with ExitStack() as on_failure:
        on_failure.callback(client.close)
        try:
            async with asyncio.timeout((times.connect + times.secure).total_seconds()):
                await _open(client, relay)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise _route_error(error) from None
        on_failure.pop_all()
    size = client.esmtp_extensions.get("size", "")
    session = Session(
        size_limit=int(size) if size.isdecimal() else 0,
        has_dsn=client.supports_extension("dsn"),
        mails_left=mails,
        retire_at=asyncio.get_running_loop().time() + life.total_seconds(),
    )
    if not client.supports_extension("pipelining"):
        return Link(_Stock(client, session, times), session, is_pipelined=False)
    return Link(Pipeline(_hand_over(client, tick), session, times), session, is_pipelined=True)


def _client(relay: Relay, times: Timeouts) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(
        hostname=relay.host,
        port=relay.port,
        use_tls=relay.tls is Tls.IMPLICIT,
        start_tls=relay.tls is Tls.STARTTLS,
        tls_context=None if relay.tls is Tls.NONE else _tls_context(relay.ca_file),
        local_hostname=relay.hello_name,
        timeout=times.connect.total_seconds(),
    )


async def _open(client: aiosmtplib.SMTP, relay: Relay) -> None:
    await client.connect()
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        await client.helo()
    if relay.username:
        await _log_in(client, relay)


async def _log_in(client: aiosmtplib.SMTP, relay: Relay) -> None:
    """One try with the first method both sides know: repeating a refused password locks accounts."""
    methods = {"plain": client.auth_plain, "login": client.auth_login, "cram-md5": client.auth_crammd5}
    for name, method in methods.items():
        if name in client.server_auth_methods:
            await method(relay.username, relay.password)
            return
    raise RouteError("auth", text="the server offers no login we know", is_permanent=True)


def _hand_over(client: aiosmtplib.SMTP, tick: timedelta) -> Wire:
    """Take the transport away from aiosmtplib; nothing the server said may be left behind in its buffer."""
    protocol = client.protocol
    if protocol is None or protocol._buffer:  # noqa: SLF001  # no public way to see it; a contract test pins it
        client.close()
        raise RouteError("connect", text="the server spoke out of turn")
    return Wire(cast("asyncio.Transport", protocol.transport), tick=tick)


def _check_login(relay: Relay) -> None:
    if relay.username and relay.tls is Tls.NONE and not _is_loopback(relay.host):
        raise RouteError("auth", text="a password needs TLS", is_permanent=True)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@cache
def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context


def _route_error(error: Exception) -> RouteError:
    """What went wrong on the way in, without the server's foreign words where they say nothing."""
    cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
    if isinstance(cause, ssl.SSLError):
        return RouteError("tls", text=cause.reason or "handshake failed", is_permanent=True)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        step = "auth" if isinstance(error, aiosmtplib.SMTPAuthenticationError) else "connect"
        said = words(error.message.encode("ascii", "replace"))
        return RouteError(step, code=error.code, text=said, is_permanent=error.code == 535)
    if "STARTTLS" in str(error):
        return RouteError("tls", text="not offered", is_permanent=True)
    is_unreachable = isinstance(error, aiosmtplib.SMTPConnectError | TimeoutError)
    return RouteError("connect", text=type(error).__name__, is_unreachable=is_unreachable)


class _Stock:
    """Sends with aiosmtplib's own connection, one round trip a command, for servers without PIPELINING."""

    def __init__(self, client: aiosmtplib.SMTP, session: Session, timeouts: Timeouts) -> None:
        self._client = client
        self._session = session
        self._command = timeouts.command.total_seconds()
        self._dot = timeouts.dot.total_seconds()

    async def run(self, gate: Gate) -> None:
        now = asyncio.get_running_loop().time
        while (mail := self._session.next_mail(gate, at=now())) is not None:
            outcome = untouched(Phase.LINK)
            try:
                outcome = await self._send(mail, gate)
            finally:
                gate.settle(mail, outcome)
            if not self._client.is_connected:
                raise LinkGoneError(outcome.phase.value)

    async def quit(self) -> None:
        try:
            await self._client.quit(timeout=2)
        except (aiosmtplib.SMTPException, OSError):
            pass
        finally:
            self._client.close()

    async def _send(self, mail: Outgoing, gate: Gate) -> Outcome:
        refusal = await self._offer(mail)
        if refusal is not None:
            return refusal
        protocol = self._client.protocol
        if protocol is None:
            return untouched(Phase.CONTENT)
        try:
            protocol.write(mail.data)
            if not await gate.start(mail):
                self._client.close()
                return untouched(Phase.GATE)
            protocol.write(b".\r\n")
        except (aiosmtplib.SMTPException, OSError):
            self._client.close()
            return untouched(Phase.CONTENT)
        return await self._landed(protocol)

    async def _landed(self, protocol: SMTPProtocol) -> Outcome:
        """The answer to the dot; without one nobody can know."""
        try:
            answer = await protocol.read_response(timeout=self._dot)
        except (aiosmtplib.SMTPException, OSError):
            self._client.close()
            return _LOST
        self._session.accepted += answer.code // 100 == 2
        if answer.code == 421 or answer.code // 100 not in (2, 4, 5):
            self._client.close()
        return outcome_of(_reply(answer), Phase.DOT) if answer.code // 100 in (2, 4, 5) else _LOST

    async def _offer(self, mail: Outgoing) -> Outcome | None:
        """MAIL, RCPT and DATA; None on 354 with the recipient accepted."""
        session = self._session
        try:
            answer = await self._say(b"MAIL", session.mail_from(mail))
            if answer.code // 100 != 2:
                self._client.close()
                return session.sender_refused(_reply(answer))
            answer = await self._say(b"RCPT", session.rcpt_to(mail))
            if answer.code // 100 != 2:
                return await self._refused(answer, Phase.RCPT)
            answer = await self._say(b"DATA")
            return None if answer.code == 354 else await self._refused(answer, Phase.DATA)
        except (aiosmtplib.SMTPException, OSError):
            self._client.close()
            return untouched(Phase.LINK)

    async def _say(self, *words: bytes | str) -> aiosmtplib.SMTPResponse:
        said = [word if isinstance(word, bytes) else word.encode("ascii") for word in words]
        return await self._client.execute_command(*said, timeout=self._command)

    async def _refused(self, answer: aiosmtplib.SMTPResponse, phase: Phase) -> Outcome:
        if answer.code // 100 not in (4, 5):
            self._client.close()
            return untouched(phase)
        if self._client.is_connected:
            await self._reset()
        return outcome_of(_reply(answer), phase)

    async def _reset(self) -> None:
        try:
            await self._client.rset(timeout=self._command)
        except (aiosmtplib.SMTPException, OSError):
            self._client.close()


_LOST = Outcome(Verdict.LOST, Phase.DOT)


def _reply(answer: aiosmtplib.SMTPResponse) -> Reply:
    return Reply(answer.code, answer.message.replace("\n", " ").encode("utf-8", "surrogateescape"))
