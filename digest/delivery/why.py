"""Why somebody did, did not, or will get an article: read from the rows alone."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from digest.delivery.models import Delivery, DeliveryState
from digest.editions.models import Content, Edition
from digest.feeds.models import Article, ArticleKey, ArticleState, KeyKind
from digest.feeds.reasons import in_words
from digest.feeds.urls import canonical_url, url_key
from digest.matching.explain import explain
from digest.matching.models import Match
from digest.matching.query import parse_query
from digest.matching.stored import COLUMNS, article_texts
from subscribers.models import Mute, MuteKind, Subscriber, SubscriberState, Subscription, Topic


class Outcome(StrEnum):
    """The answer in a word."""

    UNKNOWN_ARTICLE = "unknown_article"
    NOT_ELIGIBLE = "not_eligible"
    NOT_MATCHED_YET = "not_matched_yet"
    NO_MATCH = "no_match"
    BEFORE_SUBSCRIPTION = "before_subscription"
    SENT = "sent"
    ON_ITS_WAY = "on_its_way"
    NOT_SENT = "not_sent"
    FOLDED = "folded"
    CARRIED = "carried"
    EXPIRED = "expired"
    MUTED = "muted"
    PENDING = "pending"
    PAUSED = "paused"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome and its reasons, each a sentence."""

    outcome: Outcome
    reasons: list[str]


_WAITING = frozenset({DeliveryState.PLANNED, DeliveryState.DEFERRED, DeliveryState.IN_DATA})


def why(session: Session, person: Subscriber, url: str) -> Answer:
    """Explain one article to one person."""
    article = find_article(session, url)
    if article is None:
        return Answer(Outcome.UNKNOWN_ARTICLE, [f"No article with the address {url} is known."])
    matches = _matches(session, person, article)
    told = list(_placements(session, person, article))
    if told:
        outcome, sentences = told[-1]
        return Answer(outcome, [*sentences, *_because(matches)])
    if article.state is not ArticleState.ELIGIBLE:
        reason = in_words(article.state_reason) or "no reason given"
        return Answer(
            Outcome.NOT_ELIGIBLE, [f"The article is {article.state.value} ({reason}): no edition takes it."]
        )
    if article.matched_at is None:
        return Answer(
            Outcome.NOT_MATCHED_YET, ["The article was just gathered; topics are matched within seconds."]
        )
    if not matches:
        return Answer(Outcome.NO_MATCH, list(_misses(session, person, article)))
    return _waiting(session, person, article, matches)


def find_article(session: Session, url: str) -> Article | None:
    """The article of an address, in any of its spellings; the key of all feeds counts before that of one."""
    keys = [hashlib.sha256(url_key(url).encode()).hexdigest()]
    known = select(col(ArticleKey.article_id)).where(
        col(ArticleKey.sha256).in_(keys), col(ArticleKey.kind).in_([KeyKind.URL, KeyKind.LINK])
    )
    found = session.execute(known.order_by(col(ArticleKey.scope))).scalars().first()
    if found is not None:
        return session.get(Article, found)
    return session.execute(select(Article).where(col(Article.link) == canonical_url(url))).scalars().first()


def _matches(session: Session, person: Subscriber, article: Article) -> list[tuple[Topic, Match, int]]:
    rows = session.execute(
        select(Topic, Match, col(Subscription.since_release))
        .join(Match, col(Match.topic_id) == Topic.id)
        .join(Subscription, col(Subscription.topic_id) == Topic.id)
        .where(col(Match.article_id) == article.id, col(Subscription.subscriber_id) == person.id)
        .order_by(col(Subscription.position))
    )
    return [(row[0], row[1], row[2]) for row in rows]


def _because(matches: list[tuple[Topic, Match, int]]) -> list[str]:
    return [f"{topic.name}: “{match.term}” in {match.field}." for topic, match, _ in matches]


