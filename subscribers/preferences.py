"""The preference centre: what somebody has, and one Save that changes only what its form showed."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from subscribers import consent, following, history, joining, mutes, register
from subscribers.addresses import masked
from subscribers.choices import MAX_OWN_TOPICS, Choices, OwnTopic
from subscribers.errors import RefusedError
from subscribers.models import (
    Cadence,
    ConsentKind,
    MailFormat,
    MailLength,
    SignupRequest,
    Subscriber,
    SubscriberState,
    TopicKind,
    TopicState,
)
from subscribers.mutes import ActiveMute
from subscribers.tables import SUBSCRIPTION, TOPIC


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicChoice:
    """A topic as the form shows it; `is_asked` marks what a mail `already` brought along, ticked but not saved."""

    id: int
    slug: str
    name: str
    kind: TopicKind
    query: str
    state: TopicState
    is_chosen: bool
    is_asked: bool = False
    muted_until: date | None = None
    expires_at: datetime | None = None
    """When similar news end, or ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """When and how somebody reads."""

    cadence: Cadence
    weekday: int | None
    local_time: str
    timezone: str
    locale: str
    format: MailFormat
    length: MailLength


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """All that the preference centre shows; `asked_queries` are own topics that a mail `already` brought along."""

    subscriber_id: int
    public_id: UUID
    token_version: int
    feed_version: int
    masked_address: str
    state: SubscriberState
    paused_until: date | None
    settings: Settings
    topics: tuple[TopicChoice, ...]
    asked_queries: tuple[OwnTopic, ...]
    mutes: tuple[ActiveMute, ...]

    @property
    def own_ids(self) -> tuple[int, ...]:
        """The topics that are this person's alone, or about an article."""
        return tuple(one.id for one in self.topics if one.kind is not TopicKind.CURATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a form sends: the slugs it showed, those ticked, new own topics, and the settings it carried.

    A topic that the form did not show stays as it is. `words` None leaves the muted words alone.
    """

    shown: frozenset[str] = frozenset()
    chosen: frozenset[str] = frozenset()
    new: tuple[OwnTopic, ...] = ()
    settings: Settings | None = None
    words: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What a Save did; `has_topics` False is the moment to offer a pause or leaving."""

    are_topics_changed: bool
    has_topics: bool


def load(session: Session, public_id: UUID, *, now: datetime, add: UUID | None = None) -> Preferences | None:
    """What somebody has, with the topics of the request `add` ticked if it is their own; None if nobody is here."""
    person = register.by_public_id(session, public_id)
    if person is None:
        return None
    asked = _asked(session, person, add, now)
    topics = _topics(session, person, asked)
    return Preferences(
        subscriber_id=person.id,
        public_id=person.public_id,
        token_version=person.token_version,
        feed_version=person.feed_version,
        masked_address=masked(person.address),
        state=person.state,
        paused_until=person.paused_until,
        settings=_settings(person),
        topics=topics,
        asked_queries=_news(asked, topics),
        mutes=tuple(mutes.active(session, [person.id], now=now).get(person.id, ())),
    )


def save(session: Session, public_id: UUID, changes: Changes, *, now: datetime, release_no: int) -> Saved:
    """Write what changed; an event of consent only if the set of topics did.

    Raises RefusedError: `gone` if nobody is here, `unsubscribed`, or `too_many` own topics.
    """
    person = register.locked(session, public_id)
    if person is None:
        raise RefusedError("gone")
    if person.state is SubscriberState.UNSUBSCRIBED:
        raise RefusedError("unsubscribed")
    before = _followed(session, person)
    _apply(session, person, changes, now=now, release_no=release_no)
    after = _followed(session, person)
    if after != before:
        consent.append(
            session, [history.event(session, person, ConsentKind.TOPICS_CHANGED, source="page")], now=now
        )
    return Saved(are_topics_changed=after != before, has_topics=bool(after))


def follow_again(session: Session, public_id: UUID, slug: str, *, now: datetime) -> bool:
    """Let a similar-news topic that had expired go on; False if this person follows none such."""
    person = register.locked(session, public_id)
    if person is None or person.state is SubscriberState.UNSUBSCRIBED:
        return False
    return following.revive(session, person.id, slug, now=now)


def _apply(session: Session, person: Subscriber, changes: Changes, *, now: datetime, release_no: int) -> None:
    if changes.settings:
        for one in fields(changes.settings):
            setattr(person, one.name, getattr(changes.settings, one.name))
        person.weekday = joining.weekday_of(person.cadence, person.weekday)
    following.drop(session, person.id, changes.shown - changes.chosen)
    if len(following.own_topics(session, person.id)) + len(changes.new) > MAX_OWN_TOPICS:
        raise RefusedError("too_many")
    # Chosen but not shown comes from no form of ours.
    wanted = Choices(topics=tuple(sorted(changes.chosen & changes.shown)), own=changes.new)
    joining.add_topics(session, person, wanted, now=now, release_no=release_no)
    if changes.words is not None:
        mutes.set_words(session, person, changes.words, now=now)


def _settings(person: Subscriber) -> Settings:
    return Settings(**{one.name: getattr(person, one.name) for one in fields(Settings)})


def _followed(session: Session, person: Subscriber) -> set[str]:
    """The slugs of everything somebody follows."""
    session.flush()
    c = SUBSCRIPTION.c
    rows = (
        select(TOPIC.c.slug).join(SUBSCRIPTION, c.topic_id == TOPIC.c.id).where(c.subscriber_id == person.id)
    )
    return set(session.execute(rows).scalars())


def _asked(session: Session, person: Subscriber, add: UUID | None, now: datetime) -> Choices:
    """What a request wants added, if it was made for this very address and is not too old."""
    if add is None:
        return Choices()
    request = session.scalars(
        select(SignupRequest).where(
            col(SignupRequest.public_id) == add, col(SignupRequest.address_key) == person.address_key
        )
    ).first()
    if request is None or request.expires_at <= now or not request.choices:
        return Choices()
    return Choices.from_json(request.choices)


def _topics(session: Session, person: Subscriber, asked: Choices) -> tuple[TopicChoice, ...]:
    """All curated topics and this person's own, those chosen first in the reader's order."""
    t, s = TOPIC.c, SUBSCRIPTION.c
    mine = (s.topic_id == t.id) & (s.subscriber_id == person.id)
    is_offered = (t.kind == TopicKind.CURATED) & (t.state == TopicState.ACTIVE)
    rows = session.execute(
        select(
            t.id,
            t.slug,
            t.name,
            t.kind,
            t.query,
            t.state,
            t.expires_at,
            s.muted_until,
            s.topic_id.label("followed"),
        )
        .outerjoin(SUBSCRIPTION, mine)
        .where(is_offered | s.topic_id.is_not(None))
        .order_by(s.topic_id.is_(None), s.position, t.name, t.id)
    )
    return tuple(
        TopicChoice(
            id=row.id,
            slug=row.slug,
            name=row.name,
            kind=row.kind,
            query=row.query,
            state=row.state,
            is_chosen=row.followed is not None,
            is_asked=row.followed is None and row.slug in asked.topics,
            muted_until=row.muted_until,
            expires_at=row.expires_at,
        )
        for row in rows
    )


def _news(asked: Choices, topics: tuple[TopicChoice, ...]) -> tuple[OwnTopic, ...]:
    """Own topics asked for that are not followed yet."""
    have = {one.query for one in topics if one.kind is not TopicKind.CURATED}
    return tuple(own for own in asked.own if own.query not in have)
