"""What belongs into whose mail: the window of each person, reduced to the few distinct selections behind it.

Two people share a content if the articles in their windows are the same, whatever their cursors say: a topic takes part
with the release of its first match in the window, and a topic without a match not at all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, groupby
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

from sqlalchemy import select
from sqlmodel import Session, col

from digest.db import in_batches
from digest.editions import mutes
from digest.editions.choice import Choice, Wish
from digest.editions.models import Content, Edition
from digest.editions.news import EditionNews
from digest.editions.pool import Pool
from digest.feeds.models import Article
from digest.matching.article import ArticleText
from digest.matching.stored import COLUMNS, article_texts
from subscribers.models import Subscription, Topic, TopicState


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


class LeftOver(NamedTuple):
    """What the last content of a person carries, and up to which release that content tells."""

    release_no: int
    articles: tuple[int, ...]


Follow = tuple[int, int, date | None]
"""One topic a person follows: its id, the release since which, and until when it is muted."""
_FOLLOW: Final = itemgetter(1, 2, 3)


@dataclass(slots=True)
class Wishes:
    """The distinct selections of some people and who shares them; `compose` makes the row of one."""

    choice: Choice
    by_key: dict[str, list[Any]] = field(default_factory=dict)
    wish_of: dict[str, Wish] = field(default_factory=dict)
    without_news: list[int] = field(default_factory=list)

    def add(self, person: Reader, key: str | None) -> None:
        """Count a person in: under the key of the wish, or among those without news."""
        if key is None:
            self.without_news.append(person.id)
        else:
            self.by_key.setdefault(key, []).append(person)

    def note(self, wish: Wish) -> str | None:
        """The key of a wish, which is now known; None if it holds no news."""
        if not (wish.topics or wish.muted_topics):
            return None
        key = wish.key()
        self.wish_of[key] = wish
        return key

    def compose(self, key: str) -> dict[str, Any]:
        """The values of the Content row for a key."""
        return {"key": key, **self.choice.content(self.wish_of[key])}


def gather(
    session: Session,
    people: Sequence[Reader],
    *,
    edition: Edition,
    carried: Mapping[int, LeftOver],
    news: EditionNews,
    had: Mapping[int, Mapping[int, int]] = MappingProxyType({}),
) -> Wishes:
    """The distinct selections of these people for an edition.

    `carried` maps a subscriber to what was left over, `had` to how often each promo came.
    """
    worn = {person: news.worn(session, promos) for person, promos in had.items()}
    wants = _wants(session, people, local_date=edition.local_date, carried=carried, worn=worn)
    distinct = dict.fromkeys(wants)
    choice = news.choice(
        session,
        oldest=_oldest(distinct),
        carried=chain.from_iterable(one.carried for one in distinct),
    )
    wishes = Wishes(choice)
    keys: dict[_Wants, str | None] = {}
    for one in distinct:
        wish = _wish(one, pool=choice.pool, local_date=edition.local_date)
        keys[one] = wishes.note(_with_promos(session, wish, news=news, worn=one.worn))
    for person, wanted in zip(people, wants, strict=True):
        wishes.add(person, keys[wanted])
    choice.said = _said(session, choice.pool, wishes.wish_of.values())
    return wishes


class _Wants(NamedTuple):
    """All that a person's wish is made of; who wants the same gets the same."""

    follows: tuple[Follow, ...]
    last_release: int
    carried: tuple[int, ...]
    mutes: tuple[tuple[str, str], ...]
    locale: str
    format: str
    length: str
    worn: tuple[int, ...]
    """The promos that came often enough."""


def _wants(
    session: Session,
    people: Sequence[Reader],
    *,
    local_date: date,
    carried: Mapping[int, LeftOver],
    worn: Mapping[int, tuple[int, ...]],
) -> list[_Wants]:
    """What each of these people wants."""
    ids = [one.id for one in people]
    follows = _subscriptions(session, ids)
    muted = mutes.of(session, ids, local_date=local_date)
    return [
        _Wants(
            follows.get(one.id, ()),
            one.last_release,
            _still_waiting(carried.get(one.id), one.last_release),
            tuple(muted.get(one.id, ())),
            one.locale,
            one.format,
            one.length,
            worn.get(one.id, ()),
        )
        for one in people
    ]


def _wish(wants: _Wants, *, pool: Pool, local_date: date) -> Wish:
    topics: list[tuple[int, int]] = []
    muted_topics: list[tuple[int, int]] = []
    again: set[int] = set()
    left_over = pool.left_over(wants.carried)
    for topic, since, muted_until in wants.follows:
        start = pool.start(topic, max(wants.last_release, since))
        left = left_over.get(topic, ())
        again.update([one.article_id for one in left])
        if start is not None or left:
            is_muted = muted_until is not None and muted_until >= local_date
            (muted_topics if is_muted else topics).append((topic, start or pool.release_no + 1))
    return Wish(tuple(topics), tuple(muted_topics), tuple(sorted(again)), *wants[3:7])


def _with_promos(session: Session, wish: Wish, *, news: EditionNews, worn: tuple[int, ...]) -> Wish:
    topics = [topic for topic, _ in wish.topics]
    return wish._replace(promos=news.promos(session, language=wish.locale, topics=topics, worn=worn))


def _oldest(wants: Iterable[_Wants]) -> dict[int, int]:
    """Of each topic the release after which somebody has seen nothing of it."""
    oldest: dict[int, int] = {}
    for one in wants:
        for topic, since, _ in one.follows:
            begin = max(one.last_release, since)
            if begin < oldest.get(topic, begin + 1):
                oldest[topic] = begin
    return oldest


def _still_waiting(left: LeftOver | None, last_release: int) -> tuple[int, ...]:
    """What was carried, unless a later edition settled it without a mail (all of it was muted)."""
    return left.articles if left is not None and left.release_no >= last_release else ()


def _said(session: Session, pool: Pool, wishes: Iterable[Wish]) -> dict[str, frozenset[int]]:
    """Which articles say what somebody muted: only of the few in those people's mails."""
    queries: set[str] = set()
    articles: set[int] = set()
    for wish in wishes:
        if muted_words := mutes.words(wish.mutes):
            queries |= muted_words
            articles.update(wish.carried)
            articles.update(hit.article_id for pair in wish.topics for hit in pool.hits(*pair)[0])
    return mutes.saying(queries, _texts(session, articles)) if queries and articles else {}


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


def _subscriptions(session: Session, ids: Sequence[int]) -> dict[int, tuple[Follow, ...]]:
    """What each person follows, in the reader's own order; expired and broken topics are left out."""
    follows: dict[int, tuple[Follow, ...]] = {}
    for batch in in_batches(ids):
        rows = session.connection().execute(  # plain rows: there are more of them than of anything else
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
        for subscriber, group in groupby(rows.all(), key=itemgetter(0)):
            follows[subscriber] = tuple(map(_FOLLOW, group))
    return follows