def _placements(
    session: Session, person: Subscriber, article: Article
) -> Iterator[tuple[Outcome, list[str]]]:
    """What became of the article in each of the person's editions, oldest first."""
    rows = session.execute(
        select(Delivery, Edition, col(Content.selection))
        .join(Content, col(Content.id) == Delivery.content_id)
        .join(Edition, col(Edition.id) == Delivery.edition_id)
        .where(col(Delivery.subscriber_id) == person.id)
        .order_by(col(Delivery.id))
    )
    for delivery, edition, selection in rows:
        place = _place(selection, article.id)
        if place is not None:
            yield _told(place, delivery, edition)


def _place(selection: dict[str, Any], article_id: int) -> str | None:
    if any(item[0] == article_id for item in selection["shown"]):
        return "shown"
    for name in ("folded", "muted"):
        if any(pair[0] == article_id for pair in selection[name]):
            return name
    return next((name for name in ("carried", "expired") if article_id in selection[name]), None)


def _told(place: str, delivery: Delivery, edition: Edition) -> tuple[Outcome, list[str]]:
    name = f"the edition of {edition.local_date} ({edition.local_time} {edition.timezone})"
    sentences = {
        "folded": (Outcome.FOLDED, f"In {name} it stands under another source's article of the same story."),
        "carried": (Outcome.CARRIED, f"It did not fit into {name} and comes with the next one."),
        "expired": (Outcome.EXPIRED, f"It was over the limit of {name} a second time."),
        "muted": (Outcome.MUTED, f"It was muted in {name}."),
    }
    if place in sentences:
        outcome, sentence = sentences[place]
        return outcome, [sentence]
    if delivery.state is DeliveryState.SENT:
        return Outcome.SENT, [f"It was sent in {name}."]
    if delivery.state in _WAITING:
        return Outcome.ON_ITS_WAY, [f"It stands in {name}, which is {delivery.state.value}."]
    return Outcome.NOT_SENT, [f"It stood in {name}, which is {delivery.state.value} ({delivery.reason})."]


def _misses(session: Session, person: Subscriber, article: Article) -> Iterator[str]:
    """For each of the person's topics, why it does not match."""
    row = session.execute(select(*COLUMNS).where(col(Article.id) == article.id)).one()
    (stored,) = article_texts(session, [row])
    topics = session.execute(
        select(Topic)
        .join(Subscription, col(Subscription.topic_id) == Topic.id)
        .where(col(Subscription.subscriber_id) == person.id)
        .order_by(col(Subscription.position))
    ).scalars()
    for topic in topics:
        found = explain(parse_query(topic.query), stored.text)
        words = f": {', '.join(found.words)}" if found.words else ""
        yield f"{topic.name} ({topic.query}) does not match, {found.verdict.value.replace('_', ' ')}{words}."


def _muted_by(session: Session, person: Subscriber, article: Article) -> str:
    """The mute that keeps an article out even where nothing else was left to send; empty if none does."""
    mutes = session.execute(select(Mute).where(col(Mute.subscriber_id) == person.id)).scalars()
    is_about = {MuteKind.SOURCE: article.source, MuteKind.STORY: str(article.story_id)}
    return next((one.label or one.value for one in mutes if is_about.get(one.kind) == one.value), "")


def _waiting(
    session: Session, person: Subscriber, article: Article, matches: list[tuple[Topic, Match, int]]
) -> Answer:
    since = min(max(person.last_release, since) for _, _, since in matches)
    if article.release_no is not None and article.release_no <= since:
        if mute := _muted_by(session, person, article):
            return Answer(Outcome.MUTED, [f"This reader muted {mute}.", *_because(matches)])
        return Answer(
            Outcome.BEFORE_SUBSCRIPTION,
            ["It was released before this person followed a topic that matches it.", *_because(matches)],
        )
    if person.state is not SubscriberState.ACTIVE:
        outcome = Outcome.PAUSED if person.state is SubscriberState.PAUSED else Outcome.UNSUBSCRIBED
        return Answer(outcome, [f"It matches, but this person is {person.state.value}.", *_because(matches)])
    return Answer(Outcome.PENDING, ["It comes with the next edition.", *_because(matches)])
