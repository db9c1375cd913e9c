"""Secrets, pure: how one configured secret becomes a key per purpose, and which secrets are too weak to use."""

import hashlib
import hmac
from collections.abc import Iterable
from enum import StrEnum

KEY_BYTES = 32
_MIN_DISTINCT_BYTES = 12
_PLACEHOLDERS = (
    b"changeme",
    b"change-me",
    b"change_me",
    b"placeholder",
    b"your-secret",
    b"replace",
    b"example",
)


class Mac:
    """HMAC-SHA256 (RFC 2104) under one key of at most 64 bytes, which is worked in once, not for every message."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        if len(block) > 64:
            raise ValueError("a key is at most 64 bytes long")
        self._inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in block))
        self._outer = hashlib.sha256(bytes(octet ^ 0x5C for octet in block))

    def of(self, message: bytes) -> bytes:
        """The 32 bytes that only who has the key can make of a message."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


class Weakness(StrEnum):
    """Why a secret must not sign anything."""

    SHORT = "short"
    PLACEHOLDER = "placeholder"


def derive(secret: bytes, purpose: str) -> bytes:
    """The 32-byte key of one purpose: HKDF-SHA256 without salt, `info` = purpose (RFC 5869)."""
    pseudo_random = hmac.digest(bytes(KEY_BYTES), secret, "sha256")
    return hmac.digest(pseudo_random, purpose.encode() + b"\x01", "sha256")


def key_id(secret: bytes) -> int:
    """The one byte that names a secret inside a token."""
    return hashlib.sha256(secret).digest()[0]


def shared_ids(secrets: Iterable[bytes]) -> set[int]:
    """Key ids that two different secrets claim; such a pair cannot be told apart and is refused."""
    ids = [key_id(secret) for secret in set(secrets)]
    return {one for one in ids if ids.count(one) > 1}


def weakness(secret: bytes) -> Weakness | None:
    """Why a secret is refused, or None: under 32 bytes, a text to be replaced, or hardly any variety."""
    if len(secret) < KEY_BYTES:
        return Weakness.SHORT
    if len(set(secret)) < _MIN_DISTINCT_BYTES or any(word in secret.lower() for word in _PLACEHOLDERS):
        return Weakness.PLACEHOLDER
    return None
