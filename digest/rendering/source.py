"""Template files as pieces: read, cut with Jinja's own lexer, and flattened to one source without a parent.

A piece knows the file and line it came from, so that every complaint can name them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from jinja2 import Environment, TemplateSyntaxError

from digest.rendering.errors import TemplateError

_STATEMENTS = frozenset({
    "if", "elif", "else", "endif", "for", "endfor", "set", "endset", "trans", "pluralize", "endtrans",
    "block", "endblock", "include", "extends", "filter", "endfilter", "with", "endwith",
})  # fmt: skip
CARD = ("block", "card", "scoped")


class Kind(StrEnum):
    """What a piece is."""

    TEXT = "text"
    VALUE = "value"
    STATEMENT = "statement"
    MESSAGE = "message"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text, one `{{ }}`, one `{% %}`, one whole message, or a comment; `words` are the words between the marks."""

    kind: Kind
    text: str
    file: str
    line: int
    words: tuple[str, ...] = ()

    @property
    def keyword(self) -> str:
        """The first word of a statement."""
        return self.words[0] if self.kind is Kind.STATEMENT and self.words else ""


@dataclass(frozen=True, slots=True)
class Files:
    """The template files of one folder of each directory; the first directory that has a name wins.

    `styles` are the style sheets, rendered already: an include of one puts it in place as text.
    """

    folders: Sequence[Path]
    styles: Mapping[str, str] = field(default_factory=dict)

    def read(self, name: str) -> str:
        """The text of a template file. Raises TemplateError."""
        for folder in self.folders:
            if (path := folder / name).is_file():
                return path.read_text("utf-8")
        raise TemplateError("there is no such template file", file=name)

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return any((folder / name).is_file() for folder in self.folders)


def flatten(files: Files, name: str, environment: Environment) -> list[Piece]:
    """The template with its parent around it and its includes in place; only a card's block is left. Raises TemplateError."""
    pieces = _included(files, name, environment, above=())
    first = next((piece for piece in pieces if piece.keyword), None)
    if first is None or first.keyword != "extends":
        return pieces
    parent = _included(files, literal(first), environment, above=(name,))
    return _merged(parent, _blocks(pieces))


def cut(source: str, *, file: str, environment: Environment) -> list[Piece]:
    """A source as pieces; their texts joined are the source. Raises TemplateError for whatever Jinja itself refuses."""
    try:
        environment.compile(source, name=file, raw=True)
        return list(_messages(_pieces(source, file, environment)))
    except TemplateSyntaxError as error:
        raise TemplateError(error.message or "not a template", file=file, line=error.lineno) from None


def _pieces(source: str, file: str, environment: Environment) -> Iterator[Piece]:
    text, start = "", 1
    words: list[str] = []
    for line, token, value in environment.lex(source):
        if token == "data":  # noqa: S105  # the lexer's name for text
            yield Piece(Kind.TEXT, value, file, line)
            continue
        if token.endswith("_begin"):
            text, words, start = "", [], line
        text += value
        if token not in ("whitespace", "comment") and not token.endswith(("_begin", "_end")):
            words.append(value)
        if token.endswith("_end"):
            yield _checked(Piece(_KINDS[token.partition("_")[0]], text, file, start, tuple(words)))


_KINDS: Mapping[str, Kind] = {
    "variable": Kind.VALUE,
    "block": Kind.STATEMENT,
    "comment": Kind.COMMENT,
    "raw": Kind.STATEMENT,
}


def _checked(piece: Piece) -> Piece:
    if piece.kind is Kind.STATEMENT and piece.keyword not in _STATEMENTS:
        raise TemplateError(
            f"'{piece.keyword or 'raw'}' is not offered in mail templates", file=piece.file, line=piece.line
        )
    if ("|", "safe") in zip(piece.words, piece.words[1:], strict=False):
        raise TemplateError("'safe' would print markup nobody checked", file=piece.file, line=piece.line)
    return piece


def _messages(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """A whole `trans … endtrans` as one piece: its text is a message id, touched it would lose its translation."""
    for piece in pieces:
        if piece.keyword != "trans":
            yield piece
            continue
        parts = [piece]
        while parts[-1].keyword != "endtrans":
            parts.append(next(pieces, None) or _unfinished(piece))
            if parts[-1].kind is Kind.TEXT and any(sign in parts[-1].text for sign in "<>&"):
                raise TemplateError("a message may not hold markup", file=piece.file, line=parts[-1].line)
        yield Piece(Kind.MESSAGE, "".join(part.text for part in parts), piece.file, piece.line)


def _unfinished(piece: Piece) -> Piece:
    raise TemplateError(f"this '{piece.keyword}' has no end", file=piece.file, line=piece.line)


def _included(files: Files, name: str, environment: Environment, *, above: tuple[str, ...]) -> list[Piece]:
    """The pieces of a file with its includes in place."""
    result: list[Piece] = []
    for piece in cut(files.read(name), file=name, environment=environment):
        if piece.keyword != "include":
            result.append(piece)
            continue
        inner = literal(piece)
        if inner in files.styles:
            result.append(Piece(Kind.TEXT, files.styles[inner], inner, 1))
            continue
        if inner in (*above, name):
            raise TemplateError(f"{inner!r} includes itself", file=piece.file, line=piece.line)
        result += _included(files, inner, environment, above=(*above, name))
    return result


def literal(piece: Piece) -> str:
    """The one file name in quotes behind `extends` or `include`."""
    if len(piece.words) != 2 or piece.words[1][0] not in "'\"":
        raise TemplateError(
            f"'{piece.keyword}' takes one file name in quotes", file=piece.file, line=piece.line
        )
    return piece.words[1][1:-1]


def _blocks(pieces: Sequence[Piece]) -> dict[str, list[Piece]]:
    """What a child says for each block of its parent."""
    blocks: dict[str, list[Piece]] = {}
    position = 0
    while position < len(pieces):
        piece = pieces[position]
        if piece.keyword == "block":
            end = end_of_block(pieces, position)
            blocks[piece.words[1]] = list(pieces[position + 1 : end])
            position = end
        elif piece.keyword != "extends" and piece.kind is not Kind.COMMENT and piece.text.strip():
            raise TemplateError(
                "beside 'extends', everything stands inside a block", file=piece.file, line=piece.line
            )
        position += 1
    return blocks


def end_of_block(pieces: Sequence[Piece], start: int) -> int:
    """The position of the `endblock` that belongs to the block at `start`."""
    depth = 0
    for position in range(start, len(pieces)):
        depth += {"block": 1, "endblock": -1}.get(pieces[position].keyword, 0)
        if depth == 0:
            return position
    _unfinished(pieces[start])
    raise AssertionError


def _merged(parent: Sequence[Piece], blocks: dict[str, list[Piece]]) -> list[Piece]:
    result: list[Piece] = []
    position = 0
    while position < len(parent):
        piece = parent[position]
        if piece.keyword == "block":
            end = end_of_block(parent, position)
            result += blocks.get(piece.words[1], parent[position + 1 : end])
            position = end
        else:
            result.append(piece)
        position += 1
    return result
