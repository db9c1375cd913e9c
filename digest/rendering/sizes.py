"""An upper bound of an edition's HTML in octets, known before anything is rendered: composing stops when it is passed.

Gmail clips a mail beyond about 102 KB, and the footer with its way out goes first; so what does not fit becomes "n more".
"""

from html import escape

from digest.rendering.context import EditionContext, Item, PromoBox, Section

LIMIT = 90_000
"""What a composed edition may come to, by these bounds."""
# Octets of markup, without the texts in it; a test holds the shipped templates below them.
_SHELL = 10_000
_SECTION = 850
_ITEM = 1_150
_LINK = 110
_PROMO = 1_150


def edition_bound(context: EditionContext) -> int:
    """No shipped template makes more octets of HTML out of this context."""
    topics = sum(section_bound(section) for section in context["sections"])
    return _SHELL + topics + sum(map(promo_bound, context["promos"]))


def section_bound(section: Section) -> int:
    """A topic with its articles; its name stands in the contents, the heading, the footer and the link to more."""
    return (
        _SECTION
        + 6 * _size(section["topic"])
        + _size(section["more_url"])
        + sum(map(item_bound, section["items"]))
    )


def item_bound(item: Item) -> int:
    """An article: its link stands twice, its headline twice (once for screen readers)."""
    image = item["image"]
    texts = 2 * (_size(item["title"]) + _size(item["url"])) + _size(item["teaser"]) + _size(item["mute_url"])
    texts += 2 * _size(item["source"]) + _size(item["author"]) + sum(map(_size, item["also_topics"]))
    texts += _size(image["url"]) if image else 0
    texts += sum(map(_size, item["reason"].values())) if item["reason"] else 0  # type: ignore[arg-type]  # all are texts
    others = [(each["source"], each["url"]) for each in item["same_story"]]
    others += [(each["name"], each["url"]) for each in item["searches"]]
    return _ITEM + texts + sum(_LINK + _size(name) + _size(url) for name, url in others)


def promo_bound(promo: PromoBox) -> int:
    """A promo box."""
    image = promo["image"]
    texts = (promo["label"], promo["advertiser"], promo["title"], promo["title"], promo["text"], promo["url"])
    return _PROMO + sum(map(_size, texts)) + (_size(image["url"]) if image else 0)


def _size(text: str | None) -> int:
    """Octets of the text as HTML."""
    return len(escape(text).encode()) if text else 0
