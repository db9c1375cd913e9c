"""Slots: the places where one reader's mail differs from the next. A slot becomes a position once and is never searched again.

While a content is rendered, a *marker* of letters and digits stands in each slot. Its stem holds 64 random bits drawn when
the texts of that content had been read, so no feed, form or setting can have written it. The letter behind the stem says which slot it is.
"""

import html
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from digest.mail.errors import SlotError


class Slot(StrEnum):
    """What differs from reader to reader; the value is the letter behind a marker's stem."""

    UNSUBSCRIBE = "u"
    PREFERENCES = "p"
    VIEW = "v"
    MUTE = "m"
    ADDRESS = "a"
    SINCE = "s"


TEXT_SLOTS = frozenset({Slot.ADDRESS, Slot.SINCE})
TOKEN_SLOTS = frozenset(Slot) - TEXT_SLOTS

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,72}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Markers:
    """The markers of the contents read together; hand them to `Links` and to the footer in place of tokens and texts."""

    stem: str

    @classmethod
    def draw(cls) -> "Markers":
        """Fresh markers: never the same stem for texts that were read later."""
        return cls(stem=f"Q{secrets.token_hex(8)}Q")

    def of(self, slot: Slot) -> str:
        """The text that holds the place of `slot` until a mail is composed."""
        return self.stem + slot.value


def cut(text: str, *, stem: str, prefixes: Mapping[Slot, str]) -> list[str | Slot]:
    """Text and slots in turn, text first and last. Raises SlotError for a token marker that is not directly behind its own link prefix."""
    if not stem:
        return [text]
    first, *rest = text.split(stem)
    pieces: list[str | Slot] = [first]
    before = first
    for piece in rest:
        slot = _slot(piece[:1])
        _expect_prefix(slot, before, prefixes)
        before = piece[1:]
        pieces += (slot, before)
    return pieces


def fill(slot: Slot, value: str, *, is_html: bool) -> str:
    """The value as it goes into the part: a token as it is, a text on one line and, in HTML, escaped. Raises SlotError."""
    if slot in TOKEN_SLOTS:
        if not _TOKEN.fullmatch(value):
            raise SlotError(
                f"the value for slot {slot.name.lower()} is no token of 1 to 72 letters, digits, - and _"
            )
        return value
    if not value or _CONTROL.search(value):
        raise SlotError(f"the value for slot {slot.name.lower()} is empty or has a control character")
    return html.escape(value) if is_html else value


def _slot(letter: str) -> Slot:
    try:
        return Slot(letter)
    except ValueError:
        raise SlotError("a marker was cut or changed by a template: slots are printed as they are") from None


def _expect_prefix(slot: Slot, before: str, prefixes: Mapping[Slot, str]) -> None:
    if slot in TEXT_SLOTS:
        return
    prefix = prefixes.get(slot)
    if not prefix or not before.endswith(prefix):
        raise SlotError(
            f"slot {slot.name.lower()} stands outside its own link: a token goes nowhere but to our own pages"
        )
