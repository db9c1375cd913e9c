"""What we know of a feed before a document is read, and what is to be done after it. Values only.

`Known` is everything `identity.reconcile` may ask; `Plan` is everything it says. Between them stands no I/O, so a
month of documents can be replayed in a test.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from digest.feeds.document import Candidate
from digest.feeds.keys import Key
from digest.feeds.models import ArticleState, IdMode


class Standing(IntEnum):
    """Whose word about an article counts: higher rewrites lower."""

    FIRST_COME = 0
    SAME_HOST = 1
    OWN = 2


class Link(StrEnum):
    """Why an entry is a known article, where its own keys did not say so."""

    KEY = ""
    RETOLD = "retold"
    MIGRATION = "migration"
    OTHER_FEED = "other_feed"
    REUSED = "reused"


class Change(StrEnum):
    """What becomes of the row of a known article."""

    NONE = "none"
    NOTED = "noted"
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownArticle:
    """What is remembered of one article. `has_guid`: this feed gave it an id once."""

    id: int
    feed_id: int | None
    standing: Standing
    link_key: str
    title: str
    published_at: datetime | None
    first_seen_at: datetime
    fingerprint: str
    state: ArticleState
    state_reason: str
    is_released: bool
    has_guid: bool
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the tables say about the keys of a document; an id without an article is one that was cleared away.

    `previous` is the previous document in its order. `per_hour` counts articles over 30 days, `most_accepted` is
    the most that one of the last 50 fetches brought.
    """

    keys: Mapping[Key, int] = field(default_factory=dict)
    articles: Mapping[int, KnownArticle] = field(default_factory=dict)
    previous: tuple[int, ...] = ()
    per_hour: float = 0.0
    most_accepted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one entry is. `article_id` is None for a new article; `state` is None where it stays as it is.

    Of all its `keys` the `owned` ones are to be stored with the article, `moved` of them are taken from another one.
    """

    candidate: Candidate
    article_id: int | None
    link: Link
    keys: tuple[Key, ...]
    owned: tuple[Key, ...] = ()
    moved: frozenset[Key] = frozenset()
    change: Change = Change.NONE
    takes_over: bool = False
    state: ArticleState | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a document means, in its order. `is_flood`: an operator has to decide about what is new."""

    verdicts: tuple[Verdict, ...]
    id_mode: IdMode
    is_flood: bool

    @property
    def new(self) -> tuple[Verdict, ...]:
        """The entries that become articles."""
        return tuple(one for one in self.verdicts if one.article_id is None)

    @property
    def updated(self) -> tuple[Verdict, ...]:
        """The known articles that say something else than before."""
        return tuple(one for one in self.verdicts if one.change is not Change.NONE)

    @property
    def accepted(self) -> int:
        """How many articles became news by this document."""
        return sum(1 for one in self.verdicts if one.state is ArticleState.ELIGIBLE)
