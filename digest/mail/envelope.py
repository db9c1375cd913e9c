"""Who a mail is from and to on the wire, and by which names it is known: the same on every attempt, without an address inside.

| what | form | HMAC-SHA256 over |
|---|---|---|
| Message-ID of an edition | `<e20261122.24 base32@domain>` | slot key, subscriber's public id |
| Message-ID of a system mail | `<s.24 base32@domain>` | kind, delivery id |
| return path (VERP) | `local+delivery id in base 36.16 base32@domain` | delivery id |
| mailto of List-Unsubscribe | the same, `?subject=unsubscribe` | delivery id |

All lower case, since some servers fold it. Keys derive from the secret, one per purpose.
"""

import hmac
import re
from datetime import date
from typing import NamedTuple
from uuid import UUID

from digest.mail.errors import AddressError
from subscribers.keys import Mac

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_VERP = re.compile(r"[^+@]*\+([0-9a-z]{1,13})\.[a-z2-7]{16}@[a-z0-9.-]+")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(first + second for first in _LETTERS for second in _LETTERS)
_PURPOSES = ("edition", "system", "bounce", "unsubscribe")
# "+", the longest delivery id (63 bits in base 36), "." and 16 letters of proof.
_VERP_ROOM = 1 + 13 + 1 + 16


class Envelope(NamedTuple):
    """One mail's names and addresses; `unsubscribe_mailto` is a complete mailto: URI or None."""

    recipient: str
    return_path: str
    message_id: str
    envid: str
    unsubscribe_mailto: str | None


class Envelopes:
    """Makes envelopes for one sender. `bounce` and `unsubscribe` are addresses that somebody reads, or None.

    Raises AddressError when an address cannot stand in an envelope or leaves no room for a delivery's name.
    """

    def __init__(
        self, *, secret: bytes, sender: str, bounce: str | None = None, unsubscribe: str | None = None
    ) -> None:
        self._keys = {
            purpose: Mac(hmac.digest(secret, f"mail:{purpose}".encode(), "sha256")) for purpose in _PURPOSES
        }
        self._sender = sendable(sender)
        self._domain = sender.rpartition("@")[2].lower()
        self._bounce = _with_room(bounce)
        self._unsubscribe = _with_room(unsubscribe)

    def edition(
        self, *, delivery_id: int, slot_key: str, local_date: date, subscriber: UUID, recipient: str
    ) -> Envelope:
        """The envelope of an edition; its Message-ID survives a restored backup, where delivery ids may not."""
        proof = self._proof("edition", f"{slot_key}\0{subscriber}", length=24)
        return self._envelope(delivery_id, recipient, f"e{local_date:%Y%m%d}.{proof}")

    def system(self, *, delivery_id: int, kind: str, recipient: str) -> Envelope:
        """The envelope of a system mail."""
        proof = self._proof("system", f"{kind}\0{delivery_id}", length=24)
        return self._envelope(delivery_id, recipient, f"s.{proof}")

    def unsubscribing(self, address: str) -> int | None:
        """The delivery whose mailto address this is; None for any other, and for a forged one."""
        found = _VERP.fullmatch(address.lower())
        delivery_id = int(found[1], 36) if found else 0
        ours = self._signed(self._unsubscribe, "unsubscribe", delivery_id)
        is_ours = ours is not None and hmac.compare_digest(ours, address.lower())
        return delivery_id if found and is_ours else None

    def _envelope(self, delivery_id: int, recipient: str, name: str) -> Envelope:
        return Envelope(
            recipient=sendable(recipient),
            return_path=self._signed(self._bounce, "bounce", delivery_id) or self._sender,
            message_id=f"<{name}@{self._domain}>",
            envid=f"d{delivery_id}",
            unsubscribe_mailto=self._mailto(delivery_id),
        )

    def _mailto(self, delivery_id: int) -> str | None:
        address = self._signed(self._unsubscribe, "unsubscribe", delivery_id)
        return address and f"mailto:{address}?subject=unsubscribe"

    def _signed(self, address: str | None, purpose: str, delivery_id: int) -> str | None:
        """The address with the delivery's id and proof behind a plus."""
        if address is None:
            return None
        local, _, domain = address.rpartition("@")
        proof = self._proof(purpose, str(delivery_id), length=16)
        return f"{local}+{base36(delivery_id)}.{proof}@{domain}"

    def _proof(self, purpose: str, text: str, *, length: int) -> str:
        return base32(self._keys[purpose].of(text.encode()), length=length)


def sendable(address: str) -> str:
    """The address, untouched, if it is ASCII `dot-atom@A-label.domain` within RFC 5321's lengths. Raises AddressError."""
    local, at, domain = address.rpartition("@")
    is_short = len(local) <= 64 and len(address) <= 254
    if not (at and is_short and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain)):
        raise AddressError(
            "the address is not of the form name@domain in plain ASCII; it cannot be written to"
        )
    return address


def base32(octets: bytes, *, length: int) -> str:
    """The first `length` (even) letters of the lower-case base 32 (RFC 4648) of enough octets, without padding."""
    bits = 5 * length
    number = int.from_bytes(octets) >> (8 * len(octets) - bits)
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(bits - 10, -1, -10)])


def base36(number: int) -> str:
    """A whole number ≥ 0 in digits and lower-case letters."""
    digits = ""
    while number >= 36:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return _DIGITS[number] + digits


def _with_room(address: str | None) -> str | None:
    if not address:
        return None
    if len(sendable(address).rpartition("@")[0]) + _VERP_ROOM > 64:
        raise AddressError(
            "the part before the @ of a bounce or unsubscribe address may have at most 33 characters"
        )
    return address.lower()
