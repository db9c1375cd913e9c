"""The sample publisher: three feeds of invented articles, always fresh, because their dates count back from now.

Pure but for reading the package's own data files. Nobody and nothing in the articles is real.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

NAMES: Final = ("blauzeit", "blauzeit-world", "halbinsel")
"""The sample feeds; the first two are the publisher's own, the third is a neighbour's."""

IMAGE_SIZE: Final = (600, 400)


class Format(StrEnum):
    """How a sample feed is written."""

    RSS = "rss"
    ATOM = "atom"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleArticle:
    """One invented article; `age` is how long before the demo's start it was published."""

    slug: str
    age: timedelta
    language: str
    title: str
    teaser: str
    paragraphs: tuple[str, ...]
    author: str
    tags: tuple[str, ...]
    image: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFeed:
    """One sample feed, newest article first; `path` is its folder below the publisher's address."""

    name: str
    title: str
    description: str
    language: str
    format: Format
    path: str
    articles: tuple[SampleArticle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where and when the publisher is: its base address without a slash at the end, and the demo's start."""

    base_url: str
    now: datetime

    def home(self, feed: SampleFeed) -> str:
        """The front page that belongs to a feed."""
        return f"{self.base_url}/{feed.path}"

    def feed(self, feed: SampleFeed) -> str:
        """The address of the feed itself."""
        return f"{self.base_url}/feeds/{feed.name}"

    def article(self, feed: SampleFeed, article: SampleArticle) -> str:
        """The page of an article."""
        return f"{self.home(feed)}/{article.slug}"

    def image(self, article: SampleArticle) -> str | None:
        """The picture of an article, if it has one."""
        return f"{self.base_url}/images/{article.image}.png" if article.image else None

    def published_at(self, article: SampleArticle) -> datetime:
        """When an article came out, to the second."""
        return self.now.replace(microsecond=0) - article.age


@cache
def sample_feed(name: str) -> SampleFeed:
    """Read a sample feed; raises `KeyError` for a name that is none of `NAMES`."""
    if name not in NAMES:
        raise KeyError(name)
    return _feed(name, tomllib.loads((data() / f"{name}.toml").read_text(encoding="utf-8")))


def image_bytes(name: str) -> bytes:
    """Return a picture as PNG; raises `KeyError` for one that no article shows."""
    if name not in _images():
        raise KeyError(name)
    return (data() / "images" / f"{name}.png").read_bytes()


def data() -> Traversable:
    """The folder of the data files, wherever the package is installed."""
    return files("digest.demo") / "data"


@cache
def _images() -> frozenset[str]:
    articles = (article for name in NAMES for article in sample_feed(name).articles)
    return frozenset(article.image for article in articles if article.image)


def _feed(name: str, table: Mapping[str, Any]) -> SampleFeed:
    articles = (_article(row, language=table["language"]) for row in table["article"])
    return SampleFeed(
        name=name,
        title=table["title"],
        description=table["description"],
        language=table["language"],
        format=Format(table["format"]),
        path=table["path"],
        articles=tuple(sorted(articles, key=lambda article: article.age)),
    )


def _article(row: Mapping[str, Any], *, language: str) -> SampleArticle:
    return SampleArticle(
        slug=row["slug"],
        age=timedelta(minutes=row["minutes"]),
        language=row.get("language", language),
        title=row["title"],
        teaser=row["teaser"],
        paragraphs=tuple(part.strip() for part in row["body"].split("\n\n")),
        author=row["author"],
        tags=tuple(row["tags"]),
        image=row.get("image"),
    )
