"""DKIM (RFC 6376, RFC 8463): relaxed/relaxed, no `l=`, no `x=`; one signature per key, and the same input gives the same bytes.

Signing comes last; nothing edits a mail after it. The body must be its own relaxed form already, as digest.mail.quoted writes it.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from digest.mail.errors import DkimKeyError
from digest.mail.headers import Folded, header

# Named once more than they occur, so nobody can add a second one (RFC 6376 §8.15).
OVERSIGNED = (
    "from", "to", "cc", "reply-to", "subject", "date", "message-id",
    "list-unsubscribe", "list-unsubscribe-post", "mime-version", "content-type",
)  # fmt: skip

_SPACE = re.compile(rb"[ \t\r\n]+")
_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


@dataclass(frozen=True, slots=True)
class Key:
    """A private key and the selector under which its public half is in the DNS."""

    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> str:
        """The value of `a=`."""
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    @property
    def record(self) -> str:
        """The TXT record to publish at `selector._domainkey.domain`."""
        public = self.private.public_key()
        if isinstance(self.private, RSAPrivateKey):
            octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return f"v=DKIM1; k=rsa; p={b64encode(octets).decode()}"
        octets = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k=ed25519; p={b64encode(octets).decode()}"

    def sign(self, data: bytes) -> bytes:
        """The signature of `data`; RFC 8463 has Ed25519 sign the SHA-256 of it."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(data, PKCS1v15(), SHA256())
        return self.private.sign(sha256(data).digest())


def load_key(pem: bytes, *, selector: str) -> Key:
    """The key in a PEM text: RSA of 2048 bits or more, or Ed25519. Raises DkimKeyError with the remedy."""
    if not _NAME.fullmatch(selector):
        raise DkimKeyError("the DKIM selector may hold only letters, digits, dots, - and _")
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise DkimKeyError(
            f"the DKIM key of selector {selector} is no private key in PEM form without a password"
        ) from None
    if isinstance(private, RSAPrivateKey) and private.key_size < 2048:
        raise DkimKeyError(
            f"the DKIM key of selector {selector} has {private.key_size} bits; RSA needs 2048 or more"
        )
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise DkimKeyError(f"the DKIM key of selector {selector} is neither RSA nor Ed25519")
    return Key(selector, private)


def new_key(*, selector: str, algorithm: str = "rsa-sha256") -> tuple[Key, bytes]:
    """A fresh key and its PEM text (PKCS #8), for the operator to keep."""
    private = (
        Ed25519PrivateKey.generate() if algorithm == "ed25519-sha256" else generate_private_key(65537, 2048)
    )
    return Key(selector, private), private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Signer:
    """Signs mails of `domain` with one or two keys. Raises DkimKeyError when widespread verifiers could not check them."""

    def __init__(self, *, domain: str, keys: Sequence[Key], sender: str) -> None:
        self._domain = domain.lower()
        self._keys = tuple(keys)
        if not any(isinstance(key.private, RSAPrivateKey) for key in keys):
            raise DkimKeyError(
                "DKIM needs an RSA key; Ed25519 can only be the second one, few verifiers know it"
            )
        if len({key.algorithm for key in keys}) != len(keys):
            raise DkimKeyError("the two DKIM keys must be of two kinds, one RSA and one Ed25519")
        from_domain = sender.rpartition("@")[2].lower()
        if not f".{from_domain}".endswith(f".{self._domain}"):
            raise DkimKeyError(
                "the sender address does not belong to the DKIM domain: the signature would not align"
            )

    def sign(self, fields: Sequence[bytes], body: bytes, *, at: datetime) -> bytes:
        """The DKIM-Signature fields for these header fields and this body, to stand on top of them."""
        body_hash = b64encode(sha256(body).digest()).decode()
        canonical = [relaxed(field) for field in fields]
        names = [field.split(b":", 1)[0].decode() for field in canonical]
        signed = b"".join(canonical)
        names += OVERSIGNED
        return b"".join(self._signature(key, names, signed, body_hash, at=at) for key in self._keys)

    def _signature(self, key: Key, names: list[str], signed: bytes, body_hash: str, *, at: datetime) -> bytes:
        tags = [
            "v=1;", f" a={key.algorithm};", " c=relaxed/relaxed;", f" d={self._domain};", f" s={key.selector};",
            f" t={int(at.timestamp())};", f" bh={body_hash};", *_name_list(names), " b=",
        ]  # fmt: skip
        unsigned = relaxed(header("DKIM-Signature", Folded(tuple(tags))))
        signature = b64encode(key.sign(signed + unsigned[:-2])).decode()
        parts = [signature[start : start + 72] for start in range(0, len(signature), 72)]
        return header("DKIM-Signature", Folded((*tags, *parts)))


def relaxed(field: bytes) -> bytes:
    """A header field in relaxed form (RFC 6376 §3.4.2): lower-case name, one space for any, CRLF."""
    name, _, value = field.partition(b":")
    return name.strip().lower() + b":" + _SPACE.sub(b" ", value).strip() + b"\r\n"


def _name_list(names: Sequence[str]) -> list[str]:
    """The pieces of `h=`; a line may end behind a colon."""
    first, *rest = [*(f"{name}:" for name in names[:-1]), f"{names[-1]};"]
    return [f" h={first}", *rest]
