"""From the rows of a content to what its template reads: plain values, with a marker wherever readers differ."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus, urlsplit

from sqlalchemy import select
from sqlmodel import Session, col

from digest.db import in_batches
from digest.editions import calendar
from digest.editions.labels import PromoLabel
from digest.editions.models import Content, Edition, Promo
from digest.feeds.models import Article, Feed, Trust
from digest.feeds.text import shorten, to_text
from digest.links import Links
from digest.mail.slots import Markers, Slot
from digest.rendering.context import (
    EditionContext,
    EditionFacts,
    Image,
    Item,
    Link,
    MailLinks,
    PromoBox,
    SameStory,
    Schedule,
    Section,
)
from digest.settings import Images
from subscribers.models import Cadence, MailFormat, MailLength, Topic, TopicKind

TITLE_AT_MOST: Final = 200
TEASER_AT_MOST: Final = 180
WORDS_PER_MINUTE: Final = 200
NO_LINKS: Final = MailLinks(
    unsubscribe=None,
    preferences=None,
    pause=None,
    view=None,
    archive=None,
    subscribe=None,
    confirm=None,
    manage=None,
)


@dataclass(frozen=True, slots=True)
class House:
    """What the publisher decided about all mails: where links lead, whose pictures show, which archive there is."""

    links: Links
    timezone: str
    images: Images = Images.OWN
    has_archive: bool = True
    searches: Sequence[tuple[str, str]] = ()
    """(name, address with `{query}`), at most two."""


class Told(NamedTuple):
    """What a mail tells of an article."""

    id: int
    link: str
    title: str
    summary: str
    content_html: str
    image_url: str
    image_width: int | None
    image_height: int | None
    authors: list[str]
    source: str
    effective_at: datetime
    published_at: datetime | None
    trust: Trust | None


class Named(NamedTuple):
    """What a mail tells of a topic."""

    name: str
    slug: str
    kind: TopicKind


class ContentFacts(NamedTuple):
    """What composing reads of a content and its edition."""

    id: int
    language: str
    format: MailFormat
    length: MailLength
    selection: dict[str, Any]
    edition_id: int
    cadence: Cadence
    local_time: str
    timezone: str
    local_date: Any
    due_at: datetime
    promos: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Material:
    """Everything the mails of some contents are made of."""

    contents: Mapping[int, ContentFacts]
    articles: Mapping[int, Told]
    topics: Mapping[int, Named]
    promos: Mapping[int, PromoBox] = field(default_factory=dict)


def load(session: Session, content_ids: Sequence[int]) -> Material:
    """Read what the given contents need, in a few queries whatever their number."""
    contents: dict[int, ContentFacts] = {}
    for batch in in_batches(sorted(set(content_ids))):
        rows = session.execute(
            select(
                *(getattr(Content, name) for name in ContentFacts._fields[:6]),
                *(getattr(Edition, name) for name in ContentFacts._fields[6:-1]),
                col(Content.promos),
            )
            .join(Edition, col(Edition.id) == Content.edition_id)
            .where(col(Content.id).in_(batch))
        )
        contents.update({row[0]: ContentFacts(*row) for row in rows})
    shown = [item for content in contents.values() for item in content.selection["shown"]]
    articles = {item[0] for item in shown} | {other for item in shown for other in item[5]}
    topics = {item[1] for item in shown} | {other for item in shown for other in item[4]}
    promos = {promo for content in contents.values() for promo in content.promos}
    return Material(
        contents, articles_of(session, articles), _topics(session, topics), _promos(session, promos)
    )


def articles_of(session: Session, ids: Iterable[int]) -> dict[int, Told]:
    """What a mail tells of these articles, by id."""
    told: dict[int, Told] = {}
    for batch in in_batches(sorted(ids)):
        rows = session.execute(
            select(*(getattr(Article, name) for name in Told._fields[:-1]), col(Feed.trust))
            .outerjoin(Feed, col(Feed.id) == Article.feed_id)
            .where(col(Article.id).in_(batch))
        )
        told.update({row[0]: Told(*row) for row in rows})
    return told


def _topics(session: Session, ids: Iterable[int]) -> dict[int, Named]:
    named: dict[int, Named] = {}
    for batch in in_batches(sorted(ids)):
        rows = session.execute(
            select(col(Topic.id), col(Topic.name), col(Topic.slug), col(Topic.kind)).where(
                col(Topic.id).in_(batch)
            )
        )
        named.update({topic: Named(*rest) for topic, *rest in rows})
    return named


def _promos(session: Session, ids: Iterable[int]) -> dict[int, PromoBox]:
    wanted = sorted(ids)
    if not wanted:
        return {}
    rows = session.execute(select(Promo).where(col(Promo.id).in_(wanted))).scalars()
    return {one.id: _box(one) for one in rows}


def _box(promo: Promo) -> PromoBox:
    image = Image(url=promo.image_url, width=promo.image_width, height=promo.image_height)
    return PromoBox(
        label=promo.label,
        advertiser=promo.advertiser,
        title=promo.title,
        text=promo.text,
        url=promo.url,
        image=image if promo.image_url else None,
        place=promo.place.value,
    )


def context(material: Material, content_id: int, *, house: House, markers: Markers | None) -> EditionContext:
    """What the `edition` templates read; without markers it is the public variant, with nothing personal in it."""
    content = material.contents[content_id]
    weekday = content.local_date.weekday() if content.cadence is Cadence.WEEKLY else None
    next_at = calendar.next_due(
        content.due_at,
        cadence=content.cadence,
        weekday=weekday,
        local_time=content.local_time,
        timezone=content.timezone,
    )
    is_instant = content.cadence is Cadence.INSTANT
    sections = list(_sections(material, content, house=house, markers=markers))
    return EditionContext(
        mail={
            "is_test": False,
            "sent_on": content.local_date.isoformat(),
            "timezone": house.timezone if is_instant else content.timezone,
        },
        subscriber={"address": markers.of(Slot.ADDRESS), "since": markers.of(Slot.SINCE)}
        if markers
        else None,
        links=_links(house, markers),
        edition=EditionFacts(
            headline=None,
            intro=None,
            preheader=None,
            schedule=Schedule(
                cadence=content.cadence.value,
                weekday=weekday,
                time=None if is_instant else content.local_time,
            ),
            next_at=next_at.isoformat() if next_at else None,
            article_count=len(content.selection["shown"]),
        ),
        sections=sections,
        promos=[
            _shown_promo(material.promos[one], content, house.images)
            for one in content.promos
            if one in material.promos
        ],
    )


def _links(house: House, markers: Markers | None) -> MailLinks:
    links = house.links
    archive = links.archive() if house.has_archive else None
    if markers is None:
        return {**NO_LINKS, "archive": archive, "subscribe": links.subscribe()}
    preferences = markers.of(Slot.PREFERENCES)
    return {
        **NO_LINKS,
        "unsubscribe": links.unsubscribe(markers.of(Slot.UNSUBSCRIBE)),
        "preferences": links.preferences(preferences),
        "pause": links.pause(preferences),
        "view": links.view(markers.of(Slot.VIEW)),
        "archive": archive,
    }


def _sections(
    material: Material, content: ContentFacts, *, house: House, markers: Markers | None
) -> Iterable[Section]:
    by_topic: dict[int, list[list[Any]]] = {}
    for item in content.selection["shown"]:
        by_topic.setdefault(item[1], []).append(item)
    more = {int(topic): count for topic, count in content.selection["more"].items()}
    for topic, items in by_topic.items():
        named = material.topics.get(topic)
        is_public = named is not None and named.kind is TopicKind.CURATED
        yield Section(
            anchor=f"t{topic}",
            topic=named.name if named else "",
            items=[
                _item(material, item, content=content, house=house, markers=markers)
                for item in items
                if item[0] in material.articles
            ],
            more_count=more.get(topic, 0),
            more_url=house.links.topic(named.slug) if named and is_public else None,
        )


def _item(
    material: Material, item: Sequence[Any], *, content: ContentFacts, house: House, markers: Markers | None
) -> Item:
    article_id, topic_id, field, term, also, same_story, is_carried = item
    article = material.articles[article_id]
    is_short = content.length is MailLength.HEADLINES
    body = to_text(article.content_html)
    topic = material.topics.get(topic_id)
    return Item(
        id=article_id,
        title=shorten(article.title, TITLE_AT_MOST),
        url=article.link or None,
        teaser=None if is_short else teaser(article.summary or body) or None,
        source=article.source,
        author=", ".join(article.authors[:2]) or None,
        published=(article.published_at or article.effective_at).isoformat(),
        minutes=reading_minutes(body),
        image=None if is_short or content.format is not MailFormat.HTML else image_of(article, house.images),
        mute_url=house.links.mute(markers.of(Slot.MUTE), article_id) if markers else None,
        is_carried=bool(is_carried),
        reason={"topic": topic.name, "field": field or None, "term": term or None} if topic else None,
        also_topics=[material.topics[other].name for other in also if other in material.topics],
        same_story=[
            SameStory(source=material.articles[other].source, url=material.articles[other].link)
            for other in same_story
            if other in material.articles and material.articles[other].link
        ],
        searches=[
            Link(name=name, url=address.replace("{query}", quote_plus(article.title)))
            for name, address in house.searches
        ],
    )


def _shown_promo(box: PromoBox, content: ContentFacts, images: Images) -> PromoBox:
    """A promo as this content shows it: labelled in the mail's language, pictures only where articles have them too."""
    box = {**box, "label": PromoLabel(box["label"]).spoken(content.language).value}
    has_images = (
        images is not Images.NONE
        and content.format is MailFormat.HTML
        and content.length is not MailLength.HEADLINES
    )
    return box if has_images else {**box, "image": None}


