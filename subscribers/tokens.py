"""Signed links, pure: a token says which person or request a link is for, what it may do, and for how long.

    token = base64url without padding ( body ‖ tag )                    50 characters; 55 where it expires
    body  = format 1 B | key id 1 B | purpose 1 B | version 2 B | subject 16 B | expires 4 B (if it expires)
    tag   = first 16 B of HMAC-SHA256(K, body);  K = HKDF-SHA256(secret of that key id, info = purpose)

No database, no settings, no clock: what is not genuine never gets as far as a query.
"""

import base64
import binascii
import hmac
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from subscribers.errors import ExpiredToken, InvalidToken
from subscribers.keys import Mac, derive, key_id, shared_ids


class Purpose(StrEnum):
    """What a link may do; a token of one purpose opens no other door."""

    CONFIRM = "confirm"
    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    ACCOUNT = "account"
    MUTE = "mute"
    VIEW = "view"
    FEED = "feed"
    FORM = "form"


LIFETIMES = MappingProxyType(
    {
        Purpose.CONFIRM: timedelta(days=7),
        Purpose.UNSUBSCRIBE: None,
        Purpose.PREFERENCES: timedelta(days=365),
        Purpose.ACCOUNT: timedelta(minutes=15),
        Purpose.MUTE: timedelta(days=365),
        Purpose.VIEW: None,
        Purpose.FEED: None,
        Purpose.FORM: timedelta(hours=24),
    }
)
"""How long a link of each purpose works; None means for ever."""

NO_SUBJECT = UUID(int=0)
"""The subject of a token that is about nobody (`form`)."""

MAX_VERSION = 0xFFFF

_FORMAT = 1
_TEST_BIT = 0x80
_HEAD = struct.Struct(">BBBH16s")
_EXPIRES = struct.Struct(">I")
_TAG_BYTES = 16
_LENGTHS = (50, 55)
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_ALPHABET = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# Numbers on the wire: never renumber, only add.
_CODES = MappingProxyType({purpose: number for number, purpose in enumerate(Purpose, start=1)})


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The secrets of all links: one signs; `old` still verify everything, `unsubscribe` only such links."""

    current: bytes
    old: tuple[bytes, ...] = ()
    unsubscribe: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Claims:
    """What a genuine token says; `version` is still to be compared with the row it names."""

    purpose: Purpose
    subject: UUID
    version: int
    expires_at: datetime | None
    is_test: bool


class Signer:
    """Makes and reads tokens; its keys are handed in and never leave it."""

    def __init__(self, *, keys: SigningKeys) -> None:
        if shared_ids([keys.current, *keys.old, *keys.unsubscribe]):
            raise ValueError("two signing keys share one key id; replace one of them")
        self._id = key_id(keys.current)
        secrets = {(key_id(one), Purpose.UNSUBSCRIBE): one for one in keys.unsubscribe}
        for one in (*keys.old, keys.current):
            secrets |= {(key_id(one), purpose): one for purpose in Purpose}
        self._keys = {place: Mac(derive(secret, place[1])) for place, secret in secrets.items()}
        self._signing = {
            purpose: (self._keys[self._id, purpose], _CODES[purpose], LIFETIMES[purpose] is not None)
            for purpose in Purpose
        }

    def sign(
        self,
        purpose: Purpose,
        subject: UUID,
        *,
        version: int = 0,
        expires_at: datetime | None = None,
        is_test: bool = False,
    ) -> str:
        """The token of a link; `expires_at` is needed exactly where the purpose expires (`LIFETIMES`)."""
        key, code, is_expiring = self._signing[purpose]
        if (expires_at is not None) is not is_expiring:
            raise ValueError(f"purpose {purpose} and its expiry do not fit")
        first = _FORMAT | _TEST_BIT if is_test else _FORMAT
        body = _HEAD.pack(first, self._id, code, version, subject.bytes)
        if expires_at is not None:
            body += _EXPIRES.pack(int(expires_at.timestamp()))
        return _encode(body + key.of(body)[:_TAG_BYTES])

    def read(self, purpose: Purpose, text: str, *, now: datetime) -> Claims:
        """The claims of a genuine, living token of this purpose.

        Raises InvalidToken for anything that is not exactly what `sign` made, ExpiredToken when its time is over.
        """
        raw = _decode(text)
        first, number, code, version, subject = _HEAD.unpack_from(raw)
        key = self._key(purpose, first, number, code)
        body, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
        if not hmac.compare_digest(tag, key.of(body)[:_TAG_BYTES]):
            raise InvalidToken
        expires_at = _expiry(purpose, body)
        if expires_at is not None and expires_at <= now:
            raise ExpiredToken
        return Claims(purpose, UUID(bytes=subject), version, expires_at, bool(first & _TEST_BIT))

    def _key(self, purpose: Purpose, first: int, number: int, code: int) -> Mac:
        key = self._keys.get((number, purpose))
        if first & ~_TEST_BIT != _FORMAT or key is None or code != _CODES[purpose]:
            raise InvalidToken
        return key


def trimmed(text: str) -> str:
    """A token as it stands in a path, without what mail programs append to links: `.` `,` `)` `>` or blanks."""
    return text.rstrip(".,)> \t\r\n\u00a0")


def _encode(raw: bytes) -> str:
    return binascii.b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=").decode("ascii")


def _decode(text: str) -> bytes:
    """The bytes of a token, in the one spelling they have: spare bits are zero."""
    if len(text) not in _LENGTHS or not _ALPHABET.fullmatch(text):
        raise InvalidToken
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _encode(raw) != text:
        raise InvalidToken
    return raw


def _expiry(purpose: Purpose, body: bytes) -> datetime | None:
    """When a genuine body ends; the tag binds the purpose, so its length can only be the right one."""
    if LIFETIMES[purpose] is None:
        return None
    return datetime.fromtimestamp(_EXPIRES.unpack_from(body, _HEAD.size)[0], UTC)
