"""From the address of a site to its feeds: `discover` finds, verifies and ranks them.

It opens nothing itself: `fetch` brings a page under the same guard and limits as any feed, `read` parses it in the
pool. In this process a foreign page meets only linear scans. At most 12 requests, at most 5 feeds.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

from digest.feeds.decode import decode
from digest.feeds.document import ParsedDocument
from digest.feeds.errors import FeedError, FeedFormatError, FormatCode
from digest.feeds.markup import tags
from digest.feeds.urls import canonical_url, resolve, url_key

MAX_REQUESTS = 12
MAX_FEEDS = 5

_PLACES = ("feed/", "rss", "feed.xml", "atom.xml", "index.xml", "rss.xml", "feed.json")
_TYPES = re.compile(r"application/(?:rss|atom|rdf)\+xml|application/(?:feed\+)?json|(?:application|text)/xml")
_COMMENTS = re.compile(r"comment|kommentar|commentaire|comentario|/replies", re.IGNORECASE)
_LOOK_AT = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What stood at an address after all redirects."""

    url: str
    body: bytes
    content_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFeed:
    """A feed that was fetched and could be read."""

    url: str
    title: str
    format: str
    entry_count: int
    is_comments: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """The feeds of a site, best first; without any, `refusal` says what stood at the address (None: nothing)."""

    feeds: tuple[FoundFeed, ...] = ()
    refusal: FormatCode | None = None

    @property
    def winner(self) -> FoundFeed | None:
        """The one feed that is clearly meant, if there is one."""
        articles = [feed for feed in self.feeds if not feed.is_comments]
        return articles[0] if len(articles) == 1 else None


Fetch = Callable[[str], Awaitable[Page | None]]
"""Brings the page at an address, or None if none can be had."""
Read = Callable[[Page], Awaitable[ParsedDocument]]
"""Parses a page, raising `FeedError`."""


async def discover(url: str, *, fetch: Fetch, read: Read) -> Discovery:
    """Return the feeds of a site, or the feed itself if the address is one.

    Asked are the address, what the page names as its feeds, and only if none of these can be read the usual places.
    """
    page = await fetch(url)
    if page is None:
        return Discovery()
    try:
        return Discovery(feeds=(_found(page, await read(page)),))
    except FeedFormatError as refused:
        refusal = refused.code
    except FeedError:
        return Discovery()
    search = _Search(fetch, read, page)
    feeds = await search.verified(linked_feeds(page))
    if not any(not feed.is_comments for feed in feeds):
        feeds += await search.verified(usual_places(page.url))
    ranked = sorted(feeds, key=lambda feed: (feed.is_comments, feed.entry_count == 0))
    return Discovery(feeds=tuple(ranked[:MAX_FEEDS]), refusal=None if ranked else refusal)


def linked_feeds(page: Page) -> list[str]:
    """Return the addresses a page names as its feeds, those of comments last."""
    found: dict[str, bool] = {}
    base = page.url
    for name, attributes in tags(
        decode(page.body[:_LOOK_AT], content_type=page.content_type), names="base|link"
    ):
        if name == "base":
            base = resolve(page.url, attributes.get("href", "")) or base
        elif _is_feed_link(attributes):
            address = canonical_url(resolve(base, attributes.get("href", "")))
            found.setdefault(address, _is_comments(address, attributes.get("title", "")))
    found.pop("", None)
    return sorted(found, key=lambda address: found[address])


def usual_places(url: str) -> Iterator[str]:
    """Yield where sites keep a feed without saying so: at the root first, then beside the page."""
    for directory in dict.fromkeys((urljoin(url, "/"), urljoin(url, "."))):
        yield from (urljoin(directory, place) for place in _PLACES)


class _Search:
    """The requests still allowed, and the addresses already seen."""

    def __init__(self, fetch: Fetch, read: Read, page: Page) -> None:
        self._fetch, self._read = fetch, read
        self._left = MAX_REQUESTS - 1
        self._seen = {url_key(page.url)}

    async def verified(self, addresses: Iterable[str]) -> list[FoundFeed]:
        """Return those addresses that lead to a feed not met before."""
        feeds: list[FoundFeed] = []
        for address in addresses:
            if self._left and len(feeds) < MAX_FEEDS and self._is_new(address):
                self._left -= 1
                feeds += await self._asked(address)
        return feeds

    async def _asked(self, address: str) -> list[FoundFeed]:
        page = await self._fetch(address)
        if page is None or (url_key(page.url) != url_key(address) and not self._is_new(page.url)):
            return []
        try:
            return [_found(page, await self._read(page))]
        except FeedError:
            return []

    def _is_new(self, address: str) -> bool:
        key = url_key(address)
        is_new = key not in self._seen
        self._seen.add(key)
        return is_new


def _found(page: Page, document: ParsedDocument) -> FoundFeed:
    return FoundFeed(
        url=page.url,
        title=document.title,
        format=document.format,
        entry_count=document.entry_count,
        is_comments=_is_comments(page.url, document.title),
    )


def _is_feed_link(attributes: dict[str, str]) -> bool:
    relations = attributes.get("rel", "").lower().split()
    kind = attributes.get("type", "").lower().partition(";")[0].strip()
    is_interface = "/wp-json/" in attributes.get(
        "href", ""
    )  # WordPress names its programming interface so too
    return "alternate" in relations and _TYPES.fullmatch(kind) is not None and not is_interface


def _is_comments(address: str, title: str) -> bool:
    return _COMMENTS.search(address) is not None or title.lower().startswith(("comments", "kommentare"))
