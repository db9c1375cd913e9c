"""What belongs into whose mail: the window of each person, reduced to the few distinct selections behind it.

Two people share a content if the articles in their windows are the same, whatever their cursors say: a topic takes part
with the release of its first match in the window, and a topic without a match not at all.
"""

import hashlib
import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Final, NamedTuple, Protocol

from sqlalchemy import select
from sqlmodel import Session, col

from digest.db import in_batches
from digest.editions import mutes
from digest.editions.models import Content, Edition
from digest.editions.recent import RecentTitles
from digest.feeds.models import Article, Feed
from digest.matching.article import ArticleText
from digest.matching.folding import Headline, alike
from digest.matching.models import Match
from digest.matching.rank import Candidate, Limits, TopicHit
from digest.matching.rank import select as choose
from digest.matching.stored import COLUMNS, article_texts
from subscribers.models import MailLength, Subscription, Topic, TopicState

LIMITS: Final = {
    MailLength.NORMAL: Limits(per_topic=5, per_mail=15),
    MailLength.HEADLINES: Limits(per_topic=10, per_mail=30),
    MailLength.LONG: Limits(per_topic=10, per_mail=30),
}


class Reader(Protocol):
    """What a selection depends on of a person."""

    @property
    def id(self) -> int: ...  # noqa: D102 - the five columns of Subscriber by their own names
    @property
    def locale(self) -> str: ...  # noqa: D102
    @property
    def format(self) -> str: ...  # noqa: D102
    @property
    def length(self) -> str: ...  # noqa: D102
    @property
    def last_release(self) -> int: ...  # noqa: D102


class Facts(NamedTuple):
    """What choosing needs of an article."""

    effective_at: datetime
    source: str
    story_id: int | None
    weight: float
    title: str
    language: str


class LeftOver(NamedTuple):
    """What the last content of a person carries, and up to which release that content tells."""

    release_no: int
    articles: tuple[int, ...]


class Found(NamedTuple):
    """One match of a topic, filed by its release."""

    release_no: int
    article_id: int
    score: float
    field: str
    term: str


class Wish(NamedTuple):
    """One distinct selection: topics in the reader's order, each with the release of its first match in the window.

    A topic that is here only for a carried article has the release after the last one.
    """

    topics: tuple[tuple[int, int], ...]
    muted_topics: tuple[tuple[int, int], ...]
    carried: tuple[int, ...]
    mutes: tuple[tuple[str, str], ...]
    locale: str
    format: str
    length: str

    def key(self) -> str:
        """SHA-256 of everything the selection depends on; the same on every machine."""
        return hashlib.sha256(json.dumps(self, separators=(",", ":")).encode()).hexdigest()


@dataclass(slots=True)
class Pool:
    """What some people's mails are chosen from: matches by topic in the order of release, and facts of articles."""

    release_no: int
    matches: dict[int, list[Found]] = field(default_factory=lambda: defaultdict(list))
    carried: dict[int, dict[int, Found]] = field(default_factory=lambda: defaultdict(dict))
    facts: dict[int, Facts] = field(default_factory=dict)
    said: dict[str, frozenset[int]] = field(default_factory=dict)
    """Of each muted query the articles that say so."""

    def window(self, topic: int, since: int) -> int | None:
        """The release of the topic's first match after `since`; None if nothing came."""
        found = self.matches.get(topic, ())
        place = bisect_right(found, since, key=lambda one: one.release_no)
        return found[place].release_no if place < len(found) else None

    def found(self, topic: int, start: int) -> Sequence[Found]:
        """The topic's matches from the release `start` on."""
        found = self.matches.get(topic, [])
        return found[bisect_right(found, start - 1, key=lambda one: one.release_no) :]


@dataclass(slots=True)
class Wishes:
    """The distinct selections of some people and who shares them; `compose` makes the row of one."""

    pool: Pool
    titles: RecentTitles
    by_key: dict[str, list[Any]] = field(default_factory=dict)
    wish_of: dict[str, Wish] = field(default_factory=dict)
    without_news: list[int] = field(default_factory=list)

    def add(self, person: Reader, wish: Wish) -> None:
        """Count a person in: under the key of the wish, or among those without news."""
        if not (wish.topics or wish.muted_topics):
            self.without_news.append(person.id)
            return
        key = wish.key()
        self.wish_of[key] = wish
        self.by_key.setdefault(key, []).append(person)

    def compose(self, key: str, *, now: datetime) -> dict[str, Any]:
        """The values of the Content row for a key; `now` is the edition's due time."""
        wish = self.wish_of[key]
        candidates, muted = mutes.apply(_candidates(self.pool, wish), wish.mutes, self.pool.said)
        chosen = choose(
            candidates,
            topics=[topic for topic, _ in wish.topics],
            limits=LIMITS[MailLength(wish.length)],
            now=now,
            alike=self._alike(candidates, now=now),
            less=mutes.less_of(wish.mutes),
        )
        muted = [*muted, *chosen.muted, *_silenced(self.pool, wish)]
        return {
            "key": key,
            "language": wish.locale,
            "format": wish.format,
            "length": wish.length,
            "topics": [list(pair) for pair in wish.topics],
            "selection": {**asdict(chosen), "muted": muted},
            "item_count": len(chosen.shown),
            "promos": [],
        }

    def _alike(self, candidates: Sequence[Candidate], *, now: datetime) -> dict[int, frozenset[int]]:
        """Which of the candidates may be folded together."""
        facts = self.pool.facts
        headlines = [
            Headline(
                one.article_id,
                facts[one.article_id].title,
                facts[one.article_id].language,
                one.source,
                one.effective_at,
                one.story_id,
            )
            for one in candidates
        ]
        return alike(headlines, lambda: self.titles.counts(now=now))


