"""Style rules into `style` attributes, once per template: the Jinja source is hidden behind tokens, inlined, and put back exactly.

The only premailer import. Inlining reads no network and no file.
"""

import logging
import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import zip_longest

from premailer import Premailer

from digest.rendering.errors import TemplateError
from digest.rendering.pieces import Kind, Piece

DOCTYPE = "<!DOCTYPE html>"
_BETWEEN = re.compile(r"\s*\n\s*|\s{2,}")
_COMMENT = re.compile(r"<!--(Q[0-9a-f]+Q)-->")


def inlined(pieces: Sequence[Piece]) -> str:
    """The template's source with every rule inlined. Raises TemplateError naming the first place that did not survive."""
    # Made of the source, so that the same template is inlined once; in no template, since it would have to hold its own hash.
    stem = "Q" + sha256("".join(piece.text for piece in pieces).encode()).hexdigest()[:16]
    hidden = [_hidden(piece, f"{stem}{number:06x}Q") for number, piece in enumerate(pieces)]
    result = transform("".join(hidden))
    return _restored(result, pieces, stem)


@lru_cache(maxsize=64)
def transform(source: str) -> str:
    """premailer, with the options this project stands by."""
    inliner = Premailer(
        strip_important=False,
        keep_style_tags=False,
        remove_classes=False,
        disable_validation=True,
        allow_network=False,
        cssutils_logging_level=logging.CRITICAL,
        # By default it overwrites height="100" by the `auto` of a rule; templates write such attributes themselves.
        disable_basic_attributes=["align", "bgcolor", "height", "valign", "width"],
    )
    return str(inliner.transform(source, pretty_print=False))


def _hidden(piece: Piece, token: str) -> str:
    """Text without its indentation, or what stands for a piece of Jinja: letters and digits, for a statement in a comment."""
    match piece.kind:
        case Kind.TEXT:
            return _BETWEEN.sub("\n", piece.text)
        case Kind.COMMENT:
            return ""
        case Kind.STATEMENT:
            return f"<!--{token}-->"
        case _:
            return token


def _restored(result: str, pieces: Sequence[Piece], stem: str) -> str:
    """The exact Jinja back in its places, each once and in the old order."""
    expected = [number for number, piece in enumerate(pieces) if piece.kind not in (Kind.TEXT, Kind.COMMENT)]
    token = re.compile(stem + "([0-9a-f]{6})Q")
    found = [int(number, 16) for number in token.findall(result)]
    for wanted, got in zip_longest(expected, found):
        if wanted != got:
            piece = pieces[got if wanted is None else wanted]
            raise TemplateError(
                "this does not survive inlining: a statement inside a tag, or text where HTML allows none",
                file=piece.file,
                line=piece.line,
            )
    bare = _COMMENT.sub(r"\1", result)
    return token.sub(lambda match: pieces[int(match[1], 16)].text, bare)
