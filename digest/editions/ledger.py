"""What planning needs of the deliveries, which belong to a higher room, and the rules of alerts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from sqlmodel import Session


class PlannedDelivery(NamedTuple):
    """One mail of an edition that is owed to one person; its window is (since, release_no]."""

    subscriber_id: int
    content_id: int
    since: int
    release_no: int


class Alerts(NamedTuple):
    """What a person has had of instant alerts: is one still open, how many today."""

    is_open: bool
    today: int


class Ledger(Protocol):
    """What planning needs of the deliveries; every method works in the caller's transaction."""

    def write(
        self, session: Session, edition_id: int, rows: Sequence[PlannedDelivery], *, now: datetime
    ) -> None:
        """Write down rows, ordered by content, in chunks that expire with the edition."""

    def merge_open(
        self, session: Session, subscriber_ids: Sequence[int], *, edition_id: int, now: datetime
    ) -> Mapping[int, int]:
        """End what an earlier edition still owes these people (`skipped`, `merged`); the `since` each gets back."""

    def last_contents(self, session: Session, subscriber_ids: Sequence[int]) -> Mapping[int, int]:
        """The content of each person's last delivery whose window did not come back."""

    def promos_had(self, session: Session, subscriber_ids: Sequence[int]) -> Mapping[int, Mapping[int, int]]:
        """How many mails with each promo each person was sent or is owed."""

    def alerts(
        self, session: Session, subscriber_ids: Sequence[int], *, since: datetime
    ) -> Mapping[int, Alerts]:
        """The instant alerts of each person since a moment."""


@dataclass(frozen=True, slots=True)
class InstantRules:
    """When an instant alert may come."""

    gap: timedelta = timedelta(minutes=15)
    per_day: int = 10
    quiet: str = "22:00-07:00"
