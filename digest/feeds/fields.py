"""The rules every format shares: names without addresses, folded tags, language tags, and one bounded entry.

Pure. A `Draft` is what a format's reader found, still in the publisher's words; `entry` makes the `ParsedEntry`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from digest.feeds.document import ParsedEntry
from digest.feeds.text import plain, shorten, to_text

MAX_TITLE = 500
MAX_SUMMARY = 1_000
MAX_CONTENT = 256 * 1024
MAX_ID = 4_096
MAX_AUTHORS = 5
MAX_TAGS = 20
MAX_NAME = 100

_ENOUGH_HTML = (4_096, 32_768)
"""So much HTML nearly always, and surely, holds a summary; reading all of a long article for it is wasted."""
_NAMED_ADDRESS = re.compile(r"\S+@\S+\s*\((.+)\)|\"?([^\"<>]+?)\"?\s*<[^<>]*@[^<>]*>")
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})((?:-[A-Za-z0-9]{1,8})*)")


@dataclass(slots=True, kw_only=True)
class Draft:
    """What was found of one entry; HTML where it says so, plain text elsewhere."""

    id: str = ""
    link: str = ""
    title: str = ""
    summary_html: str = ""
    content_html: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    authors: Iterable[str] = ()
    tags: Iterable[str] = ()
    image_url: str = ""
    image_width: int | None = None
    image_height: int | None = None
    language: str = ""


def entry(draft: Draft) -> ParsedEntry | None:
    """Return the entry, bounded and with its empty fields filled from others, or None if it says nothing."""
    summary = _summary(draft.summary_html) or _summary(draft.content_html)
    title = draft.title or summary[:80].strip()
    if not (title or draft.link):
        return None
    return ParsedEntry(
        id=draft.id.strip()[:MAX_ID],
        title=shorten(title, MAX_TITLE),
        link=draft.link,
        published=draft.published or draft.updated,
        updated=draft.updated,
        summary=summary,
        content_html=draft.content_html if len(draft.content_html.encode()) <= MAX_CONTENT else "",
        authors=names(draft.authors),
        tags=distinct(draft.tags, limit=MAX_TAGS),
        image_url=draft.image_url,
        image_width=draft.image_width,
        image_height=draft.image_height,
        language=draft.language,
    )


def _summary(html: str) -> str:
    """Return the beginning of the text of some HTML, reading no more of it than needed."""
    text = ""
    for size in _ENOUGH_HTML:
        text = to_text(html[:size])
        if len(text) > 2 * MAX_SUMMARY or len(html) <= size:
            break
    return shorten(text, MAX_SUMMARY)


def names(authors: Iterable[str]) -> tuple[str, ...]:
    """Return the names of people without their mail addresses; who gives only an address is not named."""
    return distinct(map(_name, authors), limit=MAX_AUTHORS)


def distinct(texts: Iterable[str], *, limit: int) -> tuple[str, ...]:
    """Return the first different texts, folded and shortened; upper and lower case do not differ."""
    found: dict[str, str] = {}
    for text in islice(texts, 10 * limit):
        value = shorten(to_text(text[: 10 * MAX_NAME]), MAX_NAME)
        if value:
            found.setdefault(value.casefold(), value)
        if len(found) == limit:
            break
    return tuple(found.values())


def language_tag(text: str) -> str:
    """Return a BCP 47 tag in its usual spelling, such as `de` or `pt-BR`, or `""`."""
    match = _LANGUAGE.fullmatch(text.strip().replace("_", "-")[:35])
    if match is None or match[1].lower() in {"und", "mul", "zxx"}:
        return ""
    parts = [part.upper() if len(part) == 2 else part.lower() for part in match[2].split("-")[1:]]
    tag = "-".join([match[1].lower(), *parts])
    return tag if len(tag) <= 16 else match[1].lower()


def _name(author: str) -> str:
    text = plain(author[: 3 * MAX_NAME])
    if "@" not in text:
        return text
    match = _NAMED_ADDRESS.fullmatch(text)
    if match:
        text = match[1] or match[2]
    return _ADDRESS.sub("", text).strip(" ,;()<>")
