"""One attempt at one feed: ask, compare, read. It knows no database; what it found is a `Result`."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from digest.feeds.document import ParsedDocument
from digest.feeds.errors import FeedFormatError, FormatCode, ParserMemory, ParserTimeout
from digest.feeds.exchange import Fetched, FetchRequest
from digest.feeds.models import Feed, Trust
from digest.feeds.outcomes import Outcome, page_kind
from digest.feeds.parse import PARSER_VERSION
from digest.feeds.settle import Result

_NO_FEED: Final = frozenset({FormatCode.OPML, FormatCode.SITEMAP, FormatCode.NOT_A_FEED})


class Fetches(Protocol):
    """What a round needs of the network (`fetch.Fetcher`)."""

    async def fetch(self, request: FetchRequest, /) -> Fetched:
        """Ask for one feed; never raises for what a server does."""


class Parses(Protocol):
    """What a round needs of the parser (`pool.ParsePool`)."""

    async def parse(
        self, body: bytes, *, url: str = "", content_type: str | None = None, is_own: bool = False
    ) -> ParsedDocument:
        """Read a document; raises the errors of `errors`."""


async def attempt(
    feed: Feed, fetcher: Fetches, pool: Parses, *, now: datetime, rests: Callable[[str], bool]
) -> Result:
    """Ask one feed and read what came, without touching the database; the caller closes the body."""
    is_same_parser = feed.parser_version == PARSER_VERSION
    fetched = await fetcher.fetch(
        FetchRequest(
            url=feed.url,
            now=now,
            etag=feed.etag if is_same_parser else None,
            last_modified=feed.last_modified if is_same_parser else None,
            rests=rests,
        )
    )
    try:
        outcome, detail, document = await _judged(feed, fetched, pool, is_same_parser=is_same_parser)
    except BaseException:
        if fetched.body is not None:
            fetched.body.close()
        raise
    return Result(
        feed_id=feed.id,
        claimed_until=feed.claimed_until,
        outcome=outcome,
        detail=detail,
        fetched=fetched,
        document=document,
    )


async def _judged(
    feed: Feed, fetched: Fetched, pool: Parses, *, is_same_parser: bool
) -> tuple[Outcome, str, ParsedDocument | None]:
    """Say how an answer ends, and read it only if it is not the one we know."""
    if fetched.outcome is not None or fetched.body is None:
        return fetched.outcome or Outcome.INTERNAL, fetched.detail, None
    if is_same_parser and fetched.body.sha256 == feed.body_sha256:
        return Outcome.UNCHANGED, "", None
    return await _read(feed, fetched, pool)


async def _read(feed: Feed, fetched: Fetched, pool: Parses) -> tuple[Outcome, str, ParsedDocument | None]:
    body = fetched.body.read() if fetched.body else b""
    try:
        document = await pool.parse(
            body, url=fetched.url, content_type=fetched.content_type, is_own=feed.trust is Trust.OWN
        )
    except FeedFormatError as error:
        return *_format_outcome(error, body), None
    except ParserTimeout:
        return Outcome.PARSER_TIMEOUT, "", None
    except ParserMemory:
        return Outcome.PARSER_MEMORY, "", None
    return (Outcome.CHANGED if document.candidates else Outcome.EMPTY), "", document


def _format_outcome(error: FeedFormatError, body: bytes) -> tuple[Outcome, str]:
    if error.code is FormatCode.EMPTY:
        return Outcome.EMPTY, ""
    if error.code is FormatCode.HTML:
        return Outcome.NOT_A_FEED, page_kind(body)
    return (Outcome.NOT_A_FEED if error.code in _NO_FEED else Outcome.UNREADABLE), error.code.value
