"""An article as a mail shows it. What is the same in every mail is worked out once, and an item once for all that show it so."""

from collections.abc import Hashable, Sequence
from typing import Any, Final, NamedTuple, cast
from urllib.parse import quote_plus, urlsplit

from digest.editions.house import House
from digest.editions.material import ContentFacts, Material, Told
from digest.feeds.models import Trust
from digest.feeds.text import shorten, to_text
from digest.mail.slots import Markers, Slot
from digest.rendering import CardItem
from digest.rendering.context import Image, Item, Link, SameStory
from digest.settings import Images
from subscribers.models import MailFormat, MailLength

TITLE_AT_MOST: Final = 200
TEASER_AT_MOST: Final = 180
WORDS_PER_MINUTE: Final = 200


class Brief(NamedTuple):
    """What reading an article's text brings."""

    title: str
    teaser: str | None
    minutes: int | None


def item(
    material: Material, shown: Sequence[Any], *, content: ContentFacts, house: House, markers: Markers | None
) -> Item:
    """One article as a content shows it; equal ones are the same object, which nobody may change."""
    is_short = content.length is MailLength.HEADLINES
    has_image = not is_short and content.format is MailFormat.HTML
    stem = markers.stem if markers else ""
    article, topic, field, term, also, same_story, is_carried = shown
    place = (
        article,
        topic,
        field,
        term,
        *also,
        None,
        *same_story,
        bool(is_carried),
        is_short,
        has_image,
        stem,
    )
    if (known := material.made.get(place)) is None:
        made = _item(material, shown, is_short=is_short, has_image=has_image, house=house, markers=markers)
        known = material.made[place] = CardItem(made, stem=stem)
    return cast("Item", known)


def _item(
    material: Material,
    shown: Sequence[Any],
    *,
    is_short: bool,
    has_image: bool,
    house: House,
    markers: Markers | None,
) -> Item:
    article_id, topic_id, field, term, also, same_story, is_carried = shown
    article = material.articles[article_id]
    brief = _brief(material, article)
    topic = material.topics.get(topic_id)
    return Item(
        id=article_id,
        title=brief.title,
        url=article.link or None,
        teaser=None if is_short else brief.teaser,
        source=article.source,
        author=", ".join(article.authors[:2]) or None,
        published=(article.published_at or article.effective_at).isoformat(),
        minutes=brief.minutes,
        image=image_of(article, house.images) if has_image else None,
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


def _brief(material: Material, article: Told) -> Brief:
    place: Hashable = ("brief", article.id)
    if (known := material.made.get(place)) is None:
        body = to_text(article.content_html)
        found = teaser(article.summary or body) or None
        known = material.made[place] = Brief(
            shorten(article.title, TITLE_AT_MOST), found, reading_minutes(body)
        )
    return cast("Brief", known)


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
    if images is Images.NONE or not is_ours or not is_safe_image(article.image_url) or not _is_thumb(article):
        return None
    return Image(url=article.image_url, width=article.image_width, height=article.image_height)


def _is_thumb(article: Told) -> bool:
    """Whether what the feed says of the picture's size makes a box beside a headline: no line and no tower."""
    width, height = article.image_width, article.image_height
    return not width or not height or 0.1 <= height / width <= 2


def is_safe_image(url: str) -> bool:
    """Whether an image is fetched over https, or from this machine itself (a demo, a test)."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (
        parts.scheme == "http" and (parts.hostname or "") in {"localhost", "127.0.0.1", "::1"}
    )
