"""From template files to compiled templates: flatten, check, inline, compile. All that can be wrong is found here."""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, Template

from digest.rendering.errors import TemplateError
from digest.rendering.inline import inlined
from digest.rendering.rules import expect_html
from digest.rendering.source import CARD, Files, Piece, cut, end_of_block, flatten

CARD_CALL = "{{ card(item) }}"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a mail: the shell, and the card its items are rendered with, if the kind has items."""

    shell: Template
    card: Template | None
    whole: Template


def load_part(files: Files, name: str, environment: Environment) -> Part:
    """A part, ready to render. Raises TemplateError with file, line and reason."""
    pieces = flatten(files, name, environment)
    if not environment.autoescape:
        return _part(pieces, name, environment)
    expect_html(pieces)
    return _part(cut(inlined(pieces), file=name, environment=environment), name, environment)


def _part(pieces: Sequence[Piece], name: str, environment: Environment) -> Part:
    whole = _compiled(pieces, environment)
    starts = [number for number, piece in enumerate(pieces) if piece.words == CARD]
    if not starts:
        return Part(whole, None, whole)
    if len(starts) > 1:
        raise TemplateError("there can be one card block only", file=name, line=pieces[starts[1]].line)
    start, end = starts[0], end_of_block(pieces, starts[0])
    before, after = _source(pieces[:start]), _source(pieces[end + 1 :])
    shell = environment.from_string(before + CARD_CALL + after)
    return Part(shell, _compiled(pieces[start + 1 : end], environment), whole)


def _compiled(pieces: Sequence[Piece], environment: Environment) -> Template:
    return environment.from_string(_source(pieces))


def _source(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces)
