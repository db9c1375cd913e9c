"""What a feed document says, as plain values.

Two stages of the same thing: `ParsedFeed` and `ParsedEntry` are what `parse_feed` read, whose `content_html` is
still foreign and dangerous; `ParsedDocument` and `Candidate` are what `normalize` made of it, safe and bounded.
All are frozen and picklable, because they cross a process border.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedEntry:
    """One entry as the document tells it; every text is plain, one line, and bounded.

    `link` and `image_url` are absolute http(s) addresses or empty, `language` is a BCP 47 tag or empty, dates are
    aware UTC. `content_html` is **untrusted** HTML with resolved addresses, at most 256 KiB.
    """

    id: str = ""
    title: str = ""
    link: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    summary: str = ""
    content_html: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    image_url: str = ""
    image_width: int | None = None
    image_height: int | None = None
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """A whole document: facts about the feed, and at most `limit` entries in the document's order.

    `format` names what was read (`rss20`, `atom10`, `json11` …); `entry_count` counts before the limit.
    `ttl` and `update_period` are the publisher's wishes for the time between two requests.
    """

    format: str
    title: str = ""
    link: str = ""
    language: str = ""
    entries: tuple[ParsedEntry, ...] = ()
    entry_count: int = 0
    ttl: timedelta | None = None
    update_period: timedelta | None = None
    hub_url: str = ""
    self_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An entry made safe: what may become an article.

    Text fields hold no markup and no control characters, `content_html` only allowed HTML, `link` and `image_url`
    canonical http(s) addresses or nothing. `guid` is the document's own id, verbatim, `guid_alt` the id without scheme
    and `www.`, `link_key` the comparing form of `link` (made even for a bare home page: identity decides what it
    believes). `fingerprint` is the SHA-256 (hex) of everything a reader can see, and of no date. `position` counts
    from 0 in the document's order.
    """

    position: int
    guid: str = ""
    guid_alt: str = ""
    link: str = ""
    link_key: str = ""
    title: str = ""
    summary: str = ""
    content_html: str = ""
    image_url: str = ""
    image_width: int | None = None
    image_height: int | None = None
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    language: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDocument:
    """A parsed and normalized document, as it comes out of the pool."""

    format: str
    title: str = ""
    link: str = ""
    language: str = ""
    candidates: tuple[Candidate, ...] = ()
    entry_count: int = 0
    ttl: timedelta | None = None
    update_period: timedelta | None = None
    hub_url: str = ""
    self_url: str = ""
