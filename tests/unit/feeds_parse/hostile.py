"""Documents that mean harm, made when they are needed: each name says what it tries."""

import gzip
from collections.abc import Callable

SIZE = 10 * 1024 * 1024

RSS = b"<rss version='2.0'><channel><title>T</title>"
ITEM = b"<item><title>t</title><link>https://example.org/1</link></item>"


def filled(unit: bytes, size: int, *, head: bytes = RSS, tail: bytes = ITEM) -> bytes:
    return head + unit * ((size - len(head) - len(tail)) // len(unit)) + tail


def _item(inner: bytes) -> Callable[[int], bytes]:
    def make(size: int) -> bytes:
        head = RSS + b"<item><title>t</title><link>https://example.org/1</link><description>"
        return filled(inner, size, head=head, tail=b"</description></item></channel></rss>")

    return make


def _entries(unit: str) -> Callable[[int], bytes]:
    """Forty entries, each as long as content may be and each different; `#` in the unit becomes a number."""

    def make(size: int) -> bytes:
        room = size // 40 - 200
        pieces = (_content(unit, room, number) for number in range(40))
        items = (
            b"<item><title>t</title><link>https://example.org/%d</link><description><![CDATA[%s]]></description></item>"
            % (number, piece)
            for number, piece in enumerate(pieces)
        )
        return RSS + b"".join(items) + b"</channel></rss>"

    return make


def _content(unit: str, room: int, number: int) -> bytes:
    count = room // (len(unit) + 5)
    return "".join(unit.replace("#", str(100_000 + number * 2_000 + n)) for n in range(count)).encode()


def _unit(unit: bytes, *, head: bytes = RSS, tail: bytes = ITEM) -> Callable[[int], bytes]:
    return lambda size: filled(unit, size, head=head, tail=tail)


def billion_laughs(size: int) -> bytes:
    entities = b"".join(b"<!ENTITY l%d '%s'>" % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 30))
    return b"<!DOCTYPE rss [<!ENTITY l0 'lol'>" + entities + b"]>" + RSS + ITEM.replace(b">t<", b">&l29;<")


def quadratic_blowup(size: int) -> bytes:
    big = b"<!DOCTYPE rss [<!ENTITY a '" + b"a" * (size // 2) + b"'>]>"
    return big + filled(b"&a;", size // 2)


def external_entity(size: int) -> bytes:
    return b"<!DOCTYPE rss [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>" + RSS + ITEM.replace(b">t<", b">&x;<")


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "billion laughs": billion_laughs,
    "quadratic blow-up": quadratic_blowup,
    "external entity": external_entity,
    "elements without end": _unit(b"<a>"),
    "items within items": _unit(b"<item><title>t"),
    "many empty items": _unit(b"<item/>"),
    "many items": _unit(ITEM),
    "many channels": _unit(b"<channel><link>x</link></channel>"),
    "many tags of one item": _unit(
        b"<category>c</category>", head=RSS + b"<item><title>t</title>", tail=b"</item>"
    ),
    "many attributes": lambda size: (
        RSS + b"<item " + b" ".join(b"a%d='b'" % n for n in range(size // 12)) + b"/>" + ITEM
    ),
    "many names": lambda size: RSS + b"".join(b"<n%d/>" % n for n in range(size // 10)) + ITEM,
    "many prefixes": lambda size: RSS + b"".join(b"<p%d:a/>" % n for n in range(size // 12)) + ITEM,
    "one long text": _unit(b"a", head=RSS + b"<item><title>", tail=b"</title></item>"),
    "one long author": _unit(b"a@", head=RSS + b"<item><title>t</title><author>", tail=b"</author></item>"),
    "one long date": _unit(b"1", head=RSS + b"<item><title>t</title><pubDate>", tail=b"</pubDate></item>"),
    "one long link": _unit(
        b"/..", head=RSS + b"<item><title>t</title><link>https://e.org", tail=b"</link></item>"
    ),
    "bare ampersands": _unit(b"&"),
    "named entities": _unit(b"&uuml;"),
    "numeric references": _unit(b"&#x41;"),
    "half references": _unit(b"&#x"),
    "comments begun": _unit(b"<!--"),
    "comments within": _unit(b"<!-- - -->"),
    "cdata begun": _unit(b"<![CDATA["),
    "prologs begun": _unit(b"<?xml ", head=b""),
    "doctypes": _unit(b"<!DOCTYPE a>", head=b"", tail=RSS + ITEM),
    "doctype brackets": _unit(b"[\"']", head=b"<!DOCTYPE rss ", tail=b"]>" + RSS + ITEM),
    "white space": _unit(b" ", head=b"", tail=RSS + ITEM),
    "nul bytes": _unit(b"\0", head=b"", tail=RSS + ITEM),
    "no utf-8": _unit(b"\xff\xe4"),
    "html: tags begun": _item(b"&lt;a "),
    "html: quotes begun": _item(b"&lt;a \"'"),
    "html: comments begun": _item(b"&lt;!--"),
    "html: scripts": _item(b"&lt;script>&lt;/script "),
    "html: images": _item(b"&lt;img src=a "),
    "html: placeholders": _item(b"&lt;img src='data:x' width=1>"),
    "html: long names": _item(b"&lt;img aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    "html: one long name": lambda size: (
        RSS + b"<item><description>&lt;img " + b"a" * (size // 2) + b"></description></item>"
    ),
    "html: spaces": _item(b"&lt;a href=                                             "),
    "html: relative links": _item(b"&lt;a href='x'>y&lt;/a>"),
    "html: deep": _item(b"&lt;div>&lt;b>&lt;table>"),
    "entries: lists within lists": _entries("<ul><li>"),
    "entries: formats without end": _entries("<b><i><u><s><em>x</p>"),
    "entries: links upwards": _entries("<a href='../#'>y</a>"),
    "entries: sources": _entries("<img src='#.gif' width=1>"),
    "entries: pictures": _entries("<img src=http://example.org/#.jpg>"),
    "entries: ampersands": _entries("&amp;amp;"),
    "json: deep lists": lambda size: b'{"version": "https://jsonfeed.org/version/1", "items": ' + b"[" * size,
    "json: deep objects": lambda size: b'{"items": ' + b'{"a":' * (size // 5),
    "json: many items": lambda size: b'{"items": [' + b"{}," * (size // 3) + b"{}]}",
    "json: large number": lambda size: b'{"items": [' + b"9" * size + b"]}",
    "json: one long text": lambda size: b'{"items": [{"id": "' + b"a" * size + b'"}]}',
    "compressed": lambda size: gzip.compress(b"\0" * size),
}
