"""What a query would have found in the last two weeks, as the forms show it; nothing is stored."""

import re
from collections.abc import Sequence
from typing import Any

from sqlmodel import Session

from digest.matching.errors import QueryError
from digest.matching.health import Health
from digest.matching.preview import DAYS, Preview, PreviewHit, preview
from digest.matching.proposals import proposals
from digest.matching.query import Query, parse_query
from digest.matching.sample import samples_of
from digest.web.messages import Say
from digest.web.site import Site
from digest.web.wishes import FieldError, query_id

NEWEST = 5


async def looked_up(site: Site, queries: Sequence[str], *, lang: str) -> list[dict[str, Any] | None]:
    """The hits of each query, in their order; None for an empty one and for what is no query."""
    if not any(queries):
        return [None] * len(queries)
    return await site.read(lambda session: [_found(site, session, text, lang=lang) for text in queries])


async def too_broad(site: Site, queries: Sequence[str], *, lang: str) -> list[FieldError]:
    """An error at the field of each query that would bring a quarter of everything, with narrower ones to take."""
    found = await looked_up(site, queries, lang=lang)
    return [
        FieldError(query_id(number), Say.TOO_BROAD, {"options": " · ".join(one["options"]) or "–"})
        for number, one in enumerate(found, start=1)
        if one and one["is_too_broad"]
    ]


def _found(site: Site, session: Session, text: str, *, lang: str) -> dict[str, Any] | None:
    try:
        query = parse_query(text)
    except QueryError:
        return None
    found = preview(session, query, now=site.now(), limit=NEWEST)
    return {
        "count": found.hits,
        "per_week": round(found.per_week),
        "is_too_broad": found.is_too_broad,
        "newest": [
            {"pieces": pieces(hit), "url": hit.link or None, "source": hit.source} for hit in found.newest
        ],
        "hints": list(dict.fromkeys(hint.sentence(lang) for hint in found.hints)),
        "inside": [
            {"articles": one.articles, "words": ", ".join(one.examples), "proposal": one.proposal}
            for one in found.inside
        ],
        "options": _options(site, session, query, found),
    }


def _options(site: Site, session: Session, query: Query, found: Preview) -> list[str]:
    """Queries that find more than one that finds nothing, or less than one that finds a quarter of everything."""
    state = Health.NOISY if found.is_too_broad else Health.GOOD if found.hits else Health.SILENT
    sample = samples_of(session).sample(session, days=DAYS, now=site.now())
    return [one.query for one in proposals(query, state, sample)]


def pieces(hit: PreviewHit) -> list[dict[str, Any]]:
    """A title cut where the words that were found stand in it."""
    words = sorted({word for word in hit.term.split(", ") if word}, key=len, reverse=True)
    if not words:
        return [{"text": hit.title, "is_term": False}]
    cut = re.split(f"({'|'.join(map(re.escape, words))})", hit.title, flags=re.IGNORECASE)
    return [{"text": text, "is_term": number % 2 == 1} for number, text in enumerate(cut) if text]
