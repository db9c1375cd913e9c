"""From template files to compiled templates: flatten, check, inline, compile. All that can be wrong is found here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from jinja2 import Environment, Template

from digest.rendering.catalogues import Language
from digest.rendering.errors import TemplateError
from digest.rendering.files import Files, flatten
from digest.rendering.inline import inlined
from digest.rendering.pieces import CARD, Kind, Piece, cut, end_of_block
from digest.rendering.rules import expect_html
from digest.rendering.translating import compiled

# A loop over nothing but cards is dealt at once; anything else around a card stays, and each is dealt by itself.
_LOOP = re.compile(r"\{%\s*for item in (.+?)\s*%\}")
_ONE_CARD = "{{ [item]|cards }}"


@dataclass(frozen=True)
class Part:
    """One part of a mail as pieces ready to compile; `card_block` is where its card's block starts and ends, or None."""

    pieces: Sequence[Piece]
    environment: Environment
    card_block: tuple[int, int] | None

    def whole(self, language: Language) -> Template:
        """All of it, every item in its place."""
        return compiled(self.environment, self._whole, language)

    def shell(self, language: Language) -> Template:
        """All of it but the cards, which the filter `cards` deals."""
        return compiled(self.environment, self._shell, language)

    def card(self, language: Language) -> Template:
        """What one item looks like; "" for a part without items."""
        return compiled(self.environment, self._card, language)

    @cached_property
    def _whole(self) -> str:
        """The card's block is but a mark: without it an item costs no context of its own."""
        if self.card_block is None:
            return _source(self.pieces)
        start, end = self.card_block
        return _source([*self.pieces[:start], *self.pieces[start + 1 : end], *self.pieces[end + 1 :]])

    @cached_property
    def _card(self) -> str:
        start, end = self.card_block or (0, 0)
        return _source(self.pieces[start + 1 : end])

    @cached_property
    def _shell(self) -> str:
        if self.card_block is None:
            return _source(self.pieces)
        start, end = self.card_block
        before, after = list(self.pieces[:start]), list(self.pieces[end + 1 :])
        if (items := _loop_around(before, after)) is None:
            return _source(before) + _ONE_CARD + _source(after)
        while before.pop().keyword != "for":
            pass
        while after.pop(0).keyword != "endfor":
            pass
        return f"{_source(before)}{{{{ {items}|cards }}}}{_source(after)}"


def _loop_around(before: Sequence[Piece], after: Sequence[Piece]) -> str | None:
    """What the loop right around a card goes over; None if it holds more than the card."""
    opening = next((piece for piece in reversed(before) if not _is_gap(piece)), None)
    closing = next((piece for piece in after if not _is_gap(piece)), None)
    if opening is None or closing is None or closing.text.strip() != "{% endfor %}":
        return None
    found = _LOOP.fullmatch(opening.text.strip())
    return found[1] if found else None


def _is_gap(piece: Piece) -> bool:
    """Whether nothing of a piece is printed between two statements: a line end and the next line's indentation."""
    return piece.kind is Kind.COMMENT or (
        piece.kind is Kind.TEXT and not piece.text.strip() and piece.text.count("\n") <= 1
    )


def load_part(files: Files, name: str, *, frame: str = "") -> Part:
    """A part, ready to render, whose parent is `frame` if one is named. Raises TemplateError with file, line and reason."""
    pieces = flatten(files, name, frame=frame)
    if files.environment.autoescape:
        expect_html(pieces)
        pieces = cut(inlined(pieces), file=name, environment=files.environment)
    return Part(pieces, files.environment, _card_block(pieces, name))


def _card_block(pieces: Sequence[Piece], name: str) -> tuple[int, int] | None:
    starts = [number for number, piece in enumerate(pieces) if piece.words == CARD]
    if len(starts) > 1:
        raise TemplateError("there can be one card block only", file=name, line=pieces[starts[1]].line)
    return (starts[0], end_of_block(pieces, starts[0])) if starts else None


def _source(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces)
