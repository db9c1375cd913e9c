"""What the mails of some contents are made of, read from the rows in a few queries whatever the number of contents."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from digest.db import in_batches
from digest.editions.models import Content, Edition, Promo
from digest.feeds.models import Article, Feed, Trust
from digest.mail.slots import Markers
from digest.rendering.context import Image, PromoBox
from subscribers.models import Cadence, MailFormat, MailLength, Topic, TopicKind


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
    markers: Markers = field(default_factory=Markers.draw)
    """Of every content: drawn when all texts had been read, so none of them can hold one."""
    made: dict[Hashable, Any] = field(default_factory=dict)
    """What was made of articles already, for the next content that shows them (items)."""


def read_material(session: Session, content_ids: Sequence[int]) -> Material:
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
