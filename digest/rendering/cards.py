"""Cards: an item is rendered once per language and zone, in both parts, and joined into every mail that shows it."""

import json
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Template


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
    _kept: OrderedDict[str, Fragment] = field(default_factory=OrderedDict)

    def draw(self, item: Mapping[str, Any], *, context: Mapping[str, Any], stem: str) -> Fragment:
        """The item's card. A card may depend on its item, the language and the zone, and on nothing else of the mail."""
        key = f"{context['lang']} {context['timezone']} {self._without(item, stem)}"
        if (known := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return known
        made = Fragment(self.card.render({**context, "item": item}), stem, is_shared=True)
        self._kept[key] = made
        if len(self._kept) > self.limit:
            self._kept.popitem(last=False)
        return made

    def _without(self, item: Mapping[str, Any], stem: str) -> str:
        """The item as text, with its random markers folded to what no JSON holds."""
        text = json.dumps(item)
        return text.replace(stem, "\0") if stem else text


def joined(shell: Template, deck: Deck, *, context: Mapping[str, Any], stem: str) -> tuple[Fragment, ...]:
    """A part as fragments: the shell, cut where a card stands, and the cards."""
    seam = f"Q{secrets.token_hex(8)}C"
    cards: list[Fragment] = []
    few = {name: context[name] for name in CARD_CONTEXT}
    first, *rest = shell.render({**context, "card": _dealer(deck, cards, few, seam=seam, stem=stem)}).split(
        seam
    )
    fragments = [Fragment(first, stem)]
    for card, text in zip(cards, rest, strict=True):
        fragments += (card, Fragment(text, stem))
    return tuple(fragments)


# All a card sees beside its item.
CARD_CONTEXT = ("lang", "language", "timezone", "site", "gettext", "ngettext", "pgettext", "npgettext")


def _dealer(
    deck: Deck, cards: list[Fragment], context: Mapping[str, Any], *, seam: str, stem: str
) -> Callable[[Mapping[str, Any]], str]:
    def card(item: Mapping[str, Any]) -> str:
        cards.append(deck.draw(item, context=context, stem=stem))
        return seam

    return card


def text_of(fragments: tuple[Fragment, ...]) -> str:
    """The fragments as one text, markers included."""
    return "".join(fragment.text for fragment in fragments)
