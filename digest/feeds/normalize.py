"""Foreign entries made safe: `normalize` turns what a document says into a `Candidate` that may become an article.

Pure. Texts are already plain when they come; here HTML passes the allow-list, addresses become canonical, and the
fingerprint is taken of what a reader can see. `to_text` is the only way from HTML to text.
"""

import re
from hashlib import sha256

import nh3

from digest.feeds.document import Candidate, ParsedDocument, ParsedEntry, ParsedFeed
from digest.feeds.fields import MAX_CONTENT
from digest.feeds.images import is_tracker, pixels
from digest.feeds.markup import images, is_deeper
from digest.feeds.text import TAG_BODY, to_text
from digest.feeds.urls import canonical_url, secure, url_key

__all__ = ["normalize", "normalize_feed", "safe_html", "to_text"]

_ALLOWED = (
    "a b blockquote br caption code col colgroup dd dl dt em figcaption figure h2 h3 h4 h5 h6 hr i img li ol p pre q s "
    "strong sub sup table tbody td tfoot th thead tr u ul"
)
_HIDDEN = (
    "script style iframe form object embed svg math noscript template title textarea select button audio video canvas "
    "applet frameset noembed noframes plaintext xmp"
)
_TAGS = set(_ALLOWED.split())
_DROPPED_WITH_CONTENT = set(_HIDDEN.split())
_EVERYWHERE = {"title", "lang", "dir"}
_ATTRIBUTES = {
    "*": _EVERYWHERE,
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "col": {"width"},
}
_SIZES = frozenset({"width", "height", "colspan", "rowspan"})
_SCHEMES = {"http", "https", "mailto"}
_RENAMED = re.compile(
    r"<(/?)(h1|div|section|article|main|header|footer|aside|nav|address|center|details|summary|fieldset)(?=[\s>/])",
    re.IGNORECASE,
)
_TAG = re.compile(rf"<(?P<image>img\b)?{TAG_BODY}>|</[^<>]*>", re.IGNORECASE)
_EMPTY = re.compile(r"<(p|figure|li)>\s*</\1>\s*")
_BOILERPLATE = re.compile(
    r"\s*(?:The post .{1,400} (?:first )?appeared (?:first )?on .{1,200}\.?"
    r"|Der Beitrag .{1,400} erschien zuerst (?:auf|bei|in) .{1,200}\.?)$"
)
_BOILERPLATE_HTML = re.compile(
    r"<p>(?:The post <a |Der Beitrag <a )[^<>]*>[^<>]*</a> (?:(?:first )?appeared (?:first )?on|erschien zuerst (?:auf|bei|in)) "
    r"<a [^<>]*>[^<>]*</a>\.?</p>\s*$"
)
_DEEP = 256
_SEPARATOR = "\x1f"


def normalize(entry: ParsedEntry, *, position: int, is_own: bool = False) -> Candidate:
    """Return an entry safe and bounded; links of an own feed (`is_own`) are upgraded to https."""
    link = canonical_url(entry.link)
    link = secure(link) if is_own else link
    key = url_key(link)
    summary = _BOILERPLATE.sub("", entry.summary)
    content = safe_html(entry.content_html)
    image = _image_url(entry.image_url)
    visible = [entry.title, key, summary, to_text(content), image, *entry.authors, *entry.tags]
    return Candidate(
        position=position,
        guid=entry.id,
        guid_alt=guid_alt(entry.id),
        link=link,
        link_key=key,
        title=entry.title,
        summary=summary,
        content_html=content,
        image_url=image,
        image_width=entry.image_width if image else None,
        image_height=entry.image_height if image else None,
        authors=entry.authors,
        tags=entry.tags,
        language=entry.language,
        published=entry.published,
        updated=entry.updated,
        fingerprint=sha256(_SEPARATOR.join(visible).encode()).hexdigest(),
    )


def normalize_feed(feed: ParsedFeed, *, is_own: bool = False) -> ParsedDocument:
    """Return a whole document safe: the feed's own facts, and a candidate for each entry."""
    return ParsedDocument(
        format=feed.format,
        title=feed.title,
        link=canonical_url(feed.link),
        language=feed.language,
        candidates=tuple(
            normalize(entry, position=position, is_own=is_own) for position, entry in enumerate(feed.entries)
        ),
        entry_count=feed.entry_count,
        ttl=feed.ttl,
        update_period=feed.update_period,
        hub_url=canonical_url(feed.hub_url),
        self_url=canonical_url(feed.self_url),
    )


def safe_html(html: str) -> str:
    """Return only allowed HTML: no script, no style, no pixel that counts readers, no address but http(s) and mailto.

    Balanced, so that it may stand inside a page, at most 256 KiB and 256 elements deep, otherwise nothing.
    """
    if not html.strip() or is_deeper(html, than=_DEEP):
        return ""
    cleaned = _clean(_RENAMED.sub(_allowed_name, html))
    pruned = _EMPTY.sub("", _BOILERPLATE_HTML.sub("", _TAG.sub(_without_pixel, cleaned)))
    if pruned != cleaned:
        pruned = _clean(pruned)  # whatever we cut, the sanitizer has the last word
    return pruned if len(pruned.encode()) <= MAX_CONTENT else ""


def guid_alt(guid: str) -> str:
    """Return an id as it survives a change of scheme or host prefix: without scheme and `www.`."""
    if key := url_key(guid):
        return key
    return guid.removeprefix("http://").removeprefix("https://").removeprefix("www.")


def _clean(html: str) -> str:
    return nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes=_SCHEMES,
        link_rel=None,
    ).strip()


def _allowed_name(match: re.Match[str]) -> str:
    """Return the tag that says the same within the allow-list, so that no two blocks run into one word."""
    return f"<{match[1]}{'h2' if match[2].lower() == 'h1' else 'p'}"


def _without_pixel(match: re.Match[str]) -> str:
    """Return a tag of cleaned HTML, or nothing for an image without a source or of no size."""
    if not match["image"]:
        return match[0]
    image = next(images(match[0]), {})
    is_shown = image.get("src") and not {image.get("width"), image.get("height")} & {"0", "1", "2"}
    return match[0] if is_shown else ""


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Return the attribute's value as it may stay, or None."""
    if name == "href":
        return value if value.lower().startswith("mailto:") else canonical_url(value) or None
    if name == "src" and tag == "img":
        return _image_url(value) or None
    if name in _SIZES:
        size = pixels(value)
        return str(size) if size is not None else None
    return value


def _image_url(url: str) -> str:
    address = secure(canonical_url(url))
    return "" if is_tracker(address) else address
