"""One mail as bytes: fixed headers, this reader's headers, and a prepared content with its holes filled.

A mail is a pure function of (content, reader, letterhead, keys, date): composed twice it is the same, octet for octet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from hashlib import sha256

from digest.mail import scan
from digest.mail.dkim import Signer
from digest.mail.envelope import Envelope, sendable
from digest.mail.errors import SlotError
from digest.mail.headers import Mailbox, Uris, header
from digest.mail.parts import Prepared, prepare
from digest.mail.quoted import SOFT_BREAK, encode, ended
from digest.mail.slots import TEXT_SLOTS, TOKEN_SLOTS, Slot, fill

__all__ = ["Letterhead", "ListMail", "Message", "Prepared", "compose", "prepare"]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Message:
    """What the transport is handed: envelope sender, the one recipient, the whole mail, and its name for status reports."""

    sender: str
    recipient: str
    data: bytes
    envid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMail:
    """What makes a mail list mail: this reader's one-click URL and the campaign ("e12:daily:edition")."""

    unsubscribe: str
    campaign: str


@dataclass(frozen=True, kw_only=True)
class Letterhead:
    """What every mail of this sender has in common.

    `list_id` is a dotted name without angle brackets; `help_url` the page that mails a link; `archive_url` None without a
    public archive; `sender_id` 5 to 15 characters. Raises AddressError and HeaderError for what cannot stand in a header.
    """

    name: str
    address: str
    reply_to: str | None = None
    list_id: str | None = None
    list_name: str = ""
    help_url: str
    archive_url: str | None = None
    sender_id: str | None = None

    def __post_init__(self) -> None:
        sendable(self.address)
        _ = self.head, self.list_head  # a value that cannot stand in a header is told at start

    @cached_property
    def domain(self) -> str:
        """The sender's domain."""
        return self.address.rpartition("@")[2].lower()

    @cached_property
    def sender(self) -> bytes:
        """From."""
        return header("From", Mailbox(name=self.name, address=self.address))

    @cached_property
    def head(self) -> tuple[tuple[str, bytes], ...]:
        """What stands between Message-ID and the list headers."""
        if not self.reply_to:
            return ()
        return (("Reply-To", header("Reply-To", Mailbox(name="", address=sendable(self.reply_to)))),)

    @cached_property
    def list_head(self) -> tuple[tuple[str, bytes], ...]:
        """The list headers that are the same for everyone, List-Id first."""
        fields = [("List-Id", f"{self._list_name()}<{self.list_id or 'digest.' + self.domain}>")]
        fields += [("List-Help", f"<{self.help_url}>")]
        fields += [("List-Archive", f"<{self.archive_url}>")] if self.archive_url else []
        return tuple((name, header(name, value)) for name, value in fields)

    @cached_property
    def feedback_id(self) -> str:
        """The last field of Feedback-ID: the same in every mail of this sender."""
        return self.sender_id or "dg" + sha256(self.domain.encode()).hexdigest()[:8]

    def _list_name(self) -> str:
        return (
            f"{self.list_name} "
            if self.list_name.isascii() and self.list_name.isprintable() and self.list_name
            else ""
        )


Field = tuple[str, bytes]


def compose(
    prepared: Prepared,
    *,
    letterhead: Letterhead,
    envelope: Envelope,
    dated_at: datetime,
    slots: Mapping[Slot, str],
    list_mail: ListMail | None = None,
    signer: Signer | None = None,
) -> Message:
    """The finished mail. `dated_at` is aware; a resend repeats it and so every octet.

    Raises SlotError when a value is missing or does not fit, HeaderError when the block is not the expected one.
    """
    fields = _fields(prepared, letterhead, envelope, dated_at, list_mail)
    block = b"".join(written for _, written in fields)
    scan.expect(block, [name for name, _ in fields])
    body = _body(prepared, slots)
    if signer:
        joined = b"".join(body)
        block, body = signer.sign([written for _, written in fields], joined, at=dated_at) + block, [joined]
    data = b"".join((block, b"\r\n", *body))
    return Message(sender=envelope.return_path, recipient=envelope.recipient, data=data, envid=envelope.envid)


def _fields(
    prepared: Prepared,
    letterhead: Letterhead,
    envelope: Envelope,
    dated_at: datetime,
    list_mail: ListMail | None,
) -> list[Field]:
    """Every header field in its order, each once."""
    return [
        _common("Date", rfc5322_date(dated_at)),
        ("From", letterhead.sender),
        _field("To", envelope.recipient),
        ("Subject", prepared.subject),
        _field("Message-ID", envelope.message_id),
        *letterhead.head,
        *_list_fields(letterhead, envelope, list_mail),
        _AUTO_SUBMITTED,
        *([_PRECEDENCE] if list_mail else []),
        ("Content-Language", prepared.language),
        *zip(prepared.content_names, prepared.content_headers, strict=True),
    ]


def _list_fields(letterhead: Letterhead, envelope: Envelope, list_mail: ListMail | None) -> list[Field]:
    if list_mail is None:
        return []
    list_id, *others = letterhead.list_head
    uris = (list_mail.unsubscribe, *filter(None, [envelope.unsubscribe_mailto]))
    return [
        list_id,
        ("List-Unsubscribe", header("List-Unsubscribe", Uris(uris))),
        _ONE_CLICK,
        *others,
        _common("Feedback-ID", f"{list_mail.campaign}:{letterhead.feedback_id}"),
    ]


def _field(name: str, value: str) -> Field:
    return name, header(name, value)


_common = lru_cache(maxsize=64)(_field)
"""A field that many mails share."""


_AUTO_SUBMITTED = _field("Auto-Submitted", "auto-generated")
_PRECEDENCE = _field("Precedence", "bulk")
_ONE_CLICK = _field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")


def _body(prepared: Prepared, slots: Mapping[Slot, str]) -> list[bytes]:
    """The body with every hole filled, each value on physical lines of its own."""
    if not prepared.slots <= slots.keys():
        missing = sorted(slot.name.lower() for slot in prepared.slots - slots.keys())
        raise SlotError(f"no value for slot {', '.join(missing)}")
    pieces = list(prepared.pieces)
    for hole, positions in prepared.holes:
        value = _filled(hole.slot, slots[hole.slot], is_html=hole.is_html and hole.slot in TEXT_SLOTS)
        for position in positions:
            pieces[position] = value
    return pieces


@lru_cache(maxsize=64)
def _filled(slot: Slot, value: str, *, is_html: bool) -> bytes:
    """A value as it stands in the body; a token is its own quoted-printable. Raises SlotError."""
    filled = fill(slot, value, is_html=is_html)
    return filled.encode() + SOFT_BREAK if slot in TOKEN_SLOTS else ended(encode(filled))


@lru_cache(maxsize=16)
def rfc5322_date(at: datetime) -> str:
    """The moment in UTC, as the Date header wants it, whatever the locale."""
    at = at.astimezone(UTC)
    return f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M:%S} +0000"
