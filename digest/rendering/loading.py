"""From template files to compiled templates: flatten, check, inline, compile. All that can be wrong is found here."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from jinja2 import Environment, Template

from digest.rendering.errors import TemplateError
from digest.rendering.files import Files, flatten
from digest.rendering.inline import inlined
from digest.rendering.pieces import CARD, Piece, cut, end_of_block
from digest.rendering.rules import expect_html

_CARD_CALL = "{{ item|card }}"


@dataclass(frozen=True)
class Part:
    """One part of a mail as pieces ready to compile; `card` is where its card's block starts and ends, or None."""

    pieces: Sequence[Piece]
    environment: Environment
    card_block: tuple[int, int] | None

    @cached_property
    def whole(self) -> Template:
        """All of it, every item in its place."""
        return self._compiled(self.pieces)

    @cached_property
    def shell(self) -> Template:
        """All of it but the cards, which the filter `card` deals."""
        if self.card_block is None:
            return self.whole
        start, end = self.card_block
        return self._compiled(self.pieces[:start], _CARD_CALL, self.pieces[end + 1 :])

    @cached_property
    def card(self) -> Template | None:
        """What one item looks like, or None for a part without items."""
        if self.card_block is None:
            return None
        start, end = self.card_block
        return self._compiled(self.pieces[start + 1 : end])

    def _compiled(self, before: Sequence[Piece], between: str = "", after: Sequence[Piece] = ()) -> Template:
        return _template(self.environment, _source(before) + between + _source(after))


@lru_cache(maxsize=256)
def _template(environment: Environment, source: str) -> Template:
    """A compiled template; the same source is compiled once in a process."""
    return environment.from_string(source)


def load_part(files: Files, name: str, *, frame: str = "") -> Part:
    """A part, ready to render, whose parent is `frame` if one is named. Raises TemplateError with file, line and reason."""
    pieces = flatten(files, name, frame=frame)
    if files.environment.autoescape:
        expect_html(pieces)
        pieces = cut(inlined(pieces), file=name, environment=files.environment)
    part = Part(pieces, files.environment, _card_block(pieces, name))
    _ = part.shell, part.card  # compiled now, so that nothing is left to find out later
    return part


def _card_block(pieces: Sequence[Piece], name: str) -> tuple[int, int] | None:
    starts = [number for number, piece in enumerate(pieces) if piece.words == CARD]
    if len(starts) > 1:
        raise TemplateError("there can be one card block only", file=name, line=pieces[starts[1]].line)
    return (starts[0], end_of_block(pieces, starts[0])) if starts else None


def _source(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces)
