"""XML from strangers: the one hardened parser, short names for elements, and the markup inside an element.

No entity is resolved, no DTD, file or network address is read, no instruction is followed. A name is known by its
namespace, and by its usual prefix where the namespace is missing or misspelt, so the rest of the package says
`dc:date` and means it.
"""

import re
from collections.abc import Iterable
from html import escape
from itertools import islice
from typing import TypeAlias

from lxml import etree

Element: TypeAlias = etree._Element  # noqa: SLF001 (lxml has no public name for the type)

XML = "{http://www.w3.org/XML/1998/namespace}"

_NAMESPACES = {
    "": "",
    "http://purl.org/rss/1.0": "",
    "http://my.netscape.com/rdf/simple/0.9": "",
    "http://channel.netscape.com/rdf/simple/0.9": "",
    "http://backend.userland.com/rss": "",
    "http://backend.userland.com/rss2": "",
    "http://blogs.law.harvard.edu/tech/rss": "",
    "http://cyber.law.harvard.edu/rss": "",
    "http://purl.org/net/rss1.1#": "",
    "http://www.w3.org/2005/atom": "atom",
    "http://purl.org/atom/ns#": "atom",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
    "http://purl.org/dc/elements/1.1": "dc",
    "http://purl.org/dc/elements/1.0": "dc",
    "http://purl.org/dc/terms": "dcterms",
    "http://purl.org/rss/1.0/modules/content": "content",
    "http://purl.org/rss/1.0/modules/syndication": "sy",
    "http://search.yahoo.com/mrss": "media",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner",
    "http://www.w3.org/1999/xhtml": "xhtml",
}
_PREFIXES = frozenset(_NAMESPACES.values()) - {""} | {"a10"}
_MAX_ATTRIBUTES = 64
_MAX_CHILDREN = 5_000
_MAX_NAMES = 10_000
_MAX_TAGS = 500_000
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)


def read_tree(text: str) -> Element | None:
    """Return the root of a repaired document, as far as it can be read, or None.

    What follows a cut, a depth of 256, a text of 10 MB or half a million tags is lost; what stood before is there.
    """
    parser = etree.XMLParser(
        encoding="utf-8",
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_pis=True,
        remove_comments=True,
    )
    try:
        return etree.fromstring(_bounded(text).encode("utf-8"), parser)
    except etree.XMLSyntaxError:  # nothing that looks like a tag
        return None


def _bounded(text: str) -> str:
    """Return the text before its half-millionth tag: a tree takes many times the memory of what it is read from."""
    if text.count("<") <= _MAX_TAGS:
        return text
    return text[: next(islice(re.finditer("<", text), _MAX_TAGS, None)).start()]


class Names:
    """Short names of the elements of one document, such as `title`, `atom:link` or `dc:date`, in lower case."""

    def __init__(self, root: Element) -> None:
        """Take the root's own namespace for plain RSS or Atom, whatever it is, if the root is called so."""
        self._own, local = _split(root)
        self._family = {"rss": "", "channel": "", "feed": "atom:", "entry": "atom:"}.get(local.lower())
        self._known: dict[str, str] = {}

    def of(self, element: Element) -> str:
        """Return the short name of an element."""
        tag = str(element.tag)
        name = self._known.get(tag)
        if name is None:
            name = self._short(element)
            if len(self._known) < _MAX_NAMES:
                self._known[tag] = name
        return name

    def children(self, element: Element) -> dict[str, list[Element]]:
        """Return the children of an element by short name, those of media groups among them; not beyond thousands."""
        found: dict[str, list[Element]] = {}
        for child in islice(element, _MAX_CHILDREN):
            name = self.of(child)
            found.setdefault(name, []).append(child)
            if name in {"media:group", "media:content"}:
                for inner in islice(child, _MAX_CHILDREN):
                    found.setdefault(self.of(inner), []).append(inner)
        return found

    def _short(self, element: Element) -> str:
        uri, local = _split(element)
        prefix, colon, rest = local.rpartition(":")
        if colon and not uri:
            prefix = prefix.lower()
            return f"{'atom' if prefix == 'a10' else prefix}:{rest.lower()}"
        if uri == self._own and self._family is not None:
            return self._family + local.lower()
        prefix = _NAMESPACES.get(uri.strip().lower().rstrip("/"), "?")
        if prefix == "?" and (element.prefix or "").lower() in _PREFIXES:
            prefix = str(element.prefix).lower()
        return f"{prefix}:{local.lower()}" if prefix else local.lower()


def local_name(element: Element) -> str:
    """Return an element's name without namespace and prefix, in lower case."""
    return _split(element)[1].rpartition(":")[2].lower()


def namespace(element: Element) -> str:
    """Return the namespace of an element, or `""`."""
    return _split(element)[0]


def attributes_of(element: Element) -> dict[str, str]:
    """Return all attributes of an element by Clark name; none if there are absurdly many.

    The binding looks each value up by name, so listing them costs the square of their number.
    """
    attributes = element.attrib
    return dict(attributes) if len(attributes) <= _MAX_ATTRIBUTES else {}


def text_of(element: Element) -> str:
    """Return the character data directly inside an element, trimmed."""
    return (element.text or "").strip()


def markup_of(element: Element, *, is_markup: bool) -> str:
    """Return what stands inside an element as HTML.

    With `is_markup` the elements are the markup and text is text (XHTML); without it the text itself is HTML, and
    elements that somebody forgot to escape are put back into it.
    """
    if len(element) == 0 and not is_markup:
        return element.text or ""
    out: list[str] = []
    write = _escaped if is_markup else str
    depth = 0
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if event == "start":
            out.append(_start_tag(node) if depth else "")
            out.append(write(node.text or ""))
            depth += 1
        else:
            depth -= 1
            if depth:
                out.append(_end_tag(node))
                out.append(write(node.tail or ""))
    return "".join(out)


def _escaped(text: str) -> str:
    return escape(text, quote=False)


def _start_tag(element: Element) -> str:
    return f"<{local_name(element)}{''.join(_written(attributes_of(element)))}>"


def _end_tag(element: Element) -> str:
    name = local_name(element)
    return "" if name in _VOID else f"</{name}>"


def _written(attributes: dict[str, str]) -> Iterable[str]:
    return (f' {name.rpartition("}")[2]}="{escape(value)}"' for name, value in attributes.items())


def _split(element: Element) -> tuple[str, str]:
    uri, _, local = str(element.tag).rpartition("}")
    return uri[1:], local
