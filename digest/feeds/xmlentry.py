"""One `<item>` or `<entry>` to a `Draft`: RSS, RDF, Atom and the namespaces they borrow from each other.

The rules do not ask which format they stand in: an RSS item may carry Atom links, Dublin Core dates and Media RSS
pictures, and many do. Each function is one row of the table of fields.
"""

import binascii
from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime
from html import escape

from digest.feeds import fields
from digest.feeds.dates import parse_date
from digest.feeds.images import Picture, first_in, picture, preferred
from digest.feeds.markup import with_absolute_addresses
from digest.feeds.text import to_text
from digest.feeds.urls import is_inner, resolve
from digest.feeds.xmltree import XML, Element, Names, markup_of, text_of

Children = dict[str, list[Element]]

_TITLES = ("atom:title", "title", "dc:title", "media:title")
_CONTENTS = ("content:encoded", "atom:content", "xhtml:body", "xhtml:div")
_SUMMARIES = (
    "description",
    "atom:summary",
    "summary",
    "dc:description",
    "itunes:summary",
    "media:description",
)
_PUBLISHED = (
    "pubdate",
    "atom:published",
    "dc:date",
    "dcterms:issued",
    "atom:issued",
    "dcterms:created",
    "atom:created",
)
_UPDATED = ("atom:updated", "dcterms:modified", "atom:modified", "lastbuilddate", "updated", "published")
_AUTHORS = ("dc:creator", "author", "itunes:author")
_ABOUT = ("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about", "rdf:about", "about")
_TAGS = ("category", "dc:subject")


def read_entry(element: Element, names: Names, *, base: str, language: str) -> fields.Draft:
    """Return what one entry says; `base` and `language` are those of the document."""
    found = names.children(element)
    base = base_of(element, base)
    content = with_absolute_addresses(_first_html(found, _CONTENTS), base)
    summary = with_absolute_addresses(_first_html(found, _SUMMARIES), base)
    image = _image(found, content or summary, base)
    return fields.Draft(
        id=_id(element, found),
        link=_link(found, base),
        title=_title(found),
        summary_html=summary,
        content_html=content or summary,
        published=_date(found, _PUBLISHED),
        updated=_date(found, _UPDATED),
        authors=_authors(found, names),
        tags=_tags(found),
        image_url=image.url,
        image_width=image.width,
        image_height=image.height,
        language=language_of(element, found) or language,
    )


def published_at(element: Element, names: Names) -> datetime | None:
    """Return only the date of an entry, to learn the order of a long document."""
    found = names.children(element)
    return _date(found, _PUBLISHED) or _date(found, _UPDATED)


def base_of(element: Element, outer: str) -> str:
    """Return the base of addresses inside an element: its xml:base, if that means anything outside its author's house."""
    own = resolve(outer, element.get(f"{XML}base", ""))
    return own if own and not is_inner(own) else outer


def language_of(element: Element, found: Children) -> str:
    """Return the language an element names for itself, or `""`."""
    marked = element.get(f"{XML}lang") or next((text_of(e) for e in found.get("dc:language", ())), "")
    return fields.language_tag(marked)


def html_of(element: Element, name: str) -> str:
    """Return the HTML an element means; plain text is escaped."""
    if not name.startswith("atom:"):
        return markup_of(element, is_markup=name.startswith("xhtml:"))
    kind = element.get("type", "").strip().lower() or "text"
    if element.get("mode", "").lower() == "base64" or not ("text" in kind or "ml" in kind):
        return _decoded(element)
    if len(element) or "xhtml" in kind:
        return markup_of(element, is_markup="xhtml" in kind or kind in {"text", "text/plain"})
    return (element.text or "") if "html" in kind else escape(element.text or "", quote=False)


def title_of(element: Element, name: str) -> str:
    """Return a title as one plain line; what is plain comes escaped, so nothing is unescaped twice."""
    return to_text(html_of(element, name))


