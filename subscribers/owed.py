"""A mail that somebody is owed: said here, written to the outbox by the caller in the same transaction."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

SYSTEM_MAIL_LIFE = timedelta(hours=24)
"""After this, a system mail that could not be sent is not sent at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedMail:
    """One system mail: `kind` is the name of its templates, `data` plain JSON without any token."""

    kind: str
    address: str
    subscriber_id: int | None
    locale: str
    data: dict[str, Any] = field(default_factory=dict)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationRequested(OwedMail):
    """The mail that a sign-up owes: `confirmation`, or `already` to somebody who is subscribed."""
