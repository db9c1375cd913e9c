"""An article as matching sees it: its text laid out in zones, one row of tokens with gaps between the zones.

Positions count through title, each category, lead and body, so a position alone tells its zone and a phrase, which needs
neighbours, never crosses one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Final, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from digest.matching import furniture
from digest.matching.language import guessed, primary
from digest.matching.spelling import clean, plain
from digest.matching.text import CACHE_SIZE, GAP, HyphenWord, Token, pieces, spans, tokens
from digest.matching.text import token as text_token

LEAD_TOKENS: Final = 40
MAX_TOKENS: Final = 5_000
_SHOUTING: Final = 0.6


@dataclass(frozen=True, slots=True)
class ArticleText:
    """What matching reads of an article: plain text, no markup. `author` separates names by commas or semicolons."""

    id: int
    title: str = ""
    lead: str = ""
    body: str = ""
    categories: tuple[str, ...] = ()
    source: str = ""
    author: str = ""
    language: str | None = None
    url: str = ""


class Zone(StrEnum):
    """Where in an article something stands, the best place first."""

    TITLE = "title"
    CATEGORY = "category"
    LEAD = "lead"
    BODY = "body"


_ZONES: Final = tuple(Zone)


class Segment(NamedTuple):
    """A stretch of cleaned text whose tokens `skip` … `skip + size` stand from `position` on."""

    text: str
    skip: int
    position: int
    size: int


class Meta(NamedTuple):
    """What is compared without lemma: the tokens of source, authors and address, and the host."""

    source: tuple[str, ...]
    authors: tuple[tuple[str, ...], ...]
    url: tuple[str, ...]
    host: str


@dataclass(slots=True)
class Layout:
    """Collects tokens zone by zone."""

    tokens: list[Token] = field(default_factory=list)
    closed: list[tuple[int, Token]] = field(default_factory=list)
    """Hyphen words written as one, by the position of their first part."""
    parts: dict[int, int] = field(default_factory=dict)
    """How many tokens the hyphen word at a position has."""
    segments: list[Segment] = field(default_factory=list)

    def add(self, words: Iterable[Token | HyphenWord], text: str, *, skip: int = 0) -> int:
        """Append the words of a stretch and a gap; returns the number of tokens."""
        start = len(self.tokens)
        for word in words:
            if isinstance(word, Token):
                self.tokens.append(word)
                continue
            if word.closed:
                self.closed.append((len(self.tokens), word.closed))
                self.parts[len(self.tokens)] = len(word.tokens)
            self.tokens += word.tokens
        count = len(self.tokens) - start
        self.segments.append(Segment(text, skip, start, count))
        self.tokens.append(GAP)
        return count


class Reading:
    """One analysed article; made by `read`."""

    def __init__(
        self, article: ArticleText, language: str, layout: Layout, ends: tuple[int, int, int]
    ) -> None:
        self.article = article
        self.language = language
        self.tokens = layout.tokens
        self.closed = layout.closed
        self.closed_lengths = layout.parts
        self.segments = layout.segments
        self.title_end, self.head_end, self.lead_end = ends
        self.ends = (*ends, len(layout.tokens))
        """Where each zone ends, in their order."""

    def zone(self, position: int) -> Zone:
        """The zone a position stands in."""
        return _ZONES[self.rank(position)]

    def rank(self, position: int) -> int:
        """The zone a position stands in as a number, 0 the title."""
        if position < self.title_end:
            return 0
        if position < self.head_end:
            return 1
        return 2 if position < self.lead_end else 3

    @cached_property
    def meta(self) -> Meta:
        """Source, authors and address as tokens in plain spelling."""
        article = self.article
        address = _address(article.url)
        names = article.author.replace(";", ",").split(",")
        return Meta(
            _plain_tokens(article.source),
            tuple(found for name in names if (found := _plain_tokens(name))),
            _plain_tokens(unquote(f"{address.netloc.rpartition('@')[2]} {address.path} {address.query}")),
            (address.hostname or "").rstrip("."),
        )

    def printed(self, start: int, length: int) -> str:
        """The text of `length` tokens from a position on, as the article prints it."""
        if length == 1:
            return self.tokens[start].printed
        as_usual = " ".join([token.printed for token in self.tokens[start : start + length]])
        segment = self._segment_at(start)
        if as_usual in segment.text:  # most phrases: no need to know where every token stands
            return as_usual
        text, found, first = self._segment(start)
        return text[found[start - first][0] : found[start - first + length - 1][1]]

    def around(self, start: int, length: int, *, width: int = 60) -> str:
        """The printed tokens with up to `width` characters on each side."""
        text, found, first = self._segment(start)
        begin, end = found[start - first][0], found[start - first + length - 1][1]
        before, after = max(0, begin - width), min(len(text), end + width)
        return f"{'…' * (before > 0)}{' '.join(text[before:after].split())}{'…' * (after < len(text))}"

    def _segment(self, position: int) -> tuple[str, list[tuple[int, int]], int]:
        segment = self._segment_at(position)
        if segment.text not in self._spans:
            self._spans[segment.text] = list(spans(segment.text))
        return segment.text, self._spans[segment.text], segment.position - segment.skip

    def _segment_at(self, position: int) -> Segment:
        return next(segment for segment in reversed(self.segments) if segment.position <= position)

    @cached_property
    def _spans(self) -> dict[str, list[tuple[int, int]]]:
        return {}


def read(article: ArticleText, languages: Sequence[str] = ("de", "en")) -> Reading:
    """Analyse an article: its language, then its tokens in zones."""
    title = furniture.title_without_source(clean(article.title), article.source)
    text = furniture.without_bracketed_source(clean(_running_text(article)), article.source)
    language = primary(article.language) or guessed(f"{title}\n{text[:600]}", languages)
    enabled = language if language in languages else ""
    layout = Layout()
    layout.add(_quiet(title, enabled), title)
    title_end = len(layout.tokens)
    for category in article.categories:
        name = clean(category)
        layout.add(pieces(name, enabled), name)
    head_end = len(layout.tokens)
    lead_end = _running(layout, text, article.source, enabled)
    return Reading(article, language, layout, (title_end, head_end, lead_end))


def _running(layout: Layout, text: str, source: str, language: str) -> int:
    """Lay out lead and body; returns where the lead ends. A dateline is body, without the source's name."""
    dateline, text = furniture.split_dateline(text)
    words = list(pieces(text, language))
    split, lead = _lead(words)
    layout.add(words[:split], text)
    lead_end = len(layout.tokens)
    if dateline:
        shown = furniture.without_source(dateline, source)
        layout.add(pieces(shown, language), shown)
    room = MAX_TOKENS - len(layout.tokens)
    layout.add(words[split : split + max(room, 0)], text, skip=lead)
    return lead_end


