"""A whole XML document to a `ParsedFeed`: what the feed says of itself, and its entries.

RSS 0.9x, 1.0, 1.1 and 2.0, Atom 0.3 and 1.0. Raises `FeedFormatError` for XML that is something else.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import timedelta

from digest.feeds import fields
from digest.feeds.document import ParsedEntry, ParsedFeed
from digest.feeds.errors import FeedFormatError, FormatCode
from digest.feeds.repair import repair
from digest.feeds.text import shorten
from digest.feeds.urls import is_inner, resolve
from digest.feeds.xmlentry import (
    Children,
    alternates,
    base_of,
    language_of,
    published_at,
    read_entry,
    title_of,
)
from digest.feeds.xmltree import Element, Names, local_name, namespace, read_tree, text_of

_ENTRY_NAMES = frozenset({"item", "entry", "atom:entry"})
_ENTRY_TAGS = ("{*}item", "{*}entry", "{*}Item", "{*}ITEM", "{*}Entry", "rss:item", "atom:entry")
_REFUSED = {
    "html": (FormatCode.HTML, "This is a web page, not a feed."),
    "opml": (FormatCode.OPML, "This is a list of feeds (OPML), not a feed; it can be imported."),
    "urlset": (FormatCode.SITEMAP, "This is a sitemap, not a feed."),
    "sitemapindex": (FormatCode.SITEMAP, "This is a list of sitemaps, not a feed."),
}
_WEB_PAGE = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}


def read_xml(text: str, *, url: str, limit: int) -> ParsedFeed:
    """Return the feed a text of XML, or nearly XML, holds."""
    root = read_tree(repair(text))
    if root is None:
        raise _unreadable(text)
    kind = _format(root, text)
    names = Names(root)
    about = _about(root, names)
    base = _base(root, about, url)
    language = _language(root, about)
    elements, count = _window(root, names, limit)
    return ParsedFeed(
        format=kind,
        title=_title(about),
        link=_link(about, base_of(root, url)),
        language=language,
        entries=tuple(_entries(elements, names, base=base, language=language)),
        entry_count=count,
        ttl=_ttl(about),
        update_period=_update_period(about),
        hub_url=_related(about, "hub", url),
        self_url=_related(about, "self", url),
    )


def _unreadable(text: str) -> FeedFormatError:
    if _WEB_PAGE.search(text, 0, 4096):
        return FeedFormatError(*_REFUSED["html"])
    if "<" not in text:
        return FeedFormatError(FormatCode.NOT_A_FEED, "This is text, neither XML nor JSON.")
    return FeedFormatError(FormatCode.BAD_XML, "This looks like XML but cannot be read as such.")


def _format(root: Element, text: str) -> str:
    name = local_name(root)
    if name == "rss" or (name == "channel" and "rss1.1" in namespace(root)):
        return {"2": "rss20", "": "rss20"}.get(root.get("version", "").strip()[:1], "rss09")
    if name == "rdf":
        return "rss10" if "purl.org/rss/1.0/" in text[:4096] else "rss09"
    if name in {"feed", "entry"}:
        is_old = "purl.org/atom/ns#" in namespace(root) or root.get("version", "").startswith("0.")
        return "atom03" if is_old else "atom10"
    if name in _REFUSED:
        raise FeedFormatError(*_REFUSED[name])
    if _WEB_PAGE.search(text, 0, 1024):
        raise FeedFormatError(*_REFUSED["html"])
    raise FeedFormatError(FormatCode.NOT_A_FEED, "This is XML, but no kind of feed.")


def _about(root: Element, names: Names) -> Children:
    """Return what stands beside the entries: the channel's children and the root's own."""
    found = names.children(root)
    for channel in found.get("channel", ()):
        for name, elements in names.children(channel).items():
            found.setdefault(name, []).extend(elements)
    return found


def _base(root: Element, about: Children, url: str) -> str:
    """Return where relative addresses start: xml:base, else the channel's link, else where the document was found."""
    outer = base_of(root, url)
    channel = next(iter(about.get("channel", ())), None)
    if channel is not None:
        outer = base_of(channel, outer)
    if outer != url:
        return outer
    link = _link(about, url)
    return link if link and not is_inner(link) else url


def _title(about: Children) -> str:
    titles = (title_of(e, name) for name in ("title", "atom:title", "dc:title") for e in about.get(name, ()))
    return shorten(next(filter(None, titles), ""), fields.MAX_TITLE)


def _link(about: Children, base: str) -> str:
    """Return the address of the site: as with entries the last usable of the first kind."""
    plain = [text_of(e) or e.get("href", "") for e in about.get("link", ())]
    for kind in (plain, alternates(about)):
        usable = [url for link in kind if (url := resolve(base, link))]
        if usable:
            return usable[-1]
    return ""


def _language(root: Element, about: Children) -> str:
    written = next((text_of(e) for e in about.get("language", ())), "")
    channel = next(iter(about.get("channel", ())), root)
    return language_of(root, {}) or fields.language_tag(written) or language_of(channel, about)


def _window(root: Element, names: Names, limit: int) -> tuple[list[Element], int]:
    """Return the newest entries of a document, the first ones or the last if dates ascend, and the number of all."""
    first: list[Element] = []
    last: deque[Element] = deque(maxlen=limit)
    count = 0
    for element in root.iter(*_ENTRY_TAGS):
        if names.of(element) in _ENTRY_NAMES:
            count += 1
            last.append(element)
            if count <= limit:
                first.append(element)
    return (list(last) if count > limit and _is_rising(first, last, names) else first), count


def _is_rising(first: Sequence[Element], last: Sequence[Element], names: Names) -> bool:
    oldest, newest = published_at(first[0], names), published_at(last[-1], names)
    return oldest is not None and newest is not None and oldest < newest


def _entries(elements: list[Element], names: Names, *, base: str, language: str) -> Iterator[ParsedEntry]:
    for element in elements:
        entry = fields.entry(read_entry(element, names, base=base, language=language))
        if entry is not None:
            yield entry


def _ttl(about: Children) -> timedelta | None:
    text = next((text_of(e) for e in about.get("ttl", ())), "")
    return (
        timedelta(minutes=int(text))
        if text.isascii() and text.isdigit() and 0 < len(text) < 7 and int(text)
        else None
    )


def _update_period(about: Children) -> timedelta | None:
    """Return sy:updatePeriod divided by sy:updateFrequency."""
    period = _PERIODS.get(next((text_of(e).lower() for e in about.get("sy:updateperiod", ())), ""))
    frequency = next((text_of(e) for e in about.get("sy:updatefrequency", ())), "1")
    if period is None:
        return None
    return (
        period / max(1, int(frequency))
        if frequency.isascii() and frequency.isdigit() and len(frequency) < 5
        else period
    )


def _related(about: Children, relation: str, base: str) -> str:
    links = about.get("atom:link", []) + about.get("link", [])
    return next(
        (url for e in links if e.get("rel", "") == relation and (url := resolve(base, e.get("href", "")))), ""
    )