def _decoded(element: Element) -> str:
    """Return the text that stands there in base64, or nothing if it is a picture or no base64 at all."""
    try:
        return b64decode("".join((element.text or "").split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _title(found: Children) -> str:
    return next((text for name in _TITLES for e in found.get(name, ()) if (text := title_of(e, name))), "")


def _first_html(found: Children, names: tuple[str, ...]) -> str:
    return next(
        (html for name in names for e in found.get(name, ()) if (html := html_of(e, name).strip())), ""
    )


def _first_text(found: Children, *names: str) -> str:
    return next((text for name in names for e in found.get(name, ()) if (text := text_of(e))), "")


def _date(found: Children, names: tuple[str, ...]) -> datetime | None:
    return next(
        (date for name in names for e in found.get(name, ()) if (date := parse_date(text_of(e)))), None
    )


def _id(element: Element, found: Children) -> str:
    return (
        _first_text(found, "guid", "atom:id", "id")
        or next(filter(None, map(element.get, _ABOUT)), "").strip()
    )


def _link(found: Children, base: str) -> str:
    """Return the address of the article: the first kind of link that gives a usable one."""
    kinds = (
        [text_of(e) for e in found.get("feedburner:origlink", ())],
        list(_plain_links(found)),
        list(alternates(found)),
        [
            text_of(e)
            for e in found.get("guid", ())
            if e.get("ispermalink", e.get("isPermaLink", "true")).lower() != "false"
        ],
        [text_of(e) for e in found.get("atom:id", ())],
        [e.get("url", "") for e in found.get("enclosure", ())]
        + [e.get("href", "") for e in _related(found, "enclosure")],
    )
    for number, kind in enumerate(kinds):
        origin = base if number in {1, 2, 5} else ""  # an id is never relative
        usable = [url for link in kind if (url := resolve(origin, link))]
        if usable:
            return usable[-1]
    return ""


def _plain_links(found: Children) -> Iterator[str]:
    for element in found.get("link", ()):
        yield text_of(element) or (
            element.get("href", "") if element.get("rel", "alternate") == "alternate" else ""
        )


def alternates(found: Children) -> Iterator[str]:
    """Yield the Atom links to the page itself; if any says it is HTML, or says nothing, only those."""
    links = [
        e for e in found.get("atom:link", ()) if e.get("rel", "alternate").rpartition("/")[2] == "alternate"
    ]
    html = [e for e in links if "html" in e.get("type", "text/html")]
    yield from (e.get("href") or text_of(e) for e in html or links)


def _related(found: Children, relation: str) -> list[Element]:
    return [e for e in found.get("atom:link", ()) if e.get("rel", "") == relation]


def _authors(found: Children, names: Names) -> Iterator[str]:
    for name in ("atom:author", "author"):
        for element in found.get(name, ()):
            inner = names.children(element) if len(element) else {}
            yield _first_text(inner, "atom:name", "name")
    for name in _AUTHORS:
        yield from (text_of(e) for e in found.get(name, ()))


def _tags(found: Children) -> Iterator[str]:
    for element in found.get("atom:category", ()):
        yield element.get("label") or element.get("term") or text_of(element)
    for name in _TAGS:
        yield from (text_of(e) or e.get("term", "") for e in found.get(name, ()))


def _image(found: Children, html: str, base: str) -> Picture:
    media = [e for e in found.get("media:content", ()) if _is_image(e)]
    for group in (
        found.get("media:thumbnail", []) + media,
        _enclosures(found),
        found.get("itunes:image", []),
    ):
        chosen = preferred(_picture(e, base) for e in group)
        if chosen.url:
            return chosen
    return first_in(html, base=base)


def _enclosures(found: Children) -> list[Element]:
    return [e for e in found.get("enclosure", []) + _related(found, "enclosure") if _is_image(e)]


def _is_image(element: Element) -> bool:
    if (medium := element.get("medium", "")) or (kind := element.get("type", "")):
        return medium == "image" if medium else kind.startswith("image/")
    address = (element.get("url") or element.get("href") or "").lower().partition("?")[0]
    return address.endswith((".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif"))


def _picture(element: Element, base: str) -> Picture:
    address = element.get("url") or element.get("href") or text_of(element)
    return picture(address, base=base, width=element.get("width"), height=element.get("height"))
