"""The built-in mail catcher: a real SMTP server on loopback that takes every mail and hands none on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aiosmtpd.smtp import SMTP, Envelope, Session

from digest.demo.mailbox import Mailbox

HOST: Final = "127.0.0.1"
_MAIL_SIZE: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class _Keeper:
    """What the server calls at the end of DATA."""

    mailbox: Mailbox
    clock: Callable[[], datetime]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - aiosmtpd's hook
        try:
            mail = self.mailbox.keep(
                envelope.original_content or b"",
                return_path=envelope.mail_from or "",
                recipients=tuple(envelope.rcpt_tos),
                now=self.clock(),
            )
        except OSError:
            return "452 4.3.1 the folder of the mail catcher cannot be written"
        return f"250 2.0.0 kept as {mail.number:04d}"


@asynccontextmanager
async def catching(mailbox: Mailbox, *, clock: Callable[[], datetime]) -> AsyncIterator[int]:
    """Take mails into `mailbox` while the block runs; gives the port on `HOST` that listens."""
    loop = asyncio.get_running_loop()

    def session() -> asyncio.Protocol:
        # A name of its own: otherwise each session asks the resolver what this machine is called.
        protocol: Any = SMTP(
            _Keeper(mailbox, clock), data_size_limit=_MAIL_SIZE, hostname="demo.localhost", loop=loop
        )
        return protocol  # type: ignore[no-any-return]  # aiosmtpd has no types

    server = await loop.create_server(session, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
