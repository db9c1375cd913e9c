"""Keyed hashes of addresses: what suppression and allowances remember instead of the address itself.

The key is not the signing key, or a rotation of that one would empty the suppression list.
"""

import hmac
from dataclasses import dataclass, field
from typing import Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers.errors import AddressKeyChangedError
from subscribers.keys import derive
from subscribers.tables import KEY_CHECK
from subscribers.upsert import insert


@dataclass(frozen=True, slots=True)
class AddressHasher:
    """Hashes address keys with one secret: HMAC-SHA256, in hex."""

    secret: bytes = field(repr=False)

    @classmethod
    def derived(cls, signing_secret: bytes) -> Self:
        """The hasher of an installation that sets no address key of its own."""
        return cls(derive(signing_secret, "address"))

    def hash(self, address_key: str) -> str:
        """What stands for this address in tables that outlive it."""
        return hmac.digest(self.secret, address_key.encode(), "sha256").hex()

    def check_value(self) -> str:
        """A value that shows whether the secret is still the same, and nothing else about it."""
        return hmac.digest(self.secret, b"check value of the address key", "sha256").hex()


def check_key(session: Session, hasher: AddressHasher) -> None:
    """Remember the key at first use; raise AddressKeyChangedError when it is another one now."""
    mine = hasher.check_value()
    session.execute(insert(session, KEY_CHECK).values(id=1, check_value=mine).on_conflict_do_nothing())
    stored = session.execute(select(KEY_CHECK.c.check_value)).scalar_one()
    if not hmac.compare_digest(stored, mine):
        raise AddressKeyChangedError
