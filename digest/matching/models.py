"""What matching found: one row per article and topic, never per subscriber."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from subscribers.types import Table, UtcDateTime


class Match(Table, table=True):
    """An article belongs to a topic, and this is why."""

    __tablename__ = "match"
    __table_args__ = (Index("ix_match_topic_id_article_id", "topic_id", "article_id"),)

    article_id: int = Field(foreign_key="article.id", primary_key=True, ondelete="CASCADE")
    topic_id: int = Field(foreign_key="topic.id", primary_key=True, ondelete="CASCADE")
    field: str = Field(max_length=16)
    term: str = Field(max_length=60)
    score: float
    matched_at: datetime = Field(sa_type=UtcDateTime)


class MatchStage(Table, table=True):
    """The lease of the matching stage; correctness rests on the keys, this only saves work."""

    __tablename__ = "match_stage"

    id: int = Field(default=1, primary_key=True)
    owner: str = Field(default="", max_length=64)
    lease_until: float = 0.0
    """On the clock of `Database.lease_clock`."""
    fence: int = 0
    analyzer_version: str = Field(default="", max_length=64)
