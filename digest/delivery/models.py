"""The ledger of mail: deliveries, the chunks they are claimed in, and what became of each attempt."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from subscribers.types import Json, Table, UtcDateTime, new_public_id, text_enum


class DeliveryState(StrEnum):
    """Where one mail to one address stands; sent, failed, skipped and unknown are final."""

    PLANNED = "planned"
    IN_DATA = "in_data"
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why a delivery is not simply planned or sent."""

    LATER = "later"
    """The server asked to try again."""
    THROTTLED = "throttled"
    """The server or its house asked for less at a time."""
    LOST = "lost"
    """The answer to the dot never came."""
    LINK = "link"
    """The connection ended before the dot."""
    EXPIRED = "expired"
    NO_SUCH_ADDRESS = "no_such_address"
    MAILBOX = "mailbox"
    POLICY = "policy"
    SIZE = "size"
    ADDRESS = "address"
    ERROR = "error"
    POISON = "poison"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"
    PAUSED = "paused"
    ERASED = "erased"
    CANCELLED = "cancelled"
    MERGED = "merged"
    RESTORED = "restored"


class MailKind(StrEnum):
    """What a mail is; the name of its templates."""

    EDITION = "edition"
    CONFIRMATION = "confirmation"
    ALREADY = "already"
    WELCOME = "welcome"
    MANAGE = "manage"
    ADDRESS_CHANGE = "address_change"
    ADDRESS_CHANGED = "address_changed"
    GOODBYE = "goodbye"


class Action(StrEnum):
    """What can be done to an edition, or to all of them."""

    HOLD = "hold"
    RELEASE = "release"
    CANCEL = "cancel"
    RETRY = "retry"


class Delivery(Table, table=True):
    """One mail to one address. Indexes stand only on what never changes."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("edition_id", "subscriber_id"),
        Index("ix_delivery_subscriber_id", "subscriber_id"),
        Index("ix_delivery_chunk_id", "chunk_id"),
        Index(
            "ix_delivery_address",
            "address",
            sqlite_where=text("address IS NOT NULL"),
            postgresql_where=text("address IS NOT NULL"),
        ),
    )

    id: int = Field(default=None, primary_key=True)
    public_id: UUID = Field(default_factory=new_public_id)
    kind: MailKind = Field(default=MailKind.EDITION, sa_type=text_enum(MailKind))
    edition_id: int | None = Field(default=None, foreign_key="edition.id", ondelete="CASCADE")
    content_id: int | None = None
    """Plain: contents go after a time, and a key would make the database read the whole ledger for each."""
    subscriber_id: int | None = Field(default=None, foreign_key="subscriber.id", ondelete="SET NULL")
    address: str | None = Field(default=None, max_length=254)
    """Only of system mails: an edition takes the subscriber's present address."""
    locale: str = Field(default="", max_length=16)
    data: dict[str, Any] | None = Field(default=None, sa_type=Json)
    chunk_id: int = Field(foreign_key="chunk.id", ondelete="CASCADE")
    since: int = 0
    release_no: int = 0
    """The window this mail covers is (since, release_no]."""
    state: DeliveryState = Field(default=DeliveryState.PLANNED, sa_type=text_enum(DeliveryState))
    reason: str = Field(default="", max_length=32)
    attempts: int = 0
    resends: int = 0
    fence: int = 0
    next_attempt_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    dated_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    code: int | None = None
    reply: str = Field(default="", max_length=200)


class Chunk(Table, table=True):
    """The unit of claiming: up to 1,000 deliveries under one lease and one fence."""

    __tablename__ = "chunk"
    __table_args__ = (
        Index(
            "ix_chunk_ready",
            "lane",
            "ready_at",
            sqlite_where=text("is_open AND NOT is_held"),
            postgresql_where=text("is_open AND NOT is_held"),
        ),
        Index("ix_chunk_edition_id", "edition_id"),
    )

    id: int = Field(default=None, primary_key=True)
    edition_id: int | None = Field(default=None, foreign_key="edition.id", ondelete="CASCADE")
    lane: int = 2
    ready_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    is_open: bool = True
    is_held: bool = False
    owner: str = Field(default="", max_length=64)
    lease_until: float = 0.0
    """Seconds of the lease clock: the server's on PostgreSQL, the monotonic one on SQLite."""
    fence: int = 0
    claims: int = 0
    """Claims since the chunk was last given back in order: it grows only by crashes."""
    suspect_id: int | None = None
    """The delivery being touched alone, after crashes; if it is still here at the next claim, it is to blame."""


class Attempt(Table, table=True):
    """An attempt that did not end in a first-try 250. Append-only."""

    __tablename__ = "attempt"
    __table_args__ = (Index("ix_attempt_delivery_id", "delivery_id"),)

    id: int = Field(default=None, primary_key=True)
    delivery_id: int = Field(foreign_key="delivery.id", ondelete="CASCADE")
    at: datetime = Field(sa_type=UtcDateTime)
    outcome: str = Field(max_length=16)
    phase: str = Field(default="", max_length=16)
    code: int | None = None
    enhanced_code: str = Field(default="", max_length=12)
    reply: str = Field(default="", max_length=200)


class Intervention(Table, table=True):
    """What somebody did to an edition: who, when, what and why. Append-only."""

    __tablename__ = "intervention"
    __table_args__ = (Index("ix_intervention_edition_id", "edition_id"),)

    id: int = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    edition_id: int | None = None
    """None = everything. Plain: what was done is on record longer than the edition."""
    action: Action = Field(sa_type=text_enum(Action))
    who: str = Field(max_length=64)
    """An operator's login on the machine, or the part of the program that acted; never an address."""
    reason: str = Field(default="", max_length=300)
    deliveries: int = 0
    """How many mails it moved at once."""


class Worker(Table, table=True):
    """A living worker process and its last beat."""

    __tablename__ = "worker"

    id: str = Field(primary_key=True, max_length=64)
    host: str = Field(max_length=253)
    boot: str = Field(default="", max_length=64)
    namespace: str = Field(default="", max_length=64)
    """Of process ids: a process of another one cannot be seen from here."""
    pid: int
    beat: int = 0
    seen_at: datetime = Field(sa_type=UtcDateTime)


class Route(Table, table=True):
    """What is known of one receiving house: how much at once, and whether it asked for silence."""

    __tablename__ = "route"

    provider: str = Field(primary_key=True, max_length=253)
    window: int = 2
    paused_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = Field(default="", max_length=64)


class Instance(Table, table=True):
    """The installation: its identity, and whether everything is held."""

    __tablename__ = "instance"

    id: int = Field(default=1, primary_key=True)
    public_id: UUID = Field(default_factory=new_public_id)
    hold_reason: str = Field(default="", max_length=300)
    beat: int = 0
    """Beats of all workers so far."""
    delivery_mark: int = 0
    """The highest delivery there has ever been."""
