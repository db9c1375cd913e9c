"""Rows with sensible defaults: a test names only what matters to it."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from digest.feeds.models import Article, ArticleState, Feed, FeedState, Trust
from subscribers.models import Cadence, Subscriber, Subscription, Topic, TopicKind

DAY = timedelta(days=1)


def make_subscriber(session: Session, name: str = "ann", *, now: datetime, **values: Any) -> Subscriber:
    """Ann, Ben, Cleo or a number: an active, confirmed daily reader."""
    address = values.pop("address", f"{name}@example.org")
    subscriber = Subscriber(
        address=address, address_key=address.lower(), created_at=now - DAY, confirmed_at=now - DAY, **values
    )
    session.add(subscriber)
    session.flush()
    return subscriber


def make_topic(session: Session, slug: str = "ki", *, now: datetime, **values: Any) -> Topic:
    """A curated topic whose query is its slug unless given."""
    query = values.pop("query", slug.upper() if len(slug) < 3 else slug)
    defaults = {"name": slug.capitalize(), "typed": query, "kind": TopicKind.CURATED} | values
    topic = Topic(slug=slug, query=query, created_at=now - DAY, **defaults)
    session.add(topic)
    session.flush()
    return topic


def subscribe(session: Session, subscriber: Subscriber, *topics: Topic, now: datetime) -> None:
    """Let a subscriber follow topics, in this order."""
    for position, topic in enumerate(topics):
        session.add(
            Subscription(
                subscriber_id=subscriber.id, topic_id=topic.id, position=position, created_at=now - DAY
            )
        )
    session.flush()


def make_feed(
    session: Session, url: str = "https://feed.example.org/rss", *, now: datetime, **values: Any
) -> Feed:
    """An active feed of the publisher's own, past its baseline."""
    defaults = {
        "original_url": url,
        "url_key": url.split("://", 1)[-1],
        "title": "Beispielfeed",
        "trust": Trust.OWN,
        "state": FeedState.ACTIVE,
        "baseline_done": True,
    } | values
    feed = Feed(url=url, next_check_at=now, state_since=now, created_at=now - DAY, **defaults)
    session.add(feed)
    session.flush()
    return feed


def make_article(session: Session, feed: Feed, title: str, *, now: datetime, **values: Any) -> Article:
    """An eligible, unmatched article of the last hour."""
    number = values.pop("number", abs(hash(title)) % 10**8)
    defaults = {
        "link": f"https://news.example.org/artikel/{number}",
        "summary": f"{title}. Mehr dazu im Artikel.",
        "language": "de",
        "source": feed.title,
        "state": ArticleState.ELIGIBLE,
        "published_at": now - timedelta(hours=1),
        "effective_at": now - timedelta(hours=1),
    } | values
    article = Article(feed_id=feed.id, title=title, first_seen_at=now, last_seen_at=now, **defaults)
    session.add(article)
    session.flush()
    return article


def weekly(weekday: int) -> dict[str, Any]:
    """Values of a weekly reader."""
    return {"cadence": Cadence.WEEKLY, "weekday": weekday}
