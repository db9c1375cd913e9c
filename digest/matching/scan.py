"""A typed query as a row of lexemes: operators, brackets, fields, counts and values, each with its place.

Pure and linear in the length of the text. Places count characters of the cleaned text; `query.py` turns them back into
places of what was typed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from digest.matching.errors import QueryError
from digest.matching.hints import ErrorCode, Hint, HintCode
from digest.matching.syntax import Field, Precision, Shape, Value


class Sign(StrEnum):
    """What a lexeme does."""

    OPEN = "("
    CLOSE = ")"
    SEPARATOR = ","
    OR = "OR"
    AND = "AND"
    NOT = "NOT"
    COUNT = "OF"
    FIELD = ":"
    WITHIN = "in:"
    VALUE = "value"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Lexeme:
    """One piece of a query: its sign, its place, and what belongs to the sign."""

    sign: Sign
    position: int
    text: str = ""
    value: Value | None = None
    field: Field = Field.ANY
    precision: Precision = Precision.NORMAL


OPERATORS = MappingProxyType(
    {
        "OR": Sign.OR, "ODER": Sign.OR, "|": Sign.OR, "AND": Sign.AND, "UND": Sign.AND, "NOT": Sign.NOT,
        "NICHT": Sign.NOT, "(": Sign.OPEN, ")": Sign.CLOSE, ",": Sign.SEPARATOR, ";": Sign.SEPARATOR,
        "\n": Sign.SEPARATOR,
    }
)  # fmt: skip
FIELDS = MappingProxyType(
    {
        "title": Field.TITLE, "titel": Field.TITLE,
        "category": Field.CATEGORY, "kategorie": Field.CATEGORY, "tag": Field.CATEGORY,
        "source": Field.SOURCE, "quelle": Field.SOURCE, "site": Field.SOURCE,
        "author": Field.AUTHOR, "autor": Field.AUTHOR,
        "url": Field.URL,
        "lang": Field.LANGUAGE, "sprache": Field.LANGUAGE,
    }
)  # fmt: skip
WITHIN = MappingProxyType(
    {"title": Precision.TITLE, "titel": Precision.TITLE, "lead": Precision.LEAD, "all": Precision.ALL}
)

_RESERVED = frozenset({*OPERATORS, "OF", "VON"})
_DASHES = "-\u2010\u2012\u2013\u2014\u2212"
_CLOSERS = MappingProxyType({'"': '"', "„": '“”"', "“": "”“", "”": "”“", "»": "«»", "«": "»«"})
_GAP = re.compile(r"[^\S\n]+")
_SINGLE = re.compile(r"[(),;|\n]")
_COUNT = re.compile(r"(\d+)[^\S\n]+(?:OF|VON)(?![\w:])[^\S\n]*(\(?)")
_RUN = re.compile(r'[^\s(),;|"„“”»«]+')
_FIELD = re.compile(r"(\w+):(?!innen\b)(.*)", re.DOTALL)
_GENDER = re.compile(r"\w+[:*]innen\b")
_QUOTED = re.compile(r'(=?)(["„“”»«])')
_CORE = re.compile(r"\w(?:.*\w)?[+#]*", re.DOTALL)
_END_OF_WORD = re.compile(r"[^\w+#*]+$")
_UNSEGMENTED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")


class Scanner:
    """Reads a cleaned query once from left to right; `hints` collects what was read differently."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.hints: list[Hint] = []

    def lexemes(self) -> Iterator[Lexeme]:
        """The lexemes in order; raises `QueryError` for what cannot be a value."""
        at = 0
        while at < len(self.text):
            if gap := _GAP.match(self.text, at):
                at = gap.end()
                continue
            lexeme, at = self._next(at)
            yield lexeme

    def hint(self, code: HintCode, position: int, word: str = "") -> None:
        """Remember a remark."""
        self.hints.append(Hint(code, position, word))

    def _next(self, at: int) -> tuple[Lexeme, int]:
        text = self.text
        if single := _SINGLE.match(text, at):
            return Lexeme(OPERATORS[single.group()], at, single.group()), at + 1
        if text[at] in _DASHES and (at == 0 or text[at - 1].isspace() or text[at - 1] in "(,;|"):
            return self._minus(at)
        if quoted := _QUOTED.match(text, at):
            return self._quoted(quoted)
        if count := _COUNT.match(text, at):
            if not count.group(2):
                raise QueryError(Hint(ErrorCode.BAD_COUNT, at))
            return Lexeme(Sign.COUNT, at, count.group(1)), count.end()
        run = _RUN.match(text, at)
        end = run.end() if run else at + 1
        return self._run(text[at:end], at)

    def _minus(self, at: int) -> tuple[Lexeme, int]:
        follower = self.text[at + 1 : at + 2]
        if follower.strip() and follower not in "),;|":
            return Lexeme(Sign.NOT, at), at + 1
        self.hint(HintCode.LONELY_MINUS, at)
        return Lexeme(Sign.NOTHING, at), at + 1

    def _quoted(self, opening: re.Match[str]) -> tuple[Lexeme, int]:
        start = opening.end()
        closers = _CLOSERS[opening.group(2)]
        end = min((found for closer in closers if (found := self.text.find(closer, start)) >= 0), default=-1)
        if end < 0:
            self.hint(HintCode.QUOTE_CLOSED, opening.start(2))
        inside = self.text[start:] if end < 0 else self.text[start:end]
        after = len(self.text) if end < 0 else end + 1
        if "*" in _GENDER.sub("", inside):
            self.hint(HintCode.STAR_IGNORED, start + inside.index("*"))
        core = _CORE.search(" ".join(inside.replace('"', " ").split()))
        if core is None:
            return Lexeme(Sign.NOTHING, opening.start(), inside), after
        value = Value(core.group(), shape=Shape.QUOTED, is_exact=bool(opening.group(1)))
        return Lexeme(Sign.VALUE, opening.start(), core.group(), value), after

    def _run(self, run: str, at: int) -> tuple[Lexeme, int]:
        end = at + len(run)
        if run in OPERATORS:
            return Lexeme(OPERATORS[run], at, run), end
        junk = re.match(r"[^\w=*]*", run)
        start = junk.end() if junk else 0
        if prefix := _FIELD.match(run, start):
            special = self._prefixed(prefix, at)
            if special:
                return special
        if start == len(run):
            self.hint(HintCode.IGNORED_WORD, at, run)
            return Lexeme(Sign.NOTHING, at, run), end
        return self._word(run[start:], at + start), end

    def _prefixed(self, prefix: re.Match[str], at: int) -> tuple[Lexeme, int] | None:
        """A field, a directive, or None where the colon is only punctuation."""
        name, rest = prefix.group(1).lower(), re.sub(r"\W+$", "", prefix.group(2).lower())
        if name == "in" and rest in WITHIN:
            return Lexeme(Sign.WITHIN, at, prefix.group(), precision=WITHIN[rest]), at + prefix.end()
        if name in FIELDS:
            return Lexeme(Sign.FIELD, at, prefix.group(1), field=FIELDS[name]), at + prefix.start(2)
        self.hint(HintCode.UNKNOWN_FIELD, at, prefix.group(1))
        return None

    def _word(self, run: str, at: int) -> Lexeme:
        is_exact = run.startswith("=")
        body = _END_OF_WORD.sub("", run.lstrip("="))
        core = _CORE.search(body)
        if core is None:
            if "*" in body:
                raise QueryError(Hint(ErrorCode.STAR_TOO_SHORT, at))
            self.hint(HintCode.IGNORED_WORD, at, run)
            return Lexeme(Sign.NOTHING, at, run)
        value = Value(
            core.group(), is_exact=is_exact, star_before=body.startswith("*"), star_after=body.endswith("*")
        )
        self._note_word(value, at)
        return Lexeme(Sign.VALUE, at, value.text, _unambiguous(value))

    def _note_word(self, value: Value, at: int) -> None:
        if value.is_exact and value.has_star:
            self.hint(HintCode.STAR_IGNORED, at)
        if _UNSEGMENTED.search(value.text):
            self.hint(HintCode.UNSEGMENTED, at, value.text)
        if value.text in {"or", "oder"}:
            self.hint(HintCode.LOWER_CASE_OR, at, value.text)


def _unambiguous(value: Value) -> Value:
    """The value in the only spelling that reads back as itself: exact without star, an operator's name in quotes."""
    if value.is_exact and value.has_star:
        return replace(value, star_before=False, star_after=False)
    if value.text in _RESERVED and not value.is_exact and not value.has_star:
        return replace(value, shape=Shape.QUOTED)
    return value
