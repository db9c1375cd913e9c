"""From the rows of a content to what its template reads: plain values, with a marker wherever readers differ."""

from collections.abc import Iterable
from typing import Any, Final

from digest.editions import calendar
from digest.editions.house import House
from digest.editions.items import item
from digest.editions.labels import PromoLabel
from digest.editions.material import ContentFacts, Material
from digest.mail.slots import Markers, Slot
from digest.rendering.context import EditionContext, EditionFacts, MailLinks, PromoBox, Schedule, Section
from digest.settings import Images
from subscribers.models import Cadence, MailFormat, MailLength, TopicKind

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
    for one in content.selection["shown"]:
        by_topic.setdefault(one[1], []).append(one)
    more = {int(topic): count for topic, count in content.selection["more"].items()}
    for topic, items in by_topic.items():
        named = material.topics.get(topic)
        is_public = named is not None and named.kind is TopicKind.CURATED
        yield Section(
            anchor=f"t{topic}",
            topic=named.name if named else "",
            items=[
                item(material, one, content=content, house=house, markers=markers)
                for one in items
                if one[0] in material.articles
            ],
            more_count=more.get(topic, 0),
            more_url=house.links.topic(named.slug) if named and is_public else None,
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
