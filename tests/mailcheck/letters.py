"""The mails to be judged, as files: as sent, as received, as a page, and what a reader should find in them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path

from digest.mail.message import Message
from tests.mailcheck.zone import HOST, IP, RECEIVER
from tests.support.mail import read
from tests.support.mailroom import goldens


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail and its files: `sent` .eml, `received` with the receiver's lines on top, `single` with the RSA signature only."""

    name: str
    message: Message
    folder: Path

    @property
    def is_list(self) -> bool:
        """Whether it carries the headers of list mail."""
        return "List-Id" in read(self.message.data).names

    @property
    def sent(self) -> Path:
        """The bytes handed to the mail server."""
        return self.folder / f"{self.name}.eml"

    @property
    def received(self) -> Path:
        """The same as it lies in a mailbox."""
        return self.folder / f"{self.name}.received.eml"

    @property
    def single(self) -> Path:
        """A copy for verifiers that know one algorithm only."""
        return self.folder / f"{self.name}.rsa.eml"

    @property
    def page(self) -> Path:
        """The HTML part."""
        return self.folder / f"{self.name}.html"


def write(folder: Path, *, now: datetime, only: str = "") -> list[Letter]:
    """Make every mail whose name starts with `only`, dated `now`, and write its files."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = [
        Letter(name, message, folder) for name, message in goldens(dated_at=now) if name.startswith(only)
    ]
    for letter in letters:
        _write(letter, now)
    index = [_facts(letter) for letter in letters]
    (folder / "letters.json").write_text(json.dumps(index, ensure_ascii=False, indent=1), encoding="utf-8")
    return letters


def _write(letter: Letter, now: datetime) -> None:
    data = letter.message.data
    letter.sent.write_bytes(data)
    letter.received.write_bytes(b"".join(f"{line}\r\n".encode() for line in _stamps(letter, now)) + data)
    letter.single.write_bytes(_without_second_signature(data))
    mail = read(data)
    letter.page.write_text(mail.html, encoding="utf-8")
    letter.page.with_suffix(".txt").write_text(mail.text, encoding="utf-8")


def _stamps(letter: Letter, now: datetime) -> Iterator[str]:
    message = letter.message
    yield f"Return-Path: <{message.sender}>"
    yield f"Received: from {HOST} ({HOST} [{IP}])"
    yield f"\tby {RECEIVER} (Postfix) with ESMTPS id {letter.name}"
    yield f"\tfor <{message.recipient}>; {format_datetime(now)}"


def _without_second_signature(data: bytes) -> bytes:
    first, _, second = data.partition(b"\r\nDKIM-Signature: ")
    return first + b"\r\nDate: " + second.partition(b"\r\nDate: ")[2]


def _facts(letter: Letter) -> dict[str, str]:
    """What the scripts of Node need to know."""
    return {"name": letter.name, "sender": letter.message.sender, "html": read(letter.message.data).html}
