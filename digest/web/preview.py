"""What a query would have found in the last two weeks, as the forms show it; nothing is stored."""

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session

from digest.matching.errors import QueryError
from digest.matching.preview import PreviewHit, preview
from digest.matching.query import parse_query
from digest.web.site import Site

NEWEST = 5


async def looked_up(site: Site, queries: Sequence[str]) -> list[dict[str, Any] | None]:
    """The hits of each query, in their order; None for an empty one and for what is no query."""
    return await site.read(lambda session: [_found(site, session, text) for text in queries])


def _found(site: Site, session: Session, text: str) -> dict[str, Any] | None:
    try:
        query = parse_query(text)
    except QueryError:
        return None
    found = preview(session, query, now=site.now(), limit=NEWEST)
    return {"count": found.hits, "newest": [{"pieces": pieces(hit)} for hit in found.newest]}


def pieces(hit: PreviewHit) -> list[dict[str, Any]]:
    """A title cut where the words that were found stand in it."""
    start = hit.title.lower().find(hit.term.lower()) if hit.term else -1
    if start < 0 or len(hit.title.lower()) != len(hit.title):
        return [{"text": hit.title, "is_term": False}]
    end = start + len(hit.term)
    cut = [(hit.title[:start], False), (hit.title[start:end], True), (hit.title[end:], False)]
    return [{"text": text, "is_term": is_term} for text, is_term in cut if text]
