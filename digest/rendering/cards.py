"""Cards: an item is rendered once per language and zone, in both parts, and joined into every mail that shows it."""

import marshal
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Template

from digest.rendering.catalogues import Language

# All a card sees beside its item: never its place, or it could not stand in another mail.
_SEEN = ("lang", "language", "timezone", "site", "gettext", "ngettext", "pgettext", "npgettext")


@dataclass(frozen=True, slots=True)
class Fragment:
    """Rendered text; its slots are held by markers that start with `stem` ("": none). A shared one comes again in other mails."""

    text: str
    stem: str
    is_shared: bool = False


class CardItem(dict[str, Any]):
    """An item that nobody changes any more; `stem` is that of the markers in it. Its card is found by a key made once."""

    __slots__ = ("key",)

    def __init__(self, values: Mapping[str, Any], *, stem: str) -> None:
        super().__init__(values)
        self.key = _key(values, stem)


@dataclass(slots=True)
class Deck:
    """The cards of one part that were rendered before; the least recently used go when there are more than `limit`."""

    card: Callable[[Language], Template]
    limit: int = 5_000
    _kept: OrderedDict[tuple[str, str, bytes], Fragment] = field(default_factory=OrderedDict)

    def draw(self, item: dict[str, Any], *, key: bytes, context: Mapping[str, Any], stem: str) -> Fragment:
        """The item's card in the context's language and zone."""
        place = (context["lang"], context["timezone"], key)
        if (known := self._kept.get(place)) is not None:
            self._kept.move_to_end(place)
            return known
        card = self.card(context["language"])
        made = self._kept[place] = Fragment(card.render({**context, "item": item}), stem, is_shared=True)
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
        """A part as fragments: the shell, cut where cards stand, and the cards."""
        seam = f"Q{secrets.token_hex(8)}C"
        hands: list[list[Fragment]] = []
        first, *rest = shell.render({**self.context, "deal": self._dealer(deck, hands, seam)}).split(seam)
        fragments = [Fragment(first, self.stem)]
        for cards, text in zip(hands, rest, strict=True):
            fragments += cards
            fragments.append(Fragment(text, self.stem))
        return tuple(fragments)

    def _dealer(
        self, deck: Deck, hands: list[list[Fragment]], seam: str
    ) -> Callable[[Sequence[dict[str, Any]]], str]:
        seen = {name: self.context[name] for name in _SEEN}

        def deal(items: Sequence[dict[str, Any]]) -> str:
            hands.append(
                [deck.draw(item, key=self._key(item), context=seen, stem=self.stem) for item in items]
            )
            return seam

        return deal

    def _key(self, item: dict[str, Any]) -> bytes:
        if isinstance(item, CardItem):
            return item.key
        if (known := self._keys.get(id(item))) is None:
            known = self._keys[id(item)] = _key(item, self.stem)
        return known


def _key(values: Mapping[str, Any], stem: str) -> bytes:
    """The values as bytes, their random markers blotted out; version 2 of the format depends on values alone."""
    octets = marshal.dumps(dict(values), 2)
    return octets.replace(stem.encode(), bytes(len(stem))) if stem else octets


def text_of(fragments: Sequence[Fragment]) -> str:
    """The fragments as one text, markers included."""
    return "".join(fragment.text for fragment in fragments)