def _lead(words: Sequence[Token | HyphenWord]) -> tuple[int, int]:
    """How many words and tokens the lead has; a hyphen word is not torn."""
    count = 0
    for index, word in enumerate(words):
        if count >= LEAD_TOKENS:
            return index, count
        count += 1 if isinstance(word, Token) else len(word.tokens)
    return len(words), count


def _running_text(article: ArticleText) -> str:
    """Lead and body as one text; a body that begins with the lead counts once."""
    lead, body = article.lead.strip(), article.body.strip()
    start = " ".join(lead.split()).rstrip(" .…")
    if not lead or " ".join(body[: len(lead) * 2].split()).startswith(start):
        return body or lead
    return f"{lead}\n{body}"


def _quiet(title: str, language: str) -> Iterator[Token | HyphenWord]:
    """The words of a title; one that is mostly capitals proves no abbreviation."""
    letters = [letter for letter in title if letter.isalpha()]
    is_shouting = sum(letter.isupper() for letter in letters) > _SHOUTING * len(letters)
    for word in pieces(title, language):
        yield _lowered(word) if is_shouting else word


@lru_cache(maxsize=CACHE_SIZE)
def _lowered(word: Token | HyphenWord) -> Token | HyphenWord:
    if isinstance(word, HyphenWord):
        return HyphenWord(word.printed, tuple(_lowered_token(token) for token in word.tokens), word.closed)
    return _lowered_token(word)


def _lowered_token(token: Token) -> Token:
    return text_token(token.printed, token.plain, token.forms, is_capitals=False)


def _address(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # no address at all: nothing to compare
        return urlsplit("")


def _plain_tokens(text: str) -> tuple[str, ...]:
    return tuple(plain(spelling) for token in tokens(clean(text), "") for spelling in token.plain[:1])
