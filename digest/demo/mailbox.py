"""A folder of caught mails: newest first, each also an `.eml` file, never more than a fixed number of them."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from email.utils import parseaddr
from functools import cached_property
from pathlib import Path
from typing import Final

LIMIT: Final = 500
_MARKS: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class CaughtMail:
    """One mail as it came over SMTP: the envelope, the exact bytes, and what a mail program reads in them."""

    number: int
    received_at: datetime
    return_path: str
    recipients: tuple[str, ...]
    raw: bytes

    @cached_property
    def subject(self) -> str:
        """The subject as shown."""
        return self.header("Subject")

    @cached_property
    def sender(self) -> str:
        """The name it says it is from, else the address."""
        name, address = parseaddr(self.header("From"))
        return name or address

    @cached_property
    def recipient(self) -> str:
        """The address it went to."""
        return self.recipients[0] if self.recipients else ""

    @cached_property
    def language(self) -> str:
        """The language it says it is written in, or nothing."""
        return self.header("Content-Language")

    @cached_property
    def html(self) -> str:
        """The HTML part, or nothing."""
        return self._part("html")

    @cached_property
    def text(self) -> str:
        """The text part, or nothing."""
        return self._part("plain")

    @cached_property
    def source(self) -> str:
        """Headers and body as they travelled."""
        return self.raw.decode("utf-8", errors="replace").replace("\r\n", "\n")

    @property
    def head(self) -> str:
        """The headers as they travelled."""
        return self.source.partition("\n\n")[0]

    def header(self, name: str) -> str:
        """One header, decoded; nothing if it is missing or cannot be read."""
        return str(self._message.get(name, ""))

    @cached_property
    def _message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=modern)

    def _part(self, kind: str) -> str:
        part = self._message.get_body(preferencelist=(kind,))
        if part is None:
            return ""
        try:
            return str(part.get_content())
        except (KeyError, LookupError, ValueError):
            return ""


@dataclass
class Mailbox:
    """The mails of one folder, which is made when missing; the oldest leaves, with its file, when `limit` is passed."""

    folder: Path
    limit: int = LIMIT
    _mails: deque[CaughtMail] = field(default_factory=deque, init=False)
    _caught: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[CaughtMail]:
        """Newest first."""
        return reversed(tuple(self._mails))

    def __len__(self) -> int:
        return len(self._mails)

    @property
    def caught(self) -> int:
        """How many mails ever came; the number of the newest."""
        return self._caught

    def keep(self, raw: bytes, *, return_path: str, recipients: tuple[str, ...], now: datetime) -> CaughtMail:
        """Take a mail in and write its file; raises `OSError` when the folder cannot be written."""
        mail = CaughtMail(self._caught + 1, now, return_path, recipients, raw)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file(mail).write_bytes(raw)
        self._caught += 1
        self._mails.append(mail)
        while len(self._mails) > self.limit:
            self._file(self._mails.popleft()).unlink(missing_ok=True)
        return mail

    def find(self, number: int) -> CaughtMail | None:
        """The mail with a number, unless it has left."""
        return next((mail for mail in self._mails if mail.number == number), None)

    def _file(self, mail: CaughtMail) -> Path:
        # A recipient is a stranger's text: of it only letters and digits reach the file system.
        who = _MARKS.sub("-", mail.recipient.partition("@")[0].lower()).strip("-")[:40]
        return self.folder / f"{mail.number:04d}-{who or 'mail'}.eml"
