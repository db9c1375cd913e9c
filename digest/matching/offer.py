"""News similar to one article: which topics it stands under, and the query we propose for what else is like it.

The article is looked up among ours and never fetched. What is offered becomes a topic only when somebody confirms it:
the proposal as it stands is one topic for all who take it, an edited one is the reader's own.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, select
from sqlmodel import Session, col

from digest.feeds.keys import ALL_FEEDS
from digest.feeds.models import Article, ArticleKey, ArticleState, KeyKind
from digest.feeds.urls import canonical_url, url_key
from digest.matching.article import ArticleText, read
from digest.matching.models import Match
from digest.matching.preview import DAYS
from digest.matching.query import parse_query
from digest.matching.recent import recent_titles
from digest.matching.sample import samples_of
from digest.matching.stored import COLUMNS, article_texts
from digest.matching.terms import PROPOSED, as_typed, proposal, similar_query
from subscribers.choices import OwnTopic
from subscribers.models import Topic, TopicKind, TopicState

NEAREST: Final = 20
"""Articles whose topics are offered for one that stands under none."""
NEARBY: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarOffer:
    """What the page shows of an article: slugs to tick, slugs to leave unticked, the query, two further words.

    `nearby` is empty if `topics` is not; `query` is canonical, and empty if the article says nothing to search for.
    """

    article_id: int
    title: str
    source: str
    topics: tuple[str, ...]
    nearby: tuple[str, ...]
    query: str
    more: tuple[str, ...]


def similar_offer(session: Session, url: str, *, now: datetime) -> SimilarOffer | None:
    """What can be offered to somebody who reads the article at `url`; None for an address that is not among ours."""
    row = _article(session, url)
    if row is None:
        return None
    text = article_texts(session, [row])[0].text
    terms = proposal(text, samples_of(session).sample(session, days=DAYS, now=now).frequencies)
    topics = _topics(session, text.id)
    return SimilarOffer(
        article_id=text.id,
        title=text.title,
        source=text.source,
        topics=topics,
        nearby=() if topics else _nearby(session, text, now=now),
        query=similar_query(terms[:PROPOSED], language=read(text).language),
        more=tuple(as_typed(term) for term in terms[PROPOSED:]),
    )


def similar_topic(offer: SimilarOffer, typed: str) -> OwnTopic:
    """What somebody asks for who sent `typed` with an offer; raises `QueryError`."""
    query = str(parse_query(typed))
    if query == offer.query:
        return OwnTopic(query=query, typed=typed, name=offer.title, article=offer.article_id)
    return OwnTopic(query=query, typed=typed, name=typed[:200])


def _article(session: Session, url: str) -> Row[Any] | None:
    """The article at an address, under any address it ever had."""
    key = url_key(canonical_url(url))
    if not key:
        return None
    known = select(col(ArticleKey.article_id)).where(
        col(ArticleKey.scope) == ALL_FEEDS,
        col(ArticleKey.kind) == KeyKind.URL,
        col(ArticleKey.sha256) == sha256(key.encode()).hexdigest(),
    )
    is_ours = col(Article.id).in_(known) & (col(Article.state) != ArticleState.WITHDRAWN)
    return session.execute(select(*COLUMNS).where(is_ours).order_by(col(Article.id))).first()


def _topics(session: Session, article_id: int) -> tuple[str, ...]:
    """The publisher's topics an article stands under, the strongest first."""
    matches = (
        select(col(Topic.slug))
        .join(Match, col(Match.topic_id) == col(Topic.id))
        .where(col(Match.article_id) == article_id, _is_offered())
    )
    return tuple(session.execute(matches.order_by(col(Match.score).desc(), col(Topic.slug))).scalars())


def _nearby(session: Session, text: ArticleText, *, now: datetime) -> tuple[str, ...]:
    """The publisher's topics under which most of the nearest articles stand."""
    nearest = recent_titles(session).nearest(session, text, limit=NEAREST, now=now)
    counts = Counter(_slugs(session, nearest))
    return tuple(sorted(counts, key=lambda slug: (-counts[slug], slug))[:NEARBY])


def _slugs(session: Session, articles: Sequence[int]) -> Sequence[str]:
    matches = select(col(Topic.slug)).join(Match, col(Match.topic_id) == col(Topic.id))
    return session.execute(matches.where(col(Match.article_id).in_(articles), _is_offered())).scalars().all()


def _is_offered() -> ColumnElement[bool]:
    return (col(Topic.kind) == TopicKind.CURATED) & (col(Topic.state) == TopicState.ACTIVE)
