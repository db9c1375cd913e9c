"""A mail stays small enough to be shown whole: what would pass the bound is not composed but comes again. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from itertools import chain
from typing import Final, NamedTuple

from digest.editions.items import TEASER_AT_MOST, TITLE_AT_MOST, teaser
from digest.feeds.text import shorten
from digest.matching.rank import CARRIED_AT_MOST, Selection, Shown
from digest.rendering.context import Image, Item, SameStory, Section
from digest.rendering.sizes import LIMIT, edition_bound, item_bound, section_bound

_ADDRESS: Final = "x" * 300
"""As long as a link to our own pages with its token gets."""
_WIDEST: Final = "'"
"""Nothing takes more octets of HTML for one character."""
_REASON: Final = 500
_PROMO: Final = 5_000


class Octets(NamedTuple):
    """How much HTML an article may take: with a place of its own, and in the line of another."""

    item: int
    line: int


def octets(
    *, title: str, link: str, summary: str, image_url: str, authors: Iterable[str], source: str
) -> Octets:
    """An upper bound for an article, whatever the mail."""
    item = Item(
        id=0,
        title=shorten(title, TITLE_AT_MOST),
        url=link,
        teaser=teaser(summary) if summary else _WIDEST * TEASER_AT_MOST,
        source=source,
        author=", ".join(list(authors)[:2]),
        published=None,
        minutes=None,
        image=Image(url=image_url, width=None, height=None),
        mute_url=_ADDRESS,
        is_carried=False,
        reason=None,
        also_topics=[],
        same_story=[],
        searches=[],
    )
    alone = item_bound(item)
    told_too = item_bound(item | {"same_story": [SameStory(source=source, url=link)]})
    return Octets(alone + _REASON, told_too - alone)


@dataclass(frozen=True, slots=True)
class Scale:
    """Weighs mails: the octets of articles, and the names of topics."""

    articles: Mapping[int, Octets] = field(default_factory=dict)
    topics: Mapping[int, str] = field(default_factory=dict)
    _weighed: dict[int, tuple[int, int]] = field(default_factory=dict)

    def fitting(self, shown: Iterable[Shown], *, promos: int) -> list[Shown]:
        """The items, in their order, that stay below the bound; one at least."""
        kept: list[Shown] = []
        known: set[int] = set()
        used = edition_bound({"sections": [], "promos": []}) + promos * _PROMO  # type: ignore[typeddict-item]  # all it reads
        for one in shown:
            used += self._item(one) + (0 if one.topic_id in known else self._topic(one.topic_id)[1])
            if used > LIMIT and kept:
                break
            known.add(one.topic_id)
            kept.append(one)
        return kept

    def _item(self, one: Shown) -> int:
        lines = sum(self.articles[other].line for other in one.same_story if other in self.articles)
        alone = self.articles[one.article_id].item if one.article_id in self.articles else 0
        also = sum(self._topic(topic)[0] for topic in one.also_topics)
        return alone + lines + also + self._topic(one.topic_id)[0]

    def _topic(self, topic: int) -> tuple[int, int]:
        """The octets of a topic's name, and of a section without its articles; weighed once."""
        if topic not in self._weighed:
            name = self.topics.get(topic, "")
            section = Section(anchor="", topic=name, items=[], more_count=0, more_url=_ADDRESS)
            self._weighed[topic] = len(escape(name).encode()), section_bound(section)
        return self._weighed[topic]


def fitted(chosen: Selection, scale: Scale, *, carried: Collection[int], promos: int = 0) -> Selection:
    """The selection without what would make the mail too large: that is carried as if it had found no place."""
    kept = scale.fitting(chosen.shown, promos=promos)
    if len(kept) == len(chosen.shown):
        return chosen
    cut = chosen.shown[len(kept) :]
    heads = [one.article_id for one in cut]
    waiting = chain(heads, chosen.carried, *(one.same_story for one in cut))
    again = [article for article in waiting if article not in carried]
    ended = {*chosen.expired, *again[CARRIED_AT_MOST:], *heads, *chain(*(one.same_story for one in cut))}
    return replace(
        chosen,
        shown=kept,
        folded=[(member, head) for member, head in chosen.folded if head not in heads],
        carried=again[:CARRIED_AT_MOST],
        expired=sorted(ended.difference(again[:CARRIED_AT_MOST])),
        more=dict(Counter(chosen.more) + Counter(one.topic_id for one in cut)),
    )
