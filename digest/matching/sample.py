"""A sample of the last days' articles, analysed once per process: what a query would have found, in milliseconds.

Evenly thinned to at most 2,000 articles and renewed at most every ten minutes. The Matcher is asked about those articles
only that hold one of the query's anchors, which loses nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select
from sqlmodel import Session, col

from digest.feeds.models import Article, ArticleState
from digest.matching.article import Reading, read
from digest.matching.engine import BATCH_SIZE, Hit, Matcher
from digest.matching.frequencies import Frequencies, counted
from digest.matching.places import vocabulary
from digest.matching.query import Query
from digest.matching.registry import chunks
from digest.matching.stored import COLUMNS, article_texts

SAMPLE_SIZE: Final = 2_000
RENEWED_AFTER: Final = timedelta(minutes=10)
_LANGUAGES: Final = ("de", "en")


@dataclass(frozen=True, slots=True)
class Sampled:
    """One article of a sample."""

    reading: Reading
    effective_at: datetime


class Sample:
    """Analysed articles of the `days` before `made_at`, newest first; `total` counts all of that time."""

    def __init__(self, articles: Sequence[Sampled], *, total: int, days: int, made_at: datetime) -> None:
        self.articles = articles
        self.total = total
        self.days = days
        self.made_at = made_at
        self._by_key: defaultdict[str, list[int]] = defaultdict(list)
        self._frequencies: Frequencies | None = None
        for number, article in enumerate(articles):
            for key in vocabulary(article.reading):
                self._by_key[key].append(number)

    @property
    def frequencies(self) -> Frequencies:
        """In how many of the articles each form stands."""
        if self._frequencies is None:
            self._frequencies = counted(article.reading for article in self.articles)
        return self._frequencies

    def words_with(self, part: str) -> dict[str, set[int]]:
        """Longer words that hold a part, with the articles that hold it in no other way."""
        alone = set(self._by_key.get(part, ()))
        longer = (key for key in self._by_key if part in key and part != key and key.isalnum())
        return {key: articles for key in longer if (articles := set(self._by_key[key]) - alone)}

    def hits(self, query: Query) -> list[Hit]:
        """What the Matcher finds in the sample for one query, newest article first."""
        matcher = Matcher({0: query}, _LANGUAGES)
        candidates = sorted(self._candidates(matcher))
        hits: list[Hit] = []
        for start in range(0, len(candidates), BATCH_SIZE):
            hits += matcher.match_read(
                [self.articles[n].reading for n in candidates[start : start + BATCH_SIZE]]
            )
        order = {self.articles[number].reading.article.id: number for number in candidates}
        return sorted(hits, key=lambda hit: order[hit.article_id])

    def _candidates(self, matcher: Matcher) -> Iterable[int]:
        """The articles that can match at all."""
        keys = matcher.leading_keys(self._by_key)
        return {number for key in keys for number in self._by_key.get(key, ())}


class Samples:
    """The samples of one process, one for each length in days."""

    def __init__(self) -> None:
        self._samples: dict[int, Sample] = {}
        self._lock = Lock()

    def sample(self, session: Session, *, days: int, now: datetime) -> Sample:
        """The sample of the last days, made anew if it is more than ten minutes old."""
        with self._lock:
            known = self._samples.get(days)
            if known is None or not timedelta() <= now - known.made_at < RENEWED_AFTER:
                known = self._samples[days] = load_sample(session, days=days, now=now)
            return known


_OF_ENGINE: Final[WeakKeyDictionary[Engine, Samples]] = WeakKeyDictionary()


def samples_of(session: Session) -> Samples:
    """The samples this process keeps of a database."""
    return _OF_ENGINE.setdefault(session.get_bind().engine, Samples())


def load_sample(session: Session, *, days: int, now: datetime) -> Sample:
    """Read and analyse a fresh sample."""
    is_inside = (
        col(Article.effective_at) > now - timedelta(days=days),
        col(Article.effective_at) <= now,
        col(Article.state).not_in([ArticleState.FILTERED, ArticleState.WITHDRAWN]),
    )
    newest = (col(Article.effective_at).desc(), col(Article.id).desc())
    ids = list(session.execute(select(col(Article.id)).where(*is_inside).order_by(*newest)).scalars())
    chosen = list(_thinned(ids))
    order = {article_id: place for place, article_id in enumerate(chosen)}
    rows = [
        row
        for chunk in chunks(chosen)
        for row in session.execute(select(*COLUMNS).where(col(Article.id).in_(chunk)))
    ]
    stored = sorted(article_texts(session, rows), key=lambda one: order[one.text.id])
    articles = [Sampled(read(one.text, _LANGUAGES), one.effective_at) for one in stored]
    return Sample(articles, total=len(ids), days=days, made_at=now)


def _thinned(ids: Sequence[int]) -> Iterator[int]:
    """At most as many as a sample holds, evenly over the whole row."""
    count = min(len(ids), SAMPLE_SIZE)
    for number in range(count):
        yield ids[number * len(ids) // count]
