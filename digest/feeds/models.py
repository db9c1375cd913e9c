"""Feeds, hosts, fetches, articles and the keys by which an article is recognised for ever."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, Index, Interval, UniqueConstraint, text
from sqlmodel import Field

from subscribers.types import Json, Table, UtcDateTime, text_enum


class Trust(StrEnum):
    """Whose feed it is: the publisher's own, or somebody else's."""

    OWN = "own"
    THIRD = "third"


class FeedState(StrEnum):
    """The health of a feed; none of them is ever silent."""

    NEW = "new"
    ACTIVE = "active"
    RETRYING = "retrying"
    FAILING = "failing"
    BROKEN = "broken"
    DORMANT = "dormant"
    GONE = "gone"
    PAUSED = "paused"


class IdMode(StrEnum):
    """Which keys of a feed can be believed."""

    GUID = "guid"
    LINK = "link"
    LINK_TITLE = "link_title"


class ArticleState(StrEnum):
    """Whether a release may take an article; `Article.state_reason` says why not."""

    ELIGIBLE = "eligible"
    SEED = "seed"
    HELD = "held"
    QUARANTINED = "quarantined"
    FILTERED = "filtered"
    WITHDRAWN = "withdrawn"


class KeyKind(StrEnum):
    """What an article key was made from."""

    GUID = "guid"
    GUID_ALT = "guid_alt"
    LINK = "link"
    LINK_TITLE = "link_title"
    URL = "url"


class Feed(Table, table=True):
    """A feed: its address, its validators, its schedule and its health."""

    __tablename__ = "feed"
    __table_args__ = (UniqueConstraint("url_key"), Index("ix_feed_next_check_at", "next_check_at"))

    id: int = Field(default=None, primary_key=True)
    url: str = Field(max_length=2048)
    original_url: str = Field(max_length=2048)
    url_key: str = Field(max_length=2048)
    site_url: str = Field(default="", max_length=2048)
    title: str = Field(default="", max_length=500)
    language: str = Field(default="", max_length=16)
    trust: Trust = Field(default=Trust.THIRD, sa_type=text_enum(Trust))
    host: str = Field(default="", max_length=253)
    tags: list[str] = Field(default_factory=list, sa_type=Json)
    hub_url: str = Field(default="", max_length=2048)
    self_url: str = Field(default="", max_length=2048)
    block_query: str = Field(default="", max_length=2048)
    keep_query: str = Field(default="", max_length=2048)
    weight: float = 0.0
    backfill: int = 0
    """How many of the newest articles of the first document are news, not seed."""

    etag: str | None = Field(default=None, max_length=1024)
    last_modified: str | None = Field(default=None, max_length=256)
    body_sha256: str | None = Field(default=None, max_length=64)
    parser_version: int = 0
    ttl: timedelta | None = Field(default=None, sa_type=Interval)
    max_age: timedelta | None = Field(default=None, sa_type=Interval)
    redirect_target: str | None = Field(default=None, max_length=2048)
    redirect_count: int = 0
    redirect_since: datetime | None = Field(default=None, sa_type=UtcDateTime)

    next_check_at: datetime = Field(sa_type=UtcDateTime)
    claimed_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    interval: timedelta | None = Field(default=None, sa_type=Interval)
    last_attempt_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_ok_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_document_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_change_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    median_gap: timedelta | None = Field(default=None, sa_type=Interval)

    state: FeedState = Field(default=FeedState.NEW, sa_type=text_enum(FeedState))
    state_since: datetime = Field(sa_type=UtcDateTime)
    error_count: int = 0
    gone_count: int = 0
    gone_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_outcome: str = Field(default="", max_length=32)
    last_detail: str = Field(default="", max_length=300)
    baseline_done: bool = False
    id_mode: IdMode = Field(default=IdMode.GUID, sa_type=text_enum(IdMode))
    document: list[int] = Field(default_factory=list, sa_type=Json)
    """Article ids of the previous document in its order: what vanished is known by it."""
    created_at: datetime = Field(sa_type=UtcDateTime)


class HostState(Table, table=True):
    """When a host may be asked again, whatever its feeds want."""

    __tablename__ = "host_state"

    host: str = Field(primary_key=True, max_length=253)
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)
    next_start_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    strikes: int = 0
    strikes_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = Field(default="", max_length=64)


class FeedFetch(Table, table=True):
    """One attempt to fetch a feed; the last 50 of each are kept."""

    __tablename__ = "feed_fetch"
    __table_args__ = (Index("ix_feed_fetch_feed_id_at", "feed_id", "at"),)

    id: int = Field(default=None, primary_key=True)
    feed_id: int = Field(foreign_key="feed.id", ondelete="CASCADE")
    at: datetime = Field(sa_type=UtcDateTime)
    outcome: str = Field(max_length=32)
    status: int | None = None
    bytes_wire: int = 0
    bytes_body: int = 0
    duration: timedelta = Field(default=timedelta(), sa_type=Interval)
    new: int = 0
    updated: int = 0


class FetchCount(Table, table=True):
    """How many attempts ever ended in one way; `FeedFetch` forgets, this does not."""

    __tablename__ = "fetch_count"

    outcome: str = Field(primary_key=True, max_length=32)
    count: int = Field(default=0, sa_type=BigInteger)


class Article(Table, table=True):
    """One article, whatever the number of feeds and addresses that tell of it."""

    __tablename__ = "article"
    __table_args__ = (
        Index("ix_article_release_no", "release_no"),
        Index("ix_article_first_seen_at", "first_seen_at"),
        Index("ix_article_effective_at", "effective_at"),
        Index("ix_article_feed_id", "feed_id"),
        Index(
            "ix_article_with_text",
            "first_seen_at",
            sqlite_where=text("content_html <> ''"),
            postgresql_where=text("content_html <> ''"),
        ),
        Index(
            "ix_article_unmatched",
            "id",
            sqlite_where=text("matched_at IS NULL"),
            postgresql_where=text("matched_at IS NULL"),
        ),
    )

    id: int = Field(default=None, primary_key=True)
    feed_id: int | None = Field(default=None, foreign_key="feed.id", ondelete="SET NULL")
    link: str = Field(default="", max_length=2048)
    title: str = Field(default="", max_length=500)
    summary: str = Field(default="", max_length=1000)
    content_html: str = ""
    image_url: str = Field(default="", max_length=2048)
    image_width: int | None = None
    image_height: int | None = None
    authors: list[str] = Field(default_factory=list, sa_type=Json)
    tags: list[str] = Field(default_factory=list, sa_type=Json)
    language: str = Field(default="", max_length=16)
    source: str = Field(default="", max_length=500)
    """The feed's title when the article came, so that a removed feed leaves a readable article."""

    published_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    updated_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    first_seen_at: datetime = Field(sa_type=UtcDateTime)
    last_seen_at: datetime = Field(sa_type=UtcDateTime)
    effective_at: datetime = Field(sa_type=UtcDateTime)
    fingerprint: str = Field(default="", max_length=64)
    changed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    state: ArticleState = Field(default=ArticleState.ELIGIBLE, sa_type=text_enum(ArticleState))
    state_reason: str = Field(default="", max_length=200)

    matched_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Set by matching; None again when the article changed before its release."""
    story_id: int | None = None
    release_no: int | None = None


class ArticleKey(Table, table=True):
    """A way to recognise an article; it outlives the article, so nothing comes back as news."""

    __tablename__ = "article_key"
    __table_args__ = (
        UniqueConstraint("scope", "kind", "sha256"),
        Index("ix_article_key_article_id", "article_id"),
    )

    id: int = Field(default=None, primary_key=True)
    scope: int
    """The feed's id, or 0 for all feeds."""
    kind: KeyKind = Field(sa_type=text_enum(KeyKind))
    sha256: str = Field(max_length=64)
    article_id: int
    """Plain: the key stays when the article is gone."""
    reason: str = Field(default="", max_length=16)
    """Why the key belongs to the article, if it did not come with it: retold, migration, other_feed, reused."""
    created_at: datetime = Field(sa_type=UtcDateTime)
