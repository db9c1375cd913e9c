"""Atom 1.0 (RFC 4287), pure: from plain values to bytes that every reader accepts."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring  # writes, never parses

NAMESPACE = "http://www.w3.org/2005/Atom"
MEDIA_TYPE = "application/atom+xml; charset=utf-8"
# What XML 1.0 forbids; the standard library would write it, and no parser could read the result.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
register_namespace("", NAMESPACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtomEntry:
    """One entry; `source` names where an article comes from."""

    id: str
    title: str
    url: str
    updated: datetime
    published: datetime | None = None
    summary: str = ""
    authors: Sequence[str] = ()
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtomFeed:
    """A feed; `self_url` is its own address, `url` the page it belongs to."""

    id: str
    title: str
    author: str
    self_url: str
    url: str
    language: str
    updated: datetime
    entries: Iterable[AtomEntry]


def written(feed: AtomFeed) -> bytes:
    """The feed as a UTF-8 document."""
    root = Element(_name("feed"), {"xml:lang": feed.language})
    _text(root, "id", feed.id)
    _text(root, "title", feed.title)
    _text(root, "updated", _time(feed.updated))
    _link(root, feed.self_url, rel="self", type="application/atom+xml")
    _link(root, feed.url, rel="alternate", type="text/html")
    _text(SubElement(root, _name("author")), "name", feed.author)
    for entry in feed.entries:
        _entry(root, entry)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _entry(root: Element, entry: AtomEntry) -> None:
    element = SubElement(root, _name("entry"))
    _text(element, "id", entry.id)
    _text(element, "title", entry.title)
    _text(element, "updated", _time(entry.updated))
    if entry.published:
        _text(element, "published", _time(entry.published))
    if entry.url:
        _link(element, entry.url, rel="alternate")
    for author in entry.authors:
        _text(SubElement(element, _name("author")), "name", author)
    if entry.summary or not entry.url:
        _text(element, "summary", entry.summary)
    if entry.source:
        _text(SubElement(element, _name("source")), "title", entry.source)


def _name(tag: str) -> str:
    return f"{{{NAMESPACE}}}{tag}"


def _text(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, _name(tag)).text = _FORBIDDEN.sub("", text)


def _link(parent: Element, url: str, **attributes: str) -> None:
    SubElement(parent, _name("link"), {"href": _FORBIDDEN.sub("", url), **attributes})


def _time(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
