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