def gather(
    session: Session,
    people: Sequence[Reader],
    *,
    release_no: int,
    local_date: date,
    carried: Mapping[int, LeftOver],
) -> Wishes:
    """The distinct selections of these people for a release; `carried` maps a subscriber to what was left over."""
    ids = [one.id for one in people]
    follows = _subscriptions(session, ids)
    muted = mutes.of(session, ids, local_date=local_date)
    waiting = {one.id: _still_waiting(carried.get(one.id), one.last_release) for one in people}
    pool = _pool(session, people, follows, release_no=release_no, carried=waiting)
    wishes = Wishes(pool, RecentTitles(session))
    for person in people:
        wishes.add(
            person,
            _wish(
                person,
                follows.get(person.id, []),
                pool=pool,
                carried=waiting[person.id],
                muted=muted.get(person.id, ()),
                local_date=local_date,
            ),
        )
    _hear(session, pool, wishes.wish_of.values())
    return wishes


def _still_waiting(left: LeftOver | None, last_release: int) -> tuple[int, ...]:
    """What was carried, unless a later edition settled it without a mail (all of it was muted)."""
    return left.articles if left is not None and left.release_no >= last_release else ()


def _hear(session: Session, pool: Pool, wishes: Iterable[Wish]) -> None:
    """Find out which articles say what somebody muted: only of the few in those people's mails."""
    queries: set[str] = set()
    articles: set[int] = set()
    for wish in wishes:
        if muted_words := mutes.words(wish.mutes):
            queries |= muted_words
            articles.update(one.article_id for one in _candidates(pool, wish))
    if queries and articles:
        pool.said = mutes.saying(queries, _texts(session, articles))


def _texts(session: Session, articles: set[int]) -> list[ArticleText]:
    rows = [
        row
        for batch in in_batches(sorted(articles))
        for row in session.execute(select(*COLUMNS).where(col(Article.id).in_(batch)))
    ]
    return [one.text for one in article_texts(session, rows)]


def carried_by(session: Session, contents: Mapping[int, int]) -> dict[int, LeftOver]:
    """What each subscriber's last content left over, by subscriber; `contents` maps subscriber to content."""
    left: dict[int, LeftOver] = {}
    for batch in in_batches(sorted(set(contents.values()))):
        rows = session.execute(
            select(col(Content.id), col(Content.selection), col(Edition.release_no))
            .join(Edition, col(Edition.id) == col(Content.edition_id))
            .where(col(Content.id).in_(batch))
        )
        left.update(
            {
                content_id: LeftOver(release_no, tuple(chosen["carried"]))
                for content_id, chosen, release_no in rows
                if chosen.get("carried")
            }
        )
    return {subscriber: left[content] for subscriber, content in contents.items() if content in left}


class Follow(NamedTuple):
    """One topic a person follows."""

    topic_id: int
    since_release: int
    muted_until: date | None


def _subscriptions(session: Session, ids: Sequence[int]) -> dict[int, list[Follow]]:
    """What each person follows, in the reader's own order; expired and broken topics are left out."""
    follows: dict[int, list[Follow]] = defaultdict(list)
    for batch in in_batches(ids):
        rows = session.execute(
            select(
                col(Subscription.subscriber_id),
                col(Subscription.topic_id),
                col(Subscription.since_release),
                col(Subscription.muted_until),
            )
            .join(Topic, col(Topic.id) == col(Subscription.topic_id))
            .where(col(Subscription.subscriber_id).in_(batch), col(Topic.state) == TopicState.ACTIVE)
            .order_by(col(Subscription.subscriber_id), col(Subscription.position), col(Subscription.topic_id))
        )
        for subscriber, *follow in rows:
            follows[subscriber].append(Follow(*follow))
    return follows


