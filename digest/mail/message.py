"""One mail as bytes: fixed headers, this reader's headers, and a prepared content with its holes filled.

A mail is a pure function of (content, reader, letterhead, keys, date): composed twice it is the same, octet for octet.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import NamedTuple

from digest.mail import scan
from digest.mail.dkim import Signer
from digest.mail.envelope import Envelope, sendable
from digest.mail.errors import HeaderError, SlotError
from digest.mail.headers import Mailbox, header
from digest.mail.parts import Prepared, prepare
from digest.mail.quoted import SOFT_BREAK, encode, ended
from digest.mail.slots import TEXT_SLOTS, Slot, fill

__all__ = ["Form", "Letterhead", "ListMail", "Message", "Prepared", "compose", "prepare"]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Message(NamedTuple):
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
        if not 5 <= len(self.feedback_id) <= 15:
            raise HeaderError("the sender's name in Feedback-ID has 5 to 15 characters")
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
    """One finished mail of a content. `dated_at` is aware; a resend repeats it and so every octet.

    Raises SlotError when a value is missing or does not fit, HeaderError when the block is not the expected one.
    """
    form = Form(
        prepared, letterhead=letterhead, campaign=list_mail.campaign if list_mail else None, signer=signer
    )
    unsubscribe = list_mail.unsubscribe if list_mail else ""
    return form.fill(envelope, dated_at=dated_at, slots=slots, unsubscribe=unsubscribe)


class Form:
    """A content on its sender's paper: what its readers share is written and looked at once, what is one's own filled in.

    `campaign` makes it list mail ("e12:daily:edition"). Raises HeaderError when the block is not the expected one.
    """

    def __init__(
        self,
        prepared: Prepared,
        *,
        letterhead: Letterhead,
        campaign: str | None = None,
        signer: Signer | None = None,
    ) -> None:
        self._signer = signer
        self._is_list = campaign is not None
        fields = _fields(prepared, letterhead, campaign)
        scan.expect(
            b"".join(written or _SAMPLE % name.encode() for name, written in fields), [n for n, _ in fields]
        )
        self._fields = [written for _, written in fields]
        self._own = [(name, place) for place, (name, written) in enumerate(fields) if not written]
        self._meant = re.compile(
            b"".join(re.escape(written) if written else _OWN[name] for name, written in fields)
        )
        self._pieces = (b"", b"\r\n", *prepared.pieces)
        self._needs = prepared.slots
        self._tokens: dict[Slot, list[int]] = {}
        self._texts: list[tuple[Slot, bool, list[int]]] = []
        for hole, found in prepared.holes:
            places = [place + 2 for place in found]
            if hole.slot in TEXT_SLOTS:
                self._texts.append((hole.slot, hole.is_html, places))
            else:
                self._tokens.setdefault(hole.slot, []).extend(places)

    def fill(
        self, envelope: Envelope, *, dated_at: datetime, slots: Mapping[Slot, str], unsubscribe: str = ""
    ) -> Message:
        """One reader's mail; `unsubscribe` is this reader's one-click URL. Raises SlotError, HeaderError."""
        fields = self._head(envelope, dated_at, unsubscribe)
        block = b"".join(fields)
        if not self._meant.fullmatch(block):
            raise HeaderError("the header block does not hold the expected fields in order")
        pieces = self._body(slots)
        if self._signer:
            body = b"".join(pieces[2:])
            pieces = [b"", b"\r\n", body]
            block = self._signer.sign(fields, body, at=dated_at) + block
        pieces[0] = block
        return Message(envelope.return_path, envelope.recipient, b"".join(pieces), envelope.envid)

    def _head(self, envelope: Envelope, dated_at: datetime, unsubscribe: str) -> list[bytes]:
        """The header fields with this reader's own; the block is matched as a whole before it goes anywhere."""
        own = {
            "Date": _date_field(dated_at),
            "To": f"To: {envelope.recipient}\r\n",
            "Message-ID": f"Message-ID: {envelope.message_id}\r\n",
        }
        if self._is_list:
            mailto = envelope.unsubscribe_mailto
            also = f",\r\n <{mailto}>" if mailto else ""
            own["List-Unsubscribe"] = f"List-Unsubscribe: <{unsubscribe}>{also}\r\n"
        fields = self._fields.copy()
        for name, place in self._own:
            fields[place] = own[name].encode()
        return fields

    def _body(self, slots: Mapping[Slot, str]) -> list[bytes]:
        """The pieces with every hole of the body filled, each value on physical lines of its own."""
        if not self._needs <= slots.keys():
            missing = sorted(slot.name.lower() for slot in self._needs - slots.keys())
            raise SlotError(f"no value for slot {', '.join(missing)}")
        pieces = list(self._pieces)
        for slot, places in self._tokens.items():
            token = fill(slot, slots[slot], is_html=False).encode() + SOFT_BREAK  # its own quoted-printable
            for place in places:
                pieces[place] = token
        for slot, is_html, places in self._texts:
            text = _text(slot, slots[slot], is_html=is_html)
            for place in places:
                pieces[place] = text
        return pieces


