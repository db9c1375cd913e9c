"""The tables about people. Values that name rows of `digest` are plain values, never foreign keys."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from subscribers.types import Json, Table, UtcDateTime, new_public_id, text_enum


class SubscriberState(StrEnum):
    """Whether a person gets editions."""

    ACTIVE = "active"
    PAUSED = "paused"
    UNSUBSCRIBED = "unsubscribed"


class Cadence(StrEnum):
    """How often a person wants an edition."""

    INSTANT = "instant"
    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"


class MailFormat(StrEnum):
    """Which parts a mail has."""

    HTML = "html"
    NO_IMAGES = "no_images"
    TEXT = "text"


class MailLength(StrEnum):
    """How much of each article a mail shows, and how many."""

    HEADLINES = "headlines"
    NORMAL = "normal"
    LONG = "long"


class TopicKind(StrEnum):
    """Who made a topic."""

    CURATED = "curated"
    PERSONAL = "personal"
    SIMILAR = "similar"


class ConsentKind(StrEnum):
    """What a person did that we must be able to prove."""

    CONFIRMED = "confirmed"
    ADDED = "added"
    IMPORTED = "imported"
    TOPICS_CHANGED = "topics_changed"
    ADDRESS_CHANGED = "address_changed"
    MERGED = "merged"
    UNSUBSCRIBED = "unsubscribed"
    RESUBSCRIBED = "resubscribed"
    ERASED = "erased"


class RequestKind(StrEnum):
    """What a mailed confirmation link will do."""

    SIGN_UP = "sign_up"
    ADDRESS_CHANGE = "address_change"


class SuppressionReason(StrEnum):
    """Why an address must not be mailed."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    MANUAL = "manual"
    UNSUBSCRIBED = "unsubscribed"
    ERASED = "erased"


class MuteKind(StrEnum):
    """What a person does not want to read about."""

    STORY = "story"
    SOURCE = "source"
    WORD = "word"
    LESS = "less"


class TopicState(StrEnum):
    """Whether a topic takes part in matching."""

    ACTIVE = "active"
    EXPIRED = "expired"
    BROKEN = "broken"


class Subscriber(Table, table=True):
    """A confirmed person: address, wishes, and the window of what they have been given."""

    __tablename__ = "subscriber"
    __table_args__ = (
        UniqueConstraint("address_key"),
        UniqueConstraint("public_id"),
        Index(
            "ix_subscriber_group",
            "cadence",
            "local_time",
            "timezone",
            "weekday",
            "id",
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
        Index(
            "ix_subscriber_unsubscribed_at",
            "unsubscribed_at",
            sqlite_where=text("state = 'unsubscribed'"),
            postgresql_where=text("state = 'unsubscribed'"),
        ),
    )

    id: int = Field(default=None, primary_key=True)
    public_id: UUID = Field(default_factory=new_public_id)
    address: str = Field(max_length=254)
    address_key: str = Field(max_length=254)
    state: SubscriberState = Field(default=SubscriberState.ACTIVE, sa_type=text_enum(SubscriberState))
    locale: str = Field(default="de", max_length=16)
    timezone: str = Field(default="Europe/Berlin", max_length=64)
    cadence: Cadence = Field(default=Cadence.DAILY, sa_type=text_enum(Cadence))
    weekday: int | None = Field(default=None, ge=0, le=6)
    """Monday is 0; only a weekly cadence has one."""
    local_time: str = Field(default="07:00", max_length=5)
    """HH:MM on the reader's own clock."""
    format: MailFormat = Field(default=MailFormat.HTML, sa_type=text_enum(MailFormat))
    length: MailLength = Field(default=MailLength.NORMAL, sa_type=text_enum(MailLength))
    token_version: int = 0
    feed_version: int = 0
    last_release: int = 0
    """Everything released up to this number has been given to this person (or ended with a reason)."""
    last_edition_on: date | None = None
    last_edition_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    paused_until: date | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    unsubscribed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    choices_erased_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When topics, settings and mutes of somebody who left were forgotten."""


class SignupRequest(Table, table=True):
    """Somebody typed an address: nothing is believed until the mailed link is used, and it expires in 7 days."""

    __tablename__ = "signup_request"
    __table_args__ = (
        UniqueConstraint("address_key", "kind"),
        UniqueConstraint("public_id"),
        Index("ix_signup_request_requested_at", "requested_at"),
    )

    id: int = Field(default=None, primary_key=True)
    public_id: UUID = Field(default_factory=new_public_id)
    kind: RequestKind = Field(default=RequestKind.SIGN_UP, sa_type=text_enum(RequestKind))
    address: str = Field(max_length=254)
    address_key: str = Field(max_length=254)
    subscriber_id: int | None = Field(default=None, foreign_key="subscriber.id", ondelete="CASCADE")
    """Whose address is to change; None for a sign-up."""
    choices: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """Topics (slugs), own queries, cadence, weekday, time, timezone, locale, similar article."""
    wording_id: int | None = Field(default=None, foreign_key="wording.id")
    source: str = Field(default="", max_length=64)
    page: str = Field(default="", max_length=512)
    network: str = Field(default="", max_length=64)
    """IPv4 /24 or IPv6 /48, never a whole address."""
    requested_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Topic(Table, table=True):
    """A query with a name: the publisher's, one reader's own, or made from an article."""

    __tablename__ = "topic"
    __table_args__ = (UniqueConstraint("slug"), Index("ix_topic_owner_id", "owner_id"))

    id: int = Field(default=None, primary_key=True)
    slug: str = Field(max_length=120)
    name: str = Field(max_length=200)
    query: str = Field(max_length=2048)
    """The canonical form: str(parse_query(typed))."""
    typed: str = Field(default="", max_length=512)
    kind: TopicKind = Field(default=TopicKind.CURATED, sa_type=text_enum(TopicKind))
    owner_id: int | None = Field(default=None, foreign_key="subscriber.id", ondelete="CASCADE")
    language: str = Field(default="", max_length=16)
    state: TopicState = Field(default=TopicState.ACTIVE, sa_type=text_enum(TopicState))
    state_reason: str = Field(default="", max_length=200)
    seed_article: int | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_match_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Subscription(Table, table=True):
    """One person follows one topic, from a release on."""

    __tablename__ = "subscription"
    __table_args__ = (Index("ix_subscription_topic_id", "topic_id"),)

    subscriber_id: int = Field(foreign_key="subscriber.id", primary_key=True, ondelete="CASCADE")
    topic_id: int = Field(foreign_key="topic.id", primary_key=True, ondelete="CASCADE")
    position: int = 0
    """The reader's own order of topics."""
    since_release: int = 0
    """Articles of this release and before were never asked for."""
    muted_until: date | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)


