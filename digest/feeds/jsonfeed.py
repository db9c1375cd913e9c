"""A JSON Feed (1.0, 1.1) to a `ParsedFeed`. A field of a wrong type is as good as missing; nothing else is lost."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from html import escape
from typing import Any, NoReturn

from digest.feeds import fields
from digest.feeds.dates import parse_date
from digest.feeds.document import ParsedEntry, ParsedFeed
from digest.feeds.errors import FeedFormatError, FormatCode
from digest.feeds.images import NONE, Picture, first_in, picture
from digest.feeds.markup import with_absolute_addresses
from digest.feeds.text import plain, shorten
from digest.feeds.urls import resolve

MAX_DEPTH = 50
MAX_VALUES = 500_000

Object = dict[str, Any]


def read_json(text: str, *, url: str, limit: int) -> ParsedFeed:
    """Return the feed a text of JSON holds, or raise `FeedFormatError`."""
    feed = _loaded(text)
    items = [item for item in _list(feed, "items") if isinstance(item, dict)]
    link = resolve(url, _text(feed, "home_page_url"))
    language = fields.language_tag(_text(feed, "language"))
    base = link or url
    return ParsedFeed(
        format="json11" if _text(feed, "version").rstrip("/").endswith("1.1") else "json10",
        title=shorten(plain(_text(feed, "title")), fields.MAX_TITLE),
        link=link,
        language=language,
        entries=tuple(_entries(_window(items, limit), base=base, language=language)),
        entry_count=len(items),
        hub_url=_hub(feed, base),
        self_url=resolve(url, _text(feed, "feed_url")),
    )


def _loaded(text: str) -> Object:
    if text.count("{") + text.count("[") > MAX_VALUES:
        raise FeedFormatError(FormatCode.BAD_JSON, "This JSON has more parts than any feed.")
    try:
        feed = json.loads(text, parse_int=_number, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise FeedFormatError(
            FormatCode.BAD_JSON, "This looks like JSON but cannot be read as such."
        ) from None
    if _is_deep(feed):
        raise FeedFormatError(FormatCode.BAD_JSON, "This JSON is nested deeper than any feed.")
    if not isinstance(feed, dict) or not ("jsonfeed.org" in _text(feed, "version") or _list(feed, "items")):
        raise FeedFormatError(FormatCode.NOT_A_FEED, "This is JSON, but no JSON Feed.")
    return feed


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inner(outer)]
    return bool(level)


def _inner(value: object) -> Iterable[object]:
    """Return the values inside an object or a list, nothing of anything else."""
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _number(digits: str) -> int:
    return int(digits) if len(digits) < 20 else 0


def _refused(_: str) -> NoReturn:
    raise ValueError("not a value of JSON")


def _list(parent: Object, key: str) -> list[Any]:
    value = parent.get(key)
    return value if isinstance(value, list) else []


def _text(parent: Object, key: str) -> str:
    """Return a text field; a number is accepted for an id, as many writers send it."""
    value = parent.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def _entries(items: list[Object], *, base: str, language: str) -> Iterator[ParsedEntry]:
    for item in items:
        entry = fields.entry(_draft(item, base=base, language=language))
        if entry is not None:
            yield entry


def _draft(item: Object, *, base: str, language: str) -> fields.Draft:
    identity = _text(item, "id")
    content = _text(item, "content_html") or escape(_text(item, "content_text"), quote=False)
    content = with_absolute_addresses(content, base)
    image = _image(item, content, base)
    return fields.Draft(
        id=identity,
        link=resolve(base, _text(item, "url"))
        or resolve(base, _text(item, "external_url"))
        or resolve("", identity),
        title=plain(_text(item, "title")),
        summary_html=escape(_text(item, "summary"), quote=False),
        content_html=content,
        published=_date(item, "date_published"),
        updated=_date(item, "date_modified"),
        authors=_authors(item),
        tags=[tag for tag in _list(item, "tags") if isinstance(tag, str)],
        image_url=image.url,
        image_width=image.width,
        image_height=image.height,
        language=fields.language_tag(_text(item, "language")) or language,
    )


def _date(item: Object, key: str) -> datetime | None:
    return parse_date(_text(item, key))


def _authors(item: Object) -> list[str]:
    people = [*_list(item, "authors"), item.get("author")]  # the singular is that of version 1.0
    return [_text(person, "name") for person in people if isinstance(person, dict)]


def _image(item: Object, content: str, base: str) -> Picture:
    named = (picture(_text(item, key), base=base) for key in ("image", "banner_image"))
    attached = (
        picture(_text(file, "url"), base=base)
        for file in _list(item, "attachments")
        if isinstance(file, dict) and _text(file, "mime_type").startswith("image/")
    )
    chosen = next((found for found in (*named, *attached) if found.url), NONE)
    return chosen if chosen.url else first_in(content, base=base)


def _window(items: list[Object], limit: int) -> list[Object]:
    """Return the newest items of a long feed: the first ones, or the last if dates ascend."""
    if len(items) <= limit:
        return items
    first, last = _date(items[0], "date_published"), _date(items[-1], "date_published")
    return items[-limit:] if first and last and first < last else items[:limit]


def _hub(feed: Object, base: str) -> str:
    hubs = (resolve(base, _text(hub, "url")) for hub in _list(feed, "hubs") if isinstance(hub, dict))
    return next(filter(None, hubs), "")
