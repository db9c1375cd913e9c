"""Cards: an item is rendered once per language and zone, in both parts, and joined into every mail that shows it."""

import marshal
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Template

# All a card sees beside its item: never its place, or it could not stand in another mail.
_SEEN = ("lang", "language", "timezone", "site", "gettext", "ngettext", "pgettext", "npgettext")


@dataclass(frozen=True, slots=True)
class Fragment:
    """Rendered text; its slots are held by markers that start with `stem` ("": none). A shared one comes again in other mails."""

    text: str
    stem: str
    is_shared: bool = False


@dataclass(slots=True)
class Deck:
    """The cards of one part that were rendered before; the least recently used go when there are more than `limit`."""

    card: Template
    limit: int = 5_000
    _kept: OrderedDict[tuple[str, str, bytes], Fragment] = field(default_factory=OrderedDict)

    def draw(self, item: dict[str, Any], *, key: bytes, context: Mapping[str, Any], stem: str) -> Fragment:
        """The item's card in the context's language and zone."""
        place = (context["lang"], context["timezone"], key)
        if (known := self._kept.get(place)) is not None:
            self._kept.move_to_end(place)
            return known
        made = self._kept[place] = Fragment(self.card.render({**context, "item": item}), stem, is_shared=True)
        if len(self._kept) > self.limit:
            self._kept.popitem(last=False)
        return made


@dataclass(slots=True)
class Table:
    """One mail's cards: its items are keyed once, for both parts."""

    context: Mapping[str, Any]
    stem: str
    _keys: dict[int, bytes] = field(default_factory=dict)

    def joined(self, shell: Template, deck: Deck) -> tuple[Fragment, ...]:
        """A part as fragments: the shell, cut where a card stands, and the cards."""
        seam = f"Q{secrets.token_hex(8)}C"
        cards: list[Fragment] = []
        first, *rest = shell.render({**self.context, "deal": self._dealer(deck, cards, seam)}).split(seam)
        fragments = [Fragment(first, self.stem)]
        for card, text in zip(cards, rest, strict=True):
            fragments += (card, Fragment(text, self.stem))
        return tuple(fragments)

    def _dealer(self, deck: Deck, cards: list[Fragment], seam: str) -> Callable[[dict[str, Any]], str]:
        seen = {name: self.context[name] for name in _SEEN}

        def deal(item: dict[str, Any]) -> str:
            cards.append(deck.draw(item, key=self._key(item), context=seen, stem=self.stem))
            return seam

        return deal

    def _key(self, item: dict[str, Any]) -> bytes:
        """The item's values as bytes, its random markers blotted out; version 2 of the format depends on values alone."""
        if (known := self._keys.get(id(item))) is not None:
            return known
        octets = marshal.dumps(item, 2)
        if self.stem:
            octets = octets.replace(self.stem.encode(), bytes(len(self.stem)))
        self._keys[id(item)] = octets
        return octets


def text_of(fragments: Sequence[Fragment]) -> str:
    """The fragments as one text, markers included."""
    return "".join(fragment.text for fragment in fragments)
