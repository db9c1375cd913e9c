"""Feed documents as small publishers write them, made from plain values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from html import escape


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry of a document; an empty value is left out."""

    title: str = ""
    link: str = ""
    guid: str = ""
    published: datetime | None = None
    text: str = ""
    tags: Sequence[str] = ()


def rss(
    items: Iterable[Item],
    *,
    title: str = "Beispiel",
    link: str = "https://news.example.org/",
    extra: str = "",
) -> bytes:
    """An RSS 2.0 document with these entries in this order."""
    body = "".join(_item(item) for item in items)
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>'
        f"<title>{escape(title)}</title><link>{escape(link)}</link>{extra}{body}</channel></rss>"
    ).encode()


def _item(item: Item) -> str:
    fields = [("title", item.title), ("link", item.link), ("description", item.text)]
    fields += [("category", tag) for tag in item.tags]
    if item.published is not None:
        fields.append(("pubDate", format_datetime(item.published)))
    inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields if text)
    guid = f'<guid isPermaLink="false">{escape(item.guid)}</guid>' if item.guid else ""
    return f"<item>{inner}{guid}</item>"


def news(number: int, *, published: datetime | None, tags: Sequence[str] = (), **values: str) -> Item:
    """Article number so-and-so of one publisher, with an address and an id of its own."""
    defaults = {
        "title": f"Meldung {number} über den Stadtrat und seine Beschlüsse",
        "link": f"https://news.example.org/artikel/meldung-{number}",
        "guid": f"urn:beispiel:{number}",
        "text": f"Der Stadtrat hat zum {number}. Mal beschlossen.",
    } | values
    return Item(published=published, tags=tags, **defaults)
