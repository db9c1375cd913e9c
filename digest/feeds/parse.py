"""Bytes to a feed: `parse_feed`, pure, for any bytes at all.

RSS 0.9x, 1.0, 1.1 and 2.0, Atom 0.3 and 1.0, JSON Feed 1.0 and 1.1. The only exception that leaves it is
`FeedFormatError`. What it returns is bounded and plain except `content_html`, which stays untrusted.
"""

from digest.feeds.decode import decode
from digest.feeds.document import ParsedEntry, ParsedFeed
from digest.feeds.errors import FeedFormatError, FormatCode
from digest.feeds.jsonfeed import read_json
from digest.feeds.xmlfeed import read_xml

__all__ = ["PARSER_VERSION", "FeedFormatError", "ParsedEntry", "ParsedFeed", "parse_feed"]

PARSER_VERSION = 1
"""Raised whenever the same bytes would give other entries: then validators are ignored once."""


def parse_feed(
    body: bytes, *, url: str = "", content_type: str | None = None, limit: int = 500
) -> ParsedFeed:
    """Return what a document says, reading at most `limit` entries; `url` is where it was found in the end.

    Raises `FeedFormatError` with a code: empty, html, opml, sitemap, not_a_feed, bad_xml or bad_json.
    """
    text = decode(body, content_type=content_type).lstrip("\ufeff\0 \t\r\n")
    if not text:
        raise FeedFormatError(FormatCode.EMPTY, "The document is empty.")
    read = read_json if text[0] in "{[" else read_xml
    return read(text, url=url, limit=limit)
