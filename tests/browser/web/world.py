"""Readers in every state a page can find them in, written once through the database; each language has its own."""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session, select

from digest.editions.models import Content, Edition
from digest.feeds.keys import ALL_FEEDS
from digest.feeds.models import Article, ArticleKey, Feed, KeyKind
from digest.feeds.urls import canonical_url, url_key
from digest.matching.models import Match
from subscribers.choices import Choices, OwnTopic
from subscribers.models import (
    Cadence,
    MailFormat,
    MailLength,
    Mute,
    MuteKind,
    RequestKind,
    SignupRequest,
    Subscriber,
    SubscriberState,
    Topic,
    TopicKind,
    TopicState,
)
from subscribers.tokens import Purpose
from tests.integration.web.conftest import Story
from tests.support.factories import make_article, make_subscriber, make_topic, subscribe

ARTICLE_URL = "https://news.example.org/artikel/3"
OFFERED = {
    "bahn": ("Bahn und Nahverkehr", "de"), "klima": ("Klima und Energie", "de"), "gesundheit": ("Gesundheit", "de"),
    "wohnen": ("Bauen und Wohnen", "de"), "it-sicherheit": ("IT-Sicherheit", "de"), "mond": ("Mondmissionen", "de"),
    "datenschutz": ("Datenschutz", "de"), "e-autos": ("Elektroautos", "de"), "forschung": ("Forschung", "de"),
    "space": ("Space", "en"), "climate": ("Climate and energy", "en"), "privacy": ("Privacy", "en"),
}  # fmt: skip
HEADLINES = {
    "Windkraft auf See: Sechs neue Parks bis 2030": "klima",
    "Studie: Windkraft und Vögel vertragen sich besser als gedacht": "klima",
    "Nachtzüge nach Süden kommen zurück, aber nicht überall": "bahn",
    "Angreifer nutzen Lücke in weit verbreiteter Firmensoftware": "it-sicherheit",
}


@dataclass(slots=True)
class World:
    """One language's readers by name, and the links that mails would have brought them."""

    story: Story
    lang: str
    people: dict[str, UUID] = field(default_factory=dict)
    requests: dict[str, UUID] = field(default_factory=dict)
    content: UUID | None = None

    def link(self, purpose: Purpose, name: str, **claims: Any) -> str:
        """The path of somebody's link."""
        return self.story.path(purpose, self.people[name], **claims)

    def confirmation(self, name: str) -> str:
        """The path in a confirmation mail."""
        return self.story.path(Purpose.CONFIRM, self.requests[name])


def offer_more(session: Session, story: Story) -> None:
    """Let the publisher offer so many topics that one wants to search, and know the address of an article."""
    now = story.site.clock.now
    feed = session.exec(select(Feed)).one()
    topics = {
        slug: make_topic(session, slug, name=name, language=lang, query=f'"{name}"', now=now)
        for slug, (name, lang) in OFFERED.items()
    }
    for number, (title, slug) in enumerate(HEADLINES.items(), start=11):
        article = make_article(
            session, feed, title, number=number, story_id=number, release_no=1, matched_at=now, now=now
        )
        values = {"field": "title", "term": title.split()[0], "score": 1.0, "matched_at": now}
        session.add(Match(article_id=article.id, topic_id=topics[slug].id, **values))
    session.add(
        ArticleKey(
            scope=ALL_FEEDS,
            kind=KeyKind.URL,
            sha256=hashlib.sha256(url_key(canonical_url(ARTICLE_URL)).encode()).hexdigest(),
            article_id=3,
            created_at=now,
        )
    )


def settle(session: Session, story: Story, lang: str) -> World:
    """Write one language's readers down."""
    world = World(story, lang)
    topics = {one.slug: one for one in session.exec(select(Topic))}
    for name in ("ann", "ben", "cleo", "leaver", "muter", "eraser", "idle", "late", "former", "mover"):
        _person(session, world, name, topics["ki"], topics["ukraine"])
    _state_of(session, world)
    _wishes_of_ann(session, world)
    _asked(session, world, "newcomer", _choices(lang))
    _asked(session, world, "pressing", _choices(lang))
    _asked(session, world, "refusing", _choices(lang))
    _asked(session, world, "old", _choices(lang), is_expired=True)
    _asked(session, world, "moving", None)
    _asked(session, world, "ann", _choices(lang), address="ann")
    world.content = _content(session, world, topics["ki"])
    return world


