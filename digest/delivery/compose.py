"""What the worker needs of whoever makes the mails: load once a chunk, then compose one mail at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlmodel import Session

from digest.delivery.queue import Due
from digest.mail.outcome import Outgoing


class Composer(Protocol):
    """Makes the bytes of deliveries; the same delivery and date give the same bytes, every time."""

    def load(self, session: Session, rows: Sequence[Due]) -> None:
        """Read what these deliveries need and is not at hand yet."""
        ...

    def compose(self, row: Due, *, dated_at: datetime) -> Outgoing:
        """One mail; whatever it raises is this delivery's own failure."""
        ...
