"""What no mail template may hold, found when it is loaded: file, line and reason."""

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

from typing_extensions import override

from digest.rendering.errors import TemplateError
from digest.rendering.inline import DOCTYPE
from digest.rendering.pieces import Kind, Piece

_FORBIDDEN = frozenset(
    {"script", "form", "iframe", "object", "embed", "base", "pre", "link", "svg", "video", "audio"}
)
_VOID = frozenset({"br", "hr", "img", "meta", "input", "col", "wbr", "area"})
_TABLE = frozenset({"table", "thead", "tbody", "tfoot", "tr", "colgroup"})
_FIXED = frozenset({"class", "id", "style"})
# What stands for Jinja while HTML is read: no sign of HTML in it, and in no template.
_VALUE, _STATEMENT = "\ue000", "\ue001"
_FOREIGN = re.compile(r"@import|@font-face|url\(|expression\(", re.IGNORECASE)
# Ways to keep a footer or a label from being seen.
_HIDING = re.compile(
    r"(?:display:none|visibility:(?:hidden|collapse)|opacity:0|font-size:[0-3](?:px|pt|em|%|;|$)|(?:max-)?(?:height|width):0"
    r"|position:(?:absolute|fixed)|text-indent:-|clip)",
    re.IGNORECASE,
)
_MAY_HIDE = frozenset({".preheader", ".dot", ".gap"})
_BY_POSITION = re.compile(r"[+~]|:first-child|:last-child|:nth-|:only-", re.IGNORECASE)


def expect_styles(css: str, *, file: str, is_inlined: bool) -> None:
    """Pass if the style sheet fetches nothing, hides nothing and, where it is inlined, asks for no position. Raises TemplateError."""
    rule = ""
    for number, line in enumerate(css.splitlines(), 1):
        rule = line.rpartition("{")[0] or rule
        if _is_hiding(line.rpartition("{")[2]) and not _MAY_HIDE.issuperset(
            part.strip() for part in rule.rpartition("{")[2].split(",")
        ):
            raise TemplateError("this would hide a part of the mail", file=file, line=number)
        if found := _FOREIGN.search(line):
            raise TemplateError(f"{found[0]!r} would fetch or run something", file=file, line=number)
        selector = line.partition("{")[0] if "{" in line else ""
        if is_inlined and (found := _BY_POSITION.search(selector)):
            raise TemplateError(
                f"{found[0]!r}: when rules are matched a loop stands there once", file=file, line=number
            )


def _is_hiding(declarations: str) -> bool:
    return bool(_HIDING.search(re.sub(r"\s", "", declarations)))


def compact(css: str) -> str:
    """The same style sheet without the space that only people need."""
    return re.sub(r"\s*([{};,]|: )\s*", lambda match: match[1].strip(), css).strip()


def expect_html(pieces: Sequence[Piece]) -> None:
    """Pass if the flattened template is HTML that survives inlining and may be mailed. Raises TemplateError."""
    first = next(piece for piece in pieces if piece.text.strip())
    if not first.text.lstrip().startswith(DOCTYPE):
        raise TemplateError(
            f"a mail starts with {DOCTYPE}, in capitals: the inliner deletes any other", file=first.file
        )
    reader = _Reader()
    for file, line, text in _lines(pieces):
        reader.place = (file, line)
        reader.feed(text)
    reader.close()


def _lines(pieces: Sequence[Piece]) -> Iterator[tuple[str, int, str]]:
    for piece in pieces:
        match piece.kind:
            case Kind.TEXT:
                for number, line in enumerate(piece.text.splitlines(keepends=True)):
                    yield piece.file, piece.line + number, line
            case Kind.STATEMENT:
                yield piece.file, piece.line, _STATEMENT
            case Kind.VALUE | Kind.MESSAGE:
                yield piece.file, piece.line, _VALUE


class _Reader(HTMLParser):
    """Reads a template as HTML and refuses what may not be mailed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.place = ("", 1)
        self.open: list[tuple[str, tuple[str, int]]] = []
        """The elements that are open, each with the place where it was opened."""

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _FORBIDDEN:
            self._refuse(f"<{tag}> may not stand in a mail")
        for name, value in attrs:
            self._expect_attribute(tag, name, value or "")
        if tag not in _VOID:
            self.open.append((tag, self.place))

    @override
    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    @override
    def handle_endtag(self, tag: str) -> None:
        if not any(tag == each for each, _ in self.open):
            return
        while True:
            closed, opened_at = self.open.pop()
            if opened_at[0] != self.place[0]:
                self._refuse_tag(tag, closed, opened_at)
            if closed == tag:
                return

    def _refuse_tag(self, tag: str, closed: str, opened_at: tuple[str, int]) -> None:
        """A file closes what it opened, or it could take the footer out of the page."""
        if closed == tag:
            self._refuse(f"</{tag}> closes what {opened_at[0]} opened")
        self.place = opened_at
        self._refuse(f"<{closed}> is not closed in this file")

    @override
    def handle_data(self, data: str) -> None:
        inside = self.open[-1][0] if self.open else ""
        if inside == "style" and (_VALUE in data or _STATEMENT in data):
            self._refuse("a style sheet is fixed before there are values")
        if inside in _TABLE and data.replace(_STATEMENT, "").strip():
            self._refuse(f"text directly in <{inside}>: it belongs into a cell")

    def _expect_attribute(self, tag: str, name: str, value: str) -> None:
        if _STATEMENT in name + value or _VALUE in name:
            self._refuse("no statement inside a tag: write {{ 'this' if that }}")
        if name in _FIXED and _VALUE in value:
            self._refuse(f"no value in {name}: rules are matched before there are values")
        if name.startswith("on"):
            self._refuse(f"{name} would run a script")
        if re.match(r"\s*(javascript|vbscript|data):", value, re.IGNORECASE):
            self._refuse(f"{name} holds a {value.partition(':')[0].strip()}: address")
        if name == "hidden" or (name == "style" and _is_hiding(value)):
            self._refuse("this would hide a part of the mail")
        if tag == "meta" and name == "http-equiv" and value.lower() == "refresh":
            self._refuse("a mail does not move on by itself")

    def _refuse(self, reason: str) -> None:
        file, line = self.place
        raise TemplateError(reason, file=file, line=line)