def _person(session: Session, world: World, name: str, *topics: Topic) -> Subscriber:
    now = world.story.site.clock.now
    person = make_subscriber(session, f"{name}.{world.lang}", locale=world.lang, last_release=1, now=now)
    if name != "idle":
        subscribe(session, person, *topics, now=now)
    world.people[name] = person.public_id
    return person


def _state_of(session: Session, world: World) -> None:
    """Ben pauses; Cleo, Late and Former left today, ten days and two months ago."""
    now = world.story.site.clock.now
    ben = _found(session, world, "ben")
    ben.state, ben.paused_until = SubscriberState.PAUSED, (now + timedelta(days=14)).date()
    for name, days in (("cleo", 0), ("late", 10), ("former", 60)):
        person = _found(session, world, name)
        person.state, person.unsubscribed_at = SubscriberState.UNSUBSCRIBED, now - timedelta(days=days)


def _wishes_of_ann(session: Session, world: World) -> None:
    now, ann = world.story.site.clock.now, _found(session, world, "ann")
    own = make_topic(
        session, f"own-{world.lang}", name="Windkraft -Offshore", query="Windkraft -Offshore",
        kind=TopicKind.PERSONAL, owner_id=ann.id, now=now,
    )  # fmt: skip
    similar = {
        "similar-1": (TopicState.ACTIVE, "Neuer Chip beschleunigt KI um das Zehnfache", now + timedelta(days=40)),
        "similar-2": (TopicState.EXPIRED, "Raumfahrt: Sonde erreicht den Mond", now - timedelta(days=2)),
    }  # fmt: skip
    followed = [
        make_topic(
            session, f"{slug}-{world.lang}", name=name, query="2 OF (Chip, KI, Sonde)", kind=TopicKind.SIMILAR,
            state=state, expires_at=expires_at, now=now,
        )
        for slug, (state, name, expires_at) in similar.items()
    ]  # fmt: skip
    subscribe(session, ann, own, *followed, now=now)
    until = (now + timedelta(days=7)).date()
    mutes = [
        (MuteKind.SOURCE, "Beispielfeed", "Beispielfeed", until),
        (MuteKind.STORY, "2", "Raumfahrt: Sonde erreicht den Mond", None),
        (MuteKind.WORD, "Fußball", "", None),
    ]
    for kind, value, label, end in mutes:
        session.add(
            Mute(subscriber_id=ann.id, kind=kind, value=value, label=label, until=end, created_at=now)
        )


def _choices(lang: str) -> Choices:
    own = (OwnTopic(query="Windkraft", typed="Windkraft", name="Windkraft"),)
    return Choices(topics=("ki", "klima"), own=own, locale=lang)


def _asked(
    session: Session, world: World, name: str, choices: Choices | None, *, address: str = "", is_expired: bool = False
) -> None:  # fmt: skip
    now = world.story.site.clock.now
    typed = f"{address or name}.{world.lang}@example.org"
    request = SignupRequest(
        kind=RequestKind.SIGN_UP if choices else RequestKind.ADDRESS_CHANGE,
        address=typed,
        address_key=typed,
        subscriber_id=None if choices else _found(session, world, "mover").id,
        choices=choices.as_json() if choices else {},
        requested_at=now,
        expires_at=now + timedelta(days=-1 if is_expired else 7),
    )
    session.add(request)
    session.flush()
    world.requests[name] = request.public_id


def _content(session: Session, world: World, topic: Topic) -> UUID:
    now = world.story.site.clock.now
    edition = Edition(
        cadence=Cadence.DAILY, local_time="07:00" if world.lang == "de" else "08:00", timezone="Europe/Berlin",
        local_date=now.date(), due_at=now, expires_at=now + timedelta(days=1), release_no=1, created_at=now,
    )  # fmt: skip
    session.add(edition)
    session.flush()
    article = session.get_one(Article, 1)
    content = Content(
        edition_id=edition.id, key=f"{world.lang}", language=world.lang, format=MailFormat.HTML,
        length=MailLength.NORMAL, topics=[[topic.id, 0]], created_at=now, item_count=1,
        selection={"shown": [[article.id, topic.id, "title", "KI", [], [], False]], "more": {}},
    )  # fmt: skip
    session.add(content)
    session.flush()
    return content.public_id


def _found(session: Session, world: World, name: str) -> Subscriber:
    public_id = world.people[name]
    return session.exec(select(Subscriber).where(Subscriber.public_id == public_id)).one()
