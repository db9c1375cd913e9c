"""A sample feed as its publisher would write it: RSS 2.0, Atom 1.0 or JSON Feed 1.1, the same bytes every time. Pure."""

import json
from datetime import datetime
from email.utils import format_datetime
from html import escape
from typing import Final
from xml.etree import ElementTree as ET

from digest.demo.samples import IMAGE_SIZE, Format, Place, SampleArticle, SampleFeed, image_bytes, sample_feed

CONTENT_TYPES: Final = {
    Format.RSS: "application/rss+xml; charset=utf-8",
    Format.ATOM: "application/atom+xml; charset=utf-8",
    Format.JSON: "application/feed+json; charset=utf-8",
}
_ATOM: Final = "http://www.w3.org/2005/Atom"
_CONTENT: Final = "http://purl.org/rss/1.0/modules/content/"
_DC: Final = "http://purl.org/dc/elements/1.1/"
_MEDIA: Final = "http://search.yahoo.com/mrss/"


def feed_bytes(name: str, *, base_url: str, now: datetime) -> bytes:
    """Write a sample feed as published at `now` (aware) below `base_url`; raises `KeyError` for an unknown name."""
    feed, place = sample_feed(name), Place(base_url=base_url, now=now)
    match feed.format:
        case Format.RSS:
            return _rss(feed, place)
        case Format.ATOM:
            return _atom(feed, place)
        case Format.JSON:
            return _json(feed, place)


def content_html(article: SampleArticle) -> str:
    """The text of an article as HTML paragraphs."""
    return "".join(f"<p>{escape(paragraph, quote=False)}</p>" for paragraph in article.paragraphs)


def _rss(feed: SampleFeed, place: Place) -> bytes:
    # Prefixes are written out: ElementTree's own registry of them is global.
    root = ET.Element(
        "rss", {"version": "2.0", "xmlns:content": _CONTENT, "xmlns:dc": _DC, "xmlns:media": _MEDIA}
    )
    channel = ET.SubElement(root, "channel")
    for tag, text in (
        ("title", feed.title),
        ("link", place.home(feed)),
        ("description", feed.description),
        ("language", feed.language),
        ("lastBuildDate", _rfc822(place.published_at(feed.articles[0]))),
    ):
        ET.SubElement(channel, tag).text = text
    for article in feed.articles:
        _rss_item(channel, feed, article, place)
    return _xml(root)


def _rss_item(channel: ET.Element, feed: SampleFeed, article: SampleArticle, place: Place) -> None:
    item = ET.SubElement(channel, "item")
    for tag, text in (
        ("title", article.title),
        ("link", place.article(feed, article)),
        ("description", article.teaser),
        ("content:encoded", content_html(article)),
        ("dc:creator", article.author),
        ("pubDate", _rfc822(place.published_at(article))),
        *(("category", tag) for tag in article.tags),
    ):
        ET.SubElement(item, tag).text = text
    ET.SubElement(item, "guid", {"isPermaLink": "false"}).text = _id(feed, article)
    if (image := place.image(article)) is not None:
        width, height = map(str, IMAGE_SIZE)
        ET.SubElement(
            item, "media:content", {"url": image, "type": "image/png", "width": width, "height": height}
        )


def _atom(feed: SampleFeed, place: Place) -> bytes:
    root = ET.Element("feed", {"xmlns": _ATOM, "xml:lang": feed.language})
    ET.SubElement(root, "id").text = f"tag:news.example,2026:{feed.name}"
    ET.SubElement(root, "title").text = feed.title
    ET.SubElement(root, "subtitle").text = feed.description
    ET.SubElement(root, "updated").text = place.published_at(feed.articles[0]).isoformat()
    ET.SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": place.home(feed)})
    ET.SubElement(root, "link", {"rel": "self", "href": place.feed(feed)})
    for article in feed.articles:
        _atom_entry(root, feed, article, place)
    return _xml(root)


def _atom_entry(root: ET.Element, feed: SampleFeed, article: SampleArticle, place: Place) -> None:
    entry = ET.SubElement(root, "entry")
    published = place.published_at(article).isoformat()
    ET.SubElement(entry, "id").text = _id(feed, article)
    ET.SubElement(entry, "title").text = article.title
    ET.SubElement(
        entry, "link", {"rel": "alternate", "type": "text/html", "href": place.article(feed, article)}
    )
    ET.SubElement(entry, "published").text = published
    ET.SubElement(entry, "updated").text = published
    ET.SubElement(ET.SubElement(entry, "author"), "name").text = article.author
    for tag in article.tags:
        ET.SubElement(entry, "category", {"term": tag})
    ET.SubElement(entry, "summary").text = article.teaser
    ET.SubElement(entry, "content", {"type": "html"}).text = content_html(article)
    if article.image and (image := place.image(article)):
        length = str(len(image_bytes(article.image)))
        ET.SubElement(
            entry, "link", {"rel": "enclosure", "type": "image/png", "length": length, "href": image}
        )


def _json(feed: SampleFeed, place: Place) -> bytes:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "description": feed.description,
        "language": feed.language,
        "home_page_url": place.home(feed),
        "feed_url": place.feed(feed),
        "items": [_json_item(feed, article, place) for article in feed.articles],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _json_item(feed: SampleFeed, article: SampleArticle, place: Place) -> dict[str, object]:
    item: dict[str, object] = {
        "id": _id(feed, article),
        "url": place.article(feed, article),
        "title": article.title,
        "summary": article.teaser,
        "content_html": content_html(article),
        "date_published": place.published_at(article).isoformat(),
        "authors": [{"name": article.author}],
        "tags": list(article.tags),
        "language": article.language,
    }
    return item | {"image": image} if (image := place.image(article)) else item


def _id(feed: SampleFeed, article: SampleArticle) -> str:
    """An identity that does not depend on where the demo runs."""
    return f"tag:news.example,2026:{feed.name}:{article.slug}"


def _rfc822(moment: datetime) -> str:
    return format_datetime(moment)


def _xml(root: ET.Element) -> bytes:
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written