def _fields(prepared: Prepared, letterhead: Letterhead, campaign: str | None) -> list[Field]:
    """Every header field in its order, each once; those of one reader are empty."""
    return [
        ("Date", b""),
        ("From", letterhead.sender),
        ("To", b""),
        ("Subject", prepared.subject),
        ("Message-ID", b""),
        *letterhead.head,
        *([] if campaign is None else _list_fields(letterhead, campaign)),
        _AUTO_SUBMITTED,
        *([] if campaign is None else [_PRECEDENCE]),
        ("Content-Language", prepared.language),
        *zip(prepared.content_names, prepared.content_headers, strict=True),
    ]


def _list_fields(letterhead: Letterhead, campaign: str) -> list[Field]:
    list_id, *others = letterhead.list_head
    feedback = _field("Feedback-ID", f"{campaign}:{letterhead.feedback_id}")
    return [list_id, ("List-Unsubscribe", b""), _ONE_CLICK, *others, feedback]


def _field(name: str, value: str) -> Field:
    return name, header(name, value)


_AUTO_SUBMITTED = _field("Auto-Submitted", "auto-generated")
_PRECEDENCE = _field("Precedence", "bulk")
_ONE_CLICK = _field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")

_SAMPLE = b"%b: one reader's\r\n"
_NO_WORD = rb"(?![ -~]*=\?)"  # what looks like an RFC 2047 word would be decoded
_URI = rb"<[!-+\--;=?-~]{1,900}>"  # no space, comma or angle bracket
_OWN = {
    "Date": rb"Date: [A-Z][A-Za-z0-9,:+ ]{1,60}\r\n",
    "To": _NO_WORD + rb"To: [!-~]{1,900}\r\n",
    "Message-ID": _NO_WORD + rb"Message-ID: <[!-;=?-~]{1,900}>\r\n",
    "List-Unsubscribe": _NO_WORD
    + rb"List-Unsubscribe: "
    + _URI
    + rb"(?:,\r\n "
    + _NO_WORD
    + _URI
    + rb")?\r\n",
}
"""What a reader's own fields may look like: one line each, or two, of printable ASCII."""


@lru_cache(maxsize=64)
def _text(slot: Slot, value: str, *, is_html: bool) -> bytes:
    """A text as it stands in the body, on physical lines of its own. Raises SlotError."""
    return ended(encode(fill(slot, value, is_html=is_html)))


@lru_cache(maxsize=16)
def _date_field(at: datetime) -> str:
    return f"Date: {rfc5322_date(at)}\r\n"


def rfc5322_date(at: datetime) -> str:
    """The moment in UTC, as the Date header wants it, whatever the locale."""
    at = at.astimezone(UTC)
    return f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M:%S} +0000"
