"""What a rendered mail must be before any reader gets it: said once per content, card by card, so that it costs next to nothing.

The HTML comes from our own inlined templates with everything escaped, so tags and attributes can be read by pattern.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from urllib.parse import urlsplit

from markupsafe import escape

from digest.rendering import filters
from digest.rendering.cards import Fragment
from digest.rendering.context import MailContext, PromoBox, Publisher
from digest.rendering.mails import Rendered

CLIPPED = 100_000
"""Decoded octets of HTML from which on Gmail may clip a mail, and its footer with it."""
LARGE = 80_000
MIN_TEXT = 300

_TAG = re.compile(r"<(a|img|table)\b([^>]*)>")
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TEXT_URL = re.compile(r"^(https?://\S+)$", re.MULTILINE)
_H1 = re.compile(r"<h1\b[^>]*>(.*?)</h1>", re.DOTALL)
_PREHEADER = re.compile(r'class="preheader"[^>]*>([^<]*)<')
_INVISIBLE = re.compile(r"[\s\u034f\u200c\u00a0]+")


@dataclass(frozen=True, slots=True)
class Report:
    """What is wrong: an error holds the content back, a warning is shown to the publisher."""

    errors: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What one fragment of HTML shows."""

    size: int
    links: frozenset[str]
    letters: frozenset[str]
    """Its mailto: links."""
    faults: tuple[str, ...]


def inspect(rendered: Rendered, *, context: MailContext, publisher: Publisher) -> Report:
    """The report on a mail as `Templates.mail` made it of this context."""
    frame = _frame(rendered.html)
    facts = [_read(frame), *(_shared_facts(each.text) for each in rendered.html if each.is_shared)]
    size = sum(each.size for each in facts)
    errors = [*_subject_faults(rendered), *_text_faults(rendered, context, publisher)]
    if rendered.html:
        errors += dict.fromkeys(fault for each in facts for fault in each.faults)
        errors += _html_faults(frame, context, publisher)
        known = {f"mailto:{line}" for line in publisher["imprint"]["contact"]}
        if not known.issuperset(letter for each in facts for letter in each.letters):
            errors.append("a mailto: link leads to somebody who is not in the imprint")
    if size > CLIPPED:
        errors.append(
            f"the HTML has {size:,} octets; from {CLIPPED:,} on mail programs clip it, and the footer with it"
        )
    links = frozenset(link for each in facts for link in each.links)
    return Report(tuple(errors), tuple(_warnings(size, links, rendered)))


def _subject_faults(rendered: Rendered) -> Iterator[str]:
    if not rendered.subject.removeprefix("[Test]").strip():
        yield "the subject is empty"


def _html_faults(html: str, context: MailContext, publisher: Publisher) -> Iterator[str]:
    for what, pattern in (("main heading", _H1), ("preview text", _PREHEADER)):
        found = pattern.search(html)
        if not found or not _INVISIBLE.sub("", re.sub("<[^>]*>", "", found[1])):
            yield f"the HTML part has no {what}"
    required = _required(context, publisher, shown=_escaped, label="{label} · {advertiser}")
    yield from _missing("HTML", html, required)


def _text_faults(rendered: Rendered, context: MailContext, publisher: Publisher) -> Iterator[str]:
    size = sum(len(fragment.text) for fragment in rendered.text)
    if size < MIN_TEXT:
        yield f"the text part has {size} characters; a part under {MIN_TEXT} looks like a stub"
    required = _required(context, publisher, shown=filters.folded, label="-- {label} --\n  {advertiser}\n")
    yield from _missing("text", _frame(rendered.text), required)


def _frame(fragments: Sequence[Fragment]) -> str:
    """A part without its cards: what every mail must hold stands around them."""
    return "".join(fragment.text for fragment in fragments if not fragment.is_shared)


def _required(
    context: MailContext, publisher: Publisher, *, shown: Callable[[str], str], label: str
) -> Iterator[tuple[str, str]]:
    """What stands in every part, by name: who sends this, the way out of list mail, each promo's label before its advertiser."""
    imprint = publisher["imprint"]
    for text in (imprint["name"], *imprint["address"], imprint["url"], imprint["privacy_url"]):
        yield "imprint", shown(text)
    if unsubscribe := context["links"]["unsubscribe"]:
        yield "unsubscribe link", shown(unsubscribe)
    promos: list[PromoBox] = dict(context).get("promos", [])  # type: ignore[assignment]  # only editions have them
    for promo in promos:
        yield "promo label", label.format(label=shown(promo["label"]), advertiser=shown(promo["advertiser"]))


def _escaped(text: str) -> str:
    """The text as our HTML holds it."""
    return str(escape(text))


def _missing(part: str, content: str, texts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Named, not quoted: a reason is stored and shown, and a link may hold a token."""
    for what in dict.fromkeys(what for what, text in texts if text not in content):
        yield f"the {part} part lacks the {what}"


def _warnings(size: int, links: frozenset[str], rendered: Rendered) -> Iterator[str]:
    if size > LARGE:
        yield f"the HTML has {size:,} octets; beyond {CLIPPED:,} it is not sent"
    bare = frozenset(link for fragment in rendered.text for link in _bare_links(fragment))
    if rendered.html and links != bare:
        yield f"HTML and text part link to different pages: {len(links - bare)} only in HTML, {len(bare - links)} only in text"


def _read(html: str) -> _Facts:
    links: set[str] = set()
    faults: list[str] = []
    for tag, inside in _TAG.findall(_COMMENT.sub("", html)):
        attributes = {name: unescape(value) for name, value in _ATTRIBUTE.findall(inside)}
        faults += _tag_faults(tag, attributes)
        if tag == "a" and "href" in attributes:
            links.add(attributes["href"])
    pages = frozenset(link for link in links if link.startswith("http"))
    letters = frozenset(link for link in links if link.startswith("mailto:"))
    return _Facts(len(html.encode()), pages, letters, tuple(dict.fromkeys(faults)))


_shared_facts = lru_cache(maxsize=5_000)(_read)
"""A card is looked at once, whoever gets it."""


def _bare_links(fragment: Fragment) -> Sequence[str]:
    """The addresses of a fragment of text."""
    find = _shared_links if fragment.is_shared else _TEXT_URL.findall
    found: Sequence[str] = find(fragment.text)
    return found


_shared_links = lru_cache(maxsize=5_000)(_TEXT_URL.findall)


def _tag_faults(tag: str, attributes: dict[str, str]) -> Iterator[str]:
    match tag:
        case "a" if not _is_link(attributes.get("href", "#")):
            yield "a link leads to neither http(s) nor a place in the mail"
        case "img":
            if not _is_picture(attributes.get("src", "")):
                yield "a picture does not come over https"
            if not {"alt", "width", "height"} <= attributes.keys():
                yield "a picture has no alt, width or height"
        case "table" if attributes.get("role") != "presentation":
            yield "a table has no role: screen readers would read it as data"


def _is_link(href: str) -> bool:
    return href.startswith(("http://", "https://", "#", "mailto:"))


def _is_picture(source: str) -> bool:
    """https, or http from this machine: the demo and tests have no certificate."""
    address = urlsplit(source)
    host = address.hostname or ""
    is_here = host in {"localhost", "::1"} or host.startswith("127.")
    return address.scheme == "https" or (address.scheme == "http" and is_here)
