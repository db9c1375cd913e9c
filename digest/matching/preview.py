"""The live preview: what a query finds in the last days, before anybody follows it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session

from digest.matching.engine import Hit
from digest.matching.hints import Hint
from digest.matching.query import Query
from digest.matching.sample import Sample, samples_of
from digest.matching.spelling import plain
from digest.matching.syntax import Field, Shape, values

DAYS: Final = 14
TOO_BROAD: Final = 0.25
BROAD_FROM: Final = 200
"""Smaller samples tell nothing about the share of a topic."""

_LONGER_WORDS: Final = 3


@dataclass(frozen=True, slots=True)
class PreviewHit:
    """One article the query finds."""

    article_id: int
    title: str
    source: str
    link: str
    effective_at: datetime
    field: str
    term: str


@dataclass(frozen=True, slots=True)
class InsideWords:
    """Articles that hold a word only inside longer ones: `*wahl*` would find them."""

    value: str
    proposal: str
    articles: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """`query` in canonical form; `hits` of `articles` sampled; `newest` hits first; `per_week` an estimate."""

    query: str
    hints: tuple[Hint, ...]
    articles: int
    hits: int
    per_week: float
    newest: tuple[PreviewHit, ...]
    inside: tuple[InsideWords, ...] = ()

    @property
    def share(self) -> float:
        """Which part of the sample the query finds, 0 to 1."""
        return self.hits / self.articles if self.articles else 0.0

    @property
    def is_too_broad(self) -> bool:
        """Whether a personal topic is refused: it would bring a quarter of everything."""
        return self.articles >= BROAD_FROM and self.share > TOO_BROAD


def preview(session: Session, query: Query, *, now: datetime, days: int = DAYS, limit: int = 10) -> Preview:
    """What the query would have found in the last `days`, by the Matcher that will find it from now on."""
    sample = samples_of(session).sample(session, days=days, now=now)
    hits = sample.hits(query)
    return Preview(
        query=str(query),
        hints=query.hints,
        articles=len(sample.articles),
        hits=len(hits),
        per_week=per_week(sample, len(hits)),
        newest=tuple(_shown(sample, hits[:limit])),
        inside=tuple(_inside(sample, query)),
    )


def per_week(sample: Sample, hits: int) -> float:
    """How many articles a week that many hits in a sample stand for."""
    return hits * sample.total / max(len(sample.articles), 1) * 7 / sample.days


def _shown(sample: Sample, hits: Sequence[Hit]) -> Iterator[PreviewHit]:
    by_id = {one.reading.article.id: one for one in sample.articles}
    for hit in hits:
        one = by_id[hit.article_id]
        text = one.reading.article
        yield PreviewHit(text.id, text.title, text.source, text.url, one.effective_at, hit.field, hit.term)


def _inside(sample: Sample, query: Query) -> Iterator[InsideWords]:
    """Words of the query that stand in longer words too."""
    for value in values(query.root):
        core = plain(value.text)
        if (
            value.field is not Field.ANY
            or value.shape is not Shape.WORD
            or value.has_star
            or not core.isalpha()
        ):
            continue
        longer = sample.words_with(core) if len(core) >= 4 and not value.is_exact else {}
        if longer:
            examples = sorted(longer, key=lambda word: (-len(longer[word]), word))[:_LONGER_WORDS]
            articles = len(set().union(*longer.values()))
            yield InsideWords(str(value), f"*{value.text}*", articles, tuple(examples))
