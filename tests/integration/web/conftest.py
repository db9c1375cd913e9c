"""A served site with Ann, the publisher's topics and three articles; each test has its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session, SQLModel, select

from digest.db import Database
from digest.delivery.models import Delivery
from digest.editions.models import Release
from digest.matching.models import Match
from digest.settings import Settings
from subscribers.models import Consent, SignupRequest, Subscriber
from subscribers.tokens import Purpose
from tests.support.factories import make_article, make_feed, make_subscriber, make_topic, subscribe
from tests.support.site import Clock, RunningSite, running_site

TOPICS = {"ki": "Künstliche Intelligenz", "raumfahrt": "Raumfahrt", "ukraine": "Ukraine-Konflikt"}
TITLES = {
    "ki": "Neuer Chip beschleunigt KI um das Zehnfache",
    "raumfahrt": "Raumfahrt: Sonde erreicht den Mond",
    "ukraine": "Rutte sucht nach Lösungen für den Ukraine-Konflikt",
}


@dataclass(slots=True)
class Story:
    """The site and those who are known to it."""

    site: RunningSite
    ann: UUID

    def rows(self, table: type[SQLModel]) -> list[Any]:
        """All rows of a table."""
        with self.site.db.read() as session:
            return list(session.exec(select(table)))

    def one(self, table: type[SQLModel]) -> Any:
        """The only row of a table."""
        (row,) = self.rows(table)
        return row

    def person(self, name: str = "ann") -> Any:
        """A subscriber by name, or None."""
        return next((one for one in self.rows(Subscriber) if one.address == f"{name}@example.org"), None)

    def mails(self, kind: str) -> list[Any]:
        """The mails of a kind that are owed or sent."""
        return [one for one in self.rows(Delivery) if one.kind == kind]

    def events(self) -> list[str]:
        """The kinds of all events of consent, in their order."""
        return [one.kind for one in sorted(self.rows(Consent), key=lambda one: one.seq)]

    def path(self, purpose: Purpose, subject: UUID | None = None, **claims: Any) -> str:
        """The path of a link as a mail holds it."""
        prefix = {
            Purpose.CONFIRM: "/confirm/",
            Purpose.UNSUBSCRIBE: "/u/",
            Purpose.PREFERENCES: "/p/",
            Purpose.ACCOUNT: "/p/",
            Purpose.MUTE: "/m/",
            Purpose.VIEW: "/v/",
            Purpose.FEED: "/feed/",
        }[purpose]
        ending = ".xml" if purpose is Purpose.FEED else ""
        return prefix + self.site.token(purpose, subject or self.ann, **claims) + ending

    def sign_up(self, email: str = "ben@example.org", **fields: Any) -> Any:
        """A form sent by a browser without script."""
        return self.site.client.post("/subscribe", data={"email": email, "topic": ["ki"]} | fields)

    def confirm_path(self, email: str = "ben@example.org") -> str:
        """The path in the confirmation mail to an address."""
        request = next(one for one in self.rows(SignupRequest) if one.address == email)
        return self.path(Purpose.CONFIRM, request.public_id)


def tell(session: Session, *, now: datetime) -> UUID:
    """Write the story down: three topics, an article on each in release 1, and Ann, who follows two of them."""
    topics = {
        slug: make_topic(session, slug, name=name, query=name, now=now) for slug, name in TOPICS.items()
    }
    feed = make_feed(session, now=now)
    session.add(Release(no=1, cut_at=now, articles=len(TITLES)))
    for number, (slug, title) in enumerate(TITLES.items(), start=1):
        article = make_article(
            session, feed, title, number=number, story_id=number, release_no=1, matched_at=now, now=now
        )
        match = {"field": "title", "term": TOPICS[slug], "score": 1.0, "matched_at": now}
        session.add(Match(article_id=article.id, topic_id=topics[slug].id, **match))
    ann = make_subscriber(session, "ann", now=now)
    subscribe(session, ann, topics["ki"], topics["ukraine"], now=now)
    return ann.public_id


@pytest.fixture
def clock(now: datetime) -> Clock:
    """A clock that stands still until the test moves it."""
    return Clock(now)


@pytest.fixture
def story(sqlite_url: str, settings: Settings, clock: Clock) -> Iterator[Story]:
    """The story on SQLite."""
    db = Database(sqlite_url)
    yield from _told(db, settings, clock)


@pytest.fixture
def both(db: Database, settings: Settings, clock: Clock) -> Iterator[Story]:
    """The story on SQLite and on PostgreSQL, one after the other."""
    yield from _told(db, settings, clock)


def _told(db: Database, settings: Settings, clock: Clock) -> Iterator[Story]:
    with db.write() as session:
        ann = tell(session, now=clock.now)
    with running_site(db, settings, clock) as site:
        yield Story(site, ann)
    db.close()
