"""Template sources as pieces, cut with Jinja's own lexer. A piece knows its file and line, so that every complaint can name them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from jinja2 import Environment, TemplateSyntaxError

from digest.rendering.errors import TemplateError

_STATEMENTS = frozenset({
    "if", "elif", "else", "endif", "for", "endfor", "set", "endset", "trans", "pluralize", "endtrans",
    "block", "endblock", "include", "extends", "filter", "endfilter", "with", "endwith",
})  # fmt: skip
CARD = ("block", "card", "scoped")
# What the shell prints: a name given another value in the middle of a mail would have it in the footer too.
_FIXED = frozenset(
    {"mail", "site", "brand", "imprint", "subscriber", "links", "edition", "sections", "promos", "data"}
)


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


def cut(source: str, *, file: str, environment: Environment) -> list[Piece]:
    """A source that Jinja compiles, as pieces; their texts joined are the source. Raises TemplateError."""
    return list(_messages(_pieces(source, file, environment)))


def expect_template(source: str, *, file: str, environment: Environment) -> None:
    """Pass if Jinja itself accepts the source: its syntax, and the names of its filters. Raises TemplateError."""
    try:
        environment.compile(source, name=file, raw=True)
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
    if piece.keyword == "set" and (taken := _FIXED.intersection(_targets(piece.words))):
        raise TemplateError(
            f"'{min(taken)}' keeps its value: set another name", file=piece.file, line=piece.line
        )
    if ("|", "safe") in zip(piece.words, piece.words[1:], strict=False):
        raise TemplateError("'safe' would print markup nobody checked", file=piece.file, line=piece.line)
    return piece


def _targets(words: Sequence[str]) -> Sequence[str]:
    """The names that a `set` gives a value."""
    return words[1 : words.index("=")] if "=" in words else words[1:2]


def _messages(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """A whole `trans … endtrans` as one piece: its text is a message id, touched it would lose its translation."""
    for piece in pieces:
        if piece.keyword != "trans":
            yield piece
            continue
        parts = [piece]
        while parts[-1].keyword != "endtrans":
            parts.append(next(pieces))  # there is an end: Jinja has parsed this source
            if parts[-1].kind is Kind.TEXT and any(sign in parts[-1].text for sign in "<>&"):
                raise TemplateError("a message may not hold markup", file=piece.file, line=parts[-1].line)
        yield Piece(Kind.MESSAGE, "".join(part.text for part in parts), piece.file, piece.line)


def end_of_block(pieces: Sequence[Piece], start: int) -> int:
    """The position of the `endblock` that belongs to the block at `start`; Jinja's parser has seen to it that there is one."""
    depth, position = 1, start
    while depth:
        position += 1
        depth += {"block": 1, "endblock": -1}.get(pieces[position].keyword, 0)
    return position