def _pool(
    session: Session,
    people: Iterable[Reader],
    follows: Mapping[int, Sequence[Follow]],
    *,
    release_no: int,
    carried: Mapping[int, Sequence[int]],
) -> Pool:
    oldest: dict[int, int] = {}
    for person in people:
        for follow in follows.get(person.id, ()):
            since = max(person.last_release, follow.since_release)
            oldest[follow.topic_id] = min(oldest.get(follow.topic_id, since), since)
    pool = Pool(release_no)
    _load_matches(session, pool, oldest)
    _load_carried(session, pool, {article for left in carried.values() for article in left})
    articles = {one.article_id for found in pool.matches.values() for one in found} | set(pool.carried)
    for batch in in_batches(sorted(articles)):
        rows = session.execute(
            select(
                col(Article.id),
                col(Article.effective_at),
                col(Article.source),
                col(Article.story_id),
                col(Feed.weight),
                col(Article.title),
                col(Article.language),
            )
            .outerjoin(Feed, col(Feed.id) == col(Article.feed_id))
            .where(col(Article.id).in_(batch))
        )
        pool.facts.update(
            {
                article: Facts(at, source, story, weight or 0.0, title, language)
                for article, at, source, story, weight, title, language in rows
            }
        )
    return pool


_FOUND = (
    col(Match.topic_id),
    col(Article.release_no),
    col(Match.article_id),
    col(Match.score),
    col(Match.field),
    col(Match.term),
)


def _load_matches(session: Session, pool: Pool, oldest: Mapping[int, int]) -> None:
    if not oldest:
        return
    since = min(oldest.values())
    for batch in in_batches(sorted(oldest)):
        rows = session.execute(
            select(*_FOUND)
            .join(Article, col(Article.id) == col(Match.article_id))
            .where(
                col(Match.topic_id).in_(batch),
                col(Article.release_no) > since,
                col(Article.release_no) <= pool.release_no,
            )
            .order_by(col(Match.topic_id), col(Article.release_no), col(Match.article_id))
        )
        for topic, *found in rows:
            pool.matches[topic].append(Found(*found))


def _load_carried(session: Session, pool: Pool, articles: set[int]) -> None:
    for batch in in_batches(sorted(articles)):
        rows = session.execute(
            select(*_FOUND)
            .join(Article, col(Article.id) == col(Match.article_id))
            .where(col(Match.article_id).in_(batch))
        )
        for topic, *found in rows:
            pool.carried[found[1]][topic] = Found(*found)


def _wish(
    person: Reader,
    follows: Sequence[Follow],
    *,
    pool: Pool,
    carried: Sequence[int],
    muted: Sequence[tuple[str, str]],
    local_date: date,
) -> Wish:
    topics: list[tuple[int, int]] = []
    muted_topics: list[tuple[int, int]] = []
    again: set[int] = set()
    for follow in follows:
        start = pool.window(follow.topic_id, max(person.last_release, follow.since_release))
        is_muted = follow.muted_until is not None and follow.muted_until >= local_date
        left = [one for one in carried if follow.topic_id in pool.carried.get(one, ())]
        again.update(left)
        if start is not None or left:
            (muted_topics if is_muted else topics).append((follow.topic_id, start or pool.release_no + 1))
    return Wish(
        tuple(topics),
        tuple(muted_topics),
        tuple(sorted(again)),
        tuple(muted),
        person.locale,
        person.format,
        person.length,
    )


def _candidates(pool: Pool, wish: Wish) -> list[Candidate]:
    hits: dict[int, list[TopicHit]] = defaultdict(list)
    for topic, start in wish.topics:
        for one in _matches(pool, wish, topic, start):
            hits[one.article_id].append(TopicHit(topic, one.score, one.field, one.term))
    carried = set(wish.carried)
    return [
        Candidate(article, *pool.facts[article][:4], is_carried=article in carried, hits=tuple(found))
        for article, found in sorted(hits.items())
    ]


def _matches(pool: Pool, wish: Wish, topic: int, start: int) -> Iterator[Found]:
    """What a topic brings: its window, and what was left over of it."""
    fresh = pool.found(topic, start)
    yield from fresh
    seen = {one.article_id for one in fresh}
    for article in wish.carried:
        if topic in pool.carried[article] and article not in seen:
            yield pool.carried[article][topic]


def _silenced(pool: Pool, wish: Wish) -> list[tuple[int, str]]:
    """What only topics brought that the reader does not want to hear of for a while."""
    silent = {
        one.article_id for topic, start in wish.muted_topics for one in _matches(pool, wish, topic, start)
    }
    heard = {one.article_id for topic, start in wish.topics for one in _matches(pool, wish, topic, start)}
    return [(article, "topic") for article in sorted(silent - heard)]