class Mute(Table, table=True):
    """What a person asked not to read: a story, a source, a word, or less like one article."""

    __tablename__ = "mute"
    __table_args__ = (UniqueConstraint("subscriber_id", "kind", "value"),)

    id: int = Field(default=None, primary_key=True)
    subscriber_id: int = Field(foreign_key="subscriber.id", ondelete="CASCADE")
    kind: MuteKind = Field(sa_type=text_enum(MuteKind))
    value: str = Field(max_length=512)
    label: str = Field(default="", max_length=200)
    until: date | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)


class Wording(Table, table=True):
    """The exact words somebody agreed to; a new row whenever they change."""

    __tablename__ = "wording"
    __table_args__ = (UniqueConstraint("sha256", "language"),)

    id: int = Field(default=None, primary_key=True)
    language: str = Field(max_length=16)
    text: str
    sha256: str = Field(max_length=64)
    first_used_at: datetime = Field(sa_type=UtcDateTime)


class Consent(Table, table=True):
    """One link of the append-only hash chain of consent; its erasable parts may be emptied, nothing else."""

    __tablename__ = "consent"
    __table_args__ = (
        UniqueConstraint("prev_hash"),
        UniqueConstraint("hash"),
        Index("ix_consent_subject", "subject"),
        Index(
            "ix_consent_network",
            "seq",
            sqlite_where=text("network_salt IS NOT NULL"),
            postgresql_where=text("network_salt IS NOT NULL"),
        ),
    )

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=UtcDateTime)
    kind: ConsentKind = Field(sa_type=text_enum(ConsentKind))
    subject: UUID
    source: str = Field(default="", max_length=64)
    wording_id: int | None = Field(default=None, foreign_key="wording.id")
    wording_sha256: str = Field(default="", max_length=64)
    locale: str = Field(default="", max_length=16)
    topics: list[str] = Field(default_factory=list, sa_type=Json)
    cadence: str = Field(default="", max_length=16)
    requested_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    person_hash: str = Field(default="", max_length=64)
    network_hash: str = Field(default="", max_length=64)
    prev_hash: str = Field(max_length=64)
    hash: str = Field(max_length=64)
    person: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """Erasable: address, form page, own queries, note, confirmation mail's Message-ID, time and reply."""
    person_salt: bytes | None = Field(default=None, sa_type=LargeBinary)
    network: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """Erasable after 30 days: the networks (/24, /48) of request and confirmation."""
    network_salt: bytes | None = Field(default=None, sa_type=LargeBinary)


class Suppression(Table, table=True):
    """An address that must not be mailed, kept as a keyed hash so that it survives erasure."""

    __tablename__ = "suppression"

    address_hash: str = Field(primary_key=True, max_length=64)
    reason: SuppressionReason = Field(sa_type=text_enum(SuppressionReason))
    since: datetime = Field(sa_type=UtcDateTime)
    note: str = Field(default="", max_length=200)


class MailAllowance(Table, table=True):
    """When an address last got a mail that anybody can trigger: the form is no weapon."""

    __tablename__ = "mail_allowance"

    address_hash: str = Field(primary_key=True, max_length=64)
    kind: str = Field(primary_key=True, max_length=24)
    newest_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    middle_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    oldest_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """The last three mails; three columns, so that one statement can look and take."""
    closed_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class UnsubscribeReason(Table, table=True):
    """How many people left on a day for a reason; no person is in it."""

    __tablename__ = "unsubscribe_reason"

    day: date = Field(primary_key=True)
    reason: str = Field(primary_key=True, max_length=32)
    count: int = 0


class AddressKeyCheck(Table, table=True):
    """A check value of the key that hashes addresses: a changed key is a start-up error, not an empty list."""

    __tablename__ = "address_key_check"

    id: int = Field(default=1, primary_key=True)
    check_value: str = Field(max_length=64)
