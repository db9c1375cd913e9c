"""Releases, editions and their contents, and the promos that may stand in them."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from subscribers.models import Cadence, MailFormat, MailLength
from subscribers.types import Json, Table, UtcDateTime, new_public_id, text_enum


class EditionState(StrEnum):
    """Where an edition stands; `Edition.reason` says why it is held or skipped."""

    PLANNED = "planned"
    SENDING = "sending"
    FINISHED = "finished"
    HELD = "held"
    SKIPPED = "skipped"


class PromoPlace(StrEnum):
    """Where a promo stands; never first, never inside a section."""

    MIDDLE = "middle"
    END = "end"


class Release(Table, table=True):
    """A numbered cut: the articles that became news together. The key serialises cuts."""

    __tablename__ = "release"

    no: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    cut_at: datetime = Field(sa_type=UtcDateTime)
    articles: int = 0


class Edition(Table, table=True):
    """One slot of one local date: with any number of planners there is one row."""

    __tablename__ = "edition"
    __table_args__ = (
        UniqueConstraint("cadence", "local_time", "timezone", "local_date"),
        Index("ix_edition_due_at", "due_at"),
        Index("ix_edition_state", "state"),
    )

    id: int = Field(default=None, primary_key=True)
    cadence: Cadence = Field(sa_type=text_enum(Cadence))
    local_time: str = Field(max_length=5)
    timezone: str = Field(max_length=64)
    local_date: date
    due_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    release_no: int
    state: EditionState = Field(default=EditionState.PLANNED, sa_type=text_enum(EditionState))
    reason: str = Field(default="", max_length=64)
    hold_reason: str = Field(default="", max_length=200)
    is_planned: bool = False
    planned_up_to: int = 0
    """Subscriber id up to which this edition is written down."""
    counts: dict[str, int] = Field(default_factory=dict, sa_type=Json)
    """Deliveries by state, frozen when the edition finished."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Content(Table, table=True):
    """One distinct selection of an edition, shared by everyone who asked for the same."""

    __tablename__ = "content"
    __table_args__ = (UniqueConstraint("edition_id", "key"), UniqueConstraint("public_id"))

    id: int = Field(default=None, primary_key=True)
    public_id: UUID = Field(default_factory=new_public_id)
    edition_id: int = Field(foreign_key="edition.id", ondelete="CASCADE")
    key: str = Field(max_length=64)
    language: str = Field(max_length=16)
    format: MailFormat = Field(sa_type=text_enum(MailFormat))
    length: MailLength = Field(sa_type=text_enum(MailLength))
    topics: list[Any] = Field(default_factory=list, sa_type=Json)
    """Topic ids in the reader's order, each with its first release: [[topic, since], …]."""
    selection: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """Shown, folded, carried and expired articles, each with topics and reason (editions.compose)."""
    promos: list[int] = Field(default_factory=list, sa_type=Json)
    item_count: int = 0
    """How many articles it shows; with none (everything muted) nobody gets a mail of it."""
    created_at: datetime = Field(sa_type=UtcDateTime)


class Promo(Table, table=True):
    """A labelled box of the publisher: without label and advertiser it cannot exist."""

    __tablename__ = "promo"
    __table_args__ = (UniqueConstraint("slug"),)

    id: int = Field(default=None, primary_key=True)
    slug: str = Field(max_length=120)
    label: str = Field(max_length=32)
    advertiser: str = Field(max_length=120)
    title: str = Field(max_length=200)
    text: str = Field(default="", max_length=500)
    url: str = Field(max_length=2048)
    image_url: str = Field(default="", max_length=2048)
    image_width: int | None = None
    image_height: int | None = None
    language: str = Field(default="", max_length=16)
    topics: list[str] = Field(default_factory=list, sa_type=Json)
    starts_on: date | None = None
    ends_on: date | None = None
    place: PromoPlace = Field(default=PromoPlace.MIDDLE, sa_type=text_enum(PromoPlace))
    weight: int = 1
    cap: int = 0
    """How many deliveries of it one subscriber may get; 0 = no cap."""
    is_active: bool = True
