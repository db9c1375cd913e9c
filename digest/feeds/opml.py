"""Lists of feeds in and out: OPML 1.0, 1.1 and 2.0 are read, 2.0 is written.

Pure. Reading is as careful as with feeds: the same hardened XML, at most 5 MiB, 5,000 outlines and 20 levels.
Folders become tags. What is exported, imported and exported again is the same text.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from digest.feeds.decode import decode
from digest.feeds.errors import FeedError
from digest.feeds.fields import MAX_NAME, MAX_TITLE
from digest.feeds.repair import repair
from digest.feeds.text import plain, shorten
from digest.feeds.urls import resolve, url_key
from digest.feeds.xmltree import Element, attributes_of, local_name, read_tree

MAX_BYTES = 5 * 1024 * 1024
MAX_OUTLINES = 5_000
MAX_DEPTH = 20


class OpmlError(FeedError):
    """The bytes are no list of feeds we can read; the text is one sentence saying why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """One feed of a list: where it is, what it is called, and the folders it stands in."""

    url: str
    title: str = ""
    site_url: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedList:
    """What a list holds: feeds to add, feeds named twice, and addresses that are none."""

    outlines: tuple[Outline, ...]
    duplicates: tuple[Outline, ...] = ()
    unusable: tuple[str, ...] = ()


def read_opml(body: bytes) -> FeedList:
    """Return the feeds of an OPML document in its order; raises `OpmlError`.

    An outline needs nothing but `xmlUrl`. The first of two with the same `url_key` counts.
    """
    first: dict[str, Outline] = {}
    duplicates: list[Outline] = []
    unusable: list[str] = []
    for outline in _outlines(_body(body)):
        key = url_key(outline.url)
        if not key:
            unusable.append(plain(outline.url)[:MAX_NAME])
        elif key in first:
            duplicates.append(outline)
        else:
            first[key] = outline
    return FeedList(outlines=tuple(first.values()), duplicates=tuple(duplicates), unusable=tuple(unusable))


def write_opml(outlines: Iterable[Outline], *, title: str) -> str:
    """Return an OPML 2.0 document ordered by folder and address; the same feeds give the same text.

    The tags of a feed become folders, one in the other: the one form in which every reader of lists understands them.
    """
    ordered = sorted(outlines, key=lambda outline: (outline.tags, outline.url))
    head = f'<opml version="2.0">\n  <head><title>{escape(title)}</title></head>\n  <body>\n'
    lines = "".join(f"{line}\n" for line in _lines(ordered))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}{lines}  </body>\n</opml>\n'


def _lines(ordered: Sequence[Outline]) -> Iterator[str]:
    """Yield the lines of the body, closing and opening only the folders that change from feed to feed."""
    path: tuple[str, ...] = ()
    for outline in ordered:
        folders = outline.tags[: MAX_DEPTH - 1]
        shared = _shared(path, folders)
        yield from (f"{_indent(depth)}</outline>" for depth in reversed(range(shared, len(path))))
        yield from (
            f"{_indent(depth)}<outline text={quoteattr(folders[depth])}>"
            for depth in range(shared, len(folders))
        )
        path = folders
        yield f"{_indent(len(path))}<outline {_attributes(outline)}/>"
    yield from (f"{_indent(depth)}</outline>" for depth in reversed(range(len(path))))


def _shared(left: Sequence[str], right: Sequence[str]) -> int:
    """Return how many folders two paths begin with together."""
    return next(
        (n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right))
    )


def _indent(depth: int) -> str:
    return "  " * (depth + 2)


def _attributes(outline: Outline) -> str:
    pairs = {"text": outline.title or outline.url, "xmlUrl": outline.url, "htmlUrl": outline.site_url}
    return " ".join(['type="rss"', *(f"{name}={quoteattr(value)}" for name, value in pairs.items() if value)])


def _body(document: bytes) -> Element:
    if len(document) > MAX_BYTES:
        raise OpmlError("The list is larger than 5 MiB.")
    root = read_tree(repair(decode(document)))
    if root is None or local_name(root) != "opml":
        raise OpmlError("This is no OPML list of feeds.")
    body = next((child for child in root if local_name(child) == "body"), None)
    if body is None:
        raise OpmlError("This OPML list has no body.")
    if sum(1 for _ in body.iter("{*}outline")) > MAX_OUTLINES:
        raise OpmlError("The list has more than 5,000 outlines.")
    return body


def _outlines(parent: Element, folders: tuple[str, ...] = ()) -> Iterator[Outline]:
    if len(folders) > MAX_DEPTH - 1:
        raise OpmlError("The folders are nested deeper than 20 levels.")
    for element in parent:
        if local_name(element) != "outline":
            continue
        found = {name.lower(): value.strip() for name, value in attributes_of(element).items()}
        if "xmlurl" in found:
            yield _outline(found, folders)
        if len(element):
            yield from _outlines(element, (*folders, _folder(found)))


def _folder(found: dict[str, str]) -> str:
    return shorten(plain(found.get("text") or found.get("title", "")), MAX_NAME)


def _outline(found: dict[str, str], folders: tuple[str, ...]) -> Outline:
    url = _address(found["xmlurl"])
    title = shorten(plain(found.get("title") or found.get("text", "")), MAX_TITLE)
    return Outline(
        url=url,
        title="" if title == url else title,
        site_url=resolve("", found.get("htmlurl", "")),
        tags=tuple(dict.fromkeys(filter(None, folders))),
    )


def _address(text: str) -> str:
    """Return the address as written, without the `feed:` that some programs put before it."""
    if text.lower().startswith("feed:"):
        text = text[5:] if text[5:].lower().startswith("http") else f"https:{text[5:]}"
    return text
