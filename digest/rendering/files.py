"""Template files, and flattening: one source without parent or includes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment

from digest.rendering.errors import TemplateError
from digest.rendering.pieces import CARD, Kind, Piece, cut, end_of_block, expect_template


@dataclass(slots=True)
class Files:
    """The template files of one folder of each directory; the first directory that has a name wins.

    `styles` are the style sheets, rendered already: an include of one puts it in place as text.
    """

    folders: Sequence[Path]
    environment: Environment
    styles: Mapping[str, str] = field(default_factory=dict)
    _known: dict[str, Sequence[Piece]] = field(default_factory=dict)

    def read(self, name: str) -> str:
        """The text of a template file. Raises TemplateError."""
        for folder in self.folders:
            if (path := folder / name).is_file():
                return path.read_text("utf-8")
        raise TemplateError("there is no such template file", file=name)

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return any((folder / name).is_file() for folder in self.folders)

    def pieces(self, name: str) -> Sequence[Piece]:
        """The file as pieces, read and checked once. Raises TemplateError."""
        if name in self.styles:
            return [Piece(Kind.TEXT, self.styles[name], name, 1)]
        if name not in self._known:
            self._known[name] = _checked(self.read(name), name, self.environment)
        return self._known[name]


@lru_cache(maxsize=256)
def _checked(source: str, name: str, environment: Environment) -> Sequence[Piece]:
    """The pieces of a source, which is looked at once in a process. Raises TemplateError."""
    expect_template(source, file=name, environment=environment)
    return tuple(cut(source, file=name, environment=environment))


def flatten(files: Files, name: str, *, frame: str = "") -> list[Piece]:
    """The template with its parent around it and its includes in place; only a card's block is left. Raises TemplateError.

    With a `frame`, that must be the parent: it holds the head and the footer of every mail.
    """
    pieces = _included(files, name, above=())
    first = next((piece for piece in pieces if piece.keyword), None)
    parent = _literal(first) if first is not None and first.keyword == "extends" else ""
    if frame and parent != frame:
        raise TemplateError(f"a mail begins with {{% extends '{frame}' %}}", file=name)
    if parent:
        pieces = _merged(_included(files, parent, above=(name,)), _blocks(pieces))
    _expect_cards_only(pieces)
    return pieces


def _included(files: Files, name: str, *, above: tuple[str, ...]) -> list[Piece]:
    """The pieces of a file with its includes in place."""
    result: list[Piece] = []
    for piece in files.pieces(name):
        if piece.keyword != "include":
            result.append(piece)
            continue
        inner = _literal(piece)
        if inner in (*above, name):
            raise TemplateError(f"{inner!r} includes itself", file=piece.file, line=piece.line)
        result += _included(files, inner, above=(*above, name))
    return result


def _literal(piece: Piece) -> str:
    """The one file name in quotes behind `extends` or `include`."""
    if len(piece.words) != 2 or piece.words[1][0] not in "'\"":
        raise TemplateError(
            f"'{piece.keyword}' takes one file name in quotes", file=piece.file, line=piece.line
        )
    return piece.words[1][1:-1]


def _blocks(pieces: Sequence[Piece]) -> dict[str, list[Piece]]:
    """What a child says for each block of its parent, the opening statement first."""
    blocks: dict[str, list[Piece]] = {}
    position = 0
    while position < len(pieces):
        piece = pieces[position]
        if piece.keyword == "block":
            end = end_of_block(pieces, position)
            blocks[piece.words[1]] = list(pieces[position:end])
            position = end
        elif piece.keyword != "extends" and piece.kind is not Kind.COMMENT and piece.text.strip():
            raise TemplateError(
                "beside 'extends', everything stands inside a block", file=piece.file, line=piece.line
            )
        position += 1
    return blocks


def _merged(parent: Sequence[Piece], blocks: dict[str, list[Piece]]) -> list[Piece]:
    """The parent with the child's words in its blocks."""
    result: list[Piece] = []
    position = 0
    while position < len(parent):
        piece = parent[position]
        if piece.keyword == "block":
            end = end_of_block(parent, position)
            result += blocks.pop(piece.words[1], parent[position:end])[1:]
            position = end
        else:
            result.append(piece)
        position += 1
    for name, (opening, *_) in blocks.items():
        raise TemplateError(f"the parent has no block {name!r}", file=opening.file, line=opening.line)
    return result


def _expect_cards_only(pieces: Sequence[Piece]) -> None:
    for piece in pieces:
        if piece.keyword == "block" and piece.words != CARD:
            raise TemplateError(
                "inside a block only 'block card scoped' may stand", file=piece.file, line=piece.line
            )