def teaser(text: str) -> str:
    """At most 180 characters: whole sentences if they fill half of it, else cut between words."""
    if len(text) <= TEASER_AT_MOST:
        return text
    head = text[:TEASER_AT_MOST]
    end = max(head.rfind(mark) for mark in (". ", "! ", "? ", "… "))
    return head[: end + 1] if end >= TEASER_AT_MOST // 2 else shorten(text, TEASER_AT_MOST)


def reading_minutes(text: str) -> int | None:
    """Minutes a reader needs, at least 1; None for a text too short to tell."""
    words = text.count(" ") + 1
    return max(1, round(words / WORDS_PER_MINUTE)) if words >= 60 else None


def image_of(article: Told, images: Images) -> Image | None:
    """The article's picture, if it is safe to load and the publisher shows pictures of that feed."""
    is_ours = article.trust is Trust.OWN or images is Images.ALL
    if images is Images.NONE or not is_ours or not is_safe_image(article.image_url):
        return None
    return Image(url=article.image_url, width=article.image_width, height=article.image_height)


def is_safe_image(url: str) -> bool:
    """Whether an image is fetched over https, or from this machine itself (a demo, a test)."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (
        parts.scheme == "http" and (parts.hostname or "") in {"localhost", "127.0.0.1", "::1"}
    )
