"""Stored articles as matching reads them: text without markup, and without what the feed repeats around it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select
from sqlmodel import Session, col

from digest.feeds.models import Article
from digest.feeds.text import to_text
from digest.matching.article import ArticleText
from digest.matching.furniture import WINDOW, repeated, without_furniture

COLUMNS: Final = (
    col(Article.id),
    col(Article.feed_id),
    col(Article.title),
    col(Article.summary),
    col(Article.content_html),
    col(Article.tags),
    col(Article.authors),
    col(Article.source),
    col(Article.language),
    col(Article.link),
    col(Article.changed_at),
    col(Article.effective_at),
)
_BLOCK: Final = re.compile(
    r"</?(?:p|div|li|ul|ol|h[1-6]|br|hr|tr|td|th|blockquote|pre|figure|figcaption|dl|dt|dd)\b[^<>]*>",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """An article of the database ready to be matched; `changed_at` tells whether it is still the same."""

    text: ArticleText
    feed_id: int | None
    changed_at: datetime | None
    effective_at: datetime


def article_texts(session: Session, rows: Sequence[Row[Any]]) -> list[StoredArticle]:
    """The rows (selected by `COLUMNS`) as articles, without the furniture of their feeds."""
    marks = {
        feed_id: _furniture(session, feed_id) for feed_id in {row.feed_id for row in rows if row.feed_id}
    }
    return [_stored(row, marks.get(row.feed_id, frozenset())) for row in rows]


def _stored(row: Row[Any], marks: frozenset[str]) -> StoredArticle:
    text = ArticleText(
        id=row.id,
        title=row.title,
        lead=without_furniture(row.title, row.summary, marks),
        body=without_furniture(row.title, body_text(row.content_html), marks),
        categories=tuple(row.tags),
        source=row.source,
        author="; ".join(row.authors),
        language=row.language or None,
        url=row.link,
    )
    return StoredArticle(text, row.feed_id, row.changed_at, row.effective_at)


def body_text(html: str) -> str:
    """The text of an article's content, one line for each paragraph."""
    return "\n".join(line for block in _BLOCK.split(html) if (line := to_text(block)))


def _furniture(session: Session, feed_id: int) -> frozenset[str]:
    """What stands in several of the feed's last articles."""
    rows = session.execute(
        select(col(Article.title), col(Article.summary), col(Article.content_html))
        .where(col(Article.feed_id) == feed_id)
        .order_by(col(Article.id).desc())
        .limit(WINDOW)
    )
    return repeated(_texts(rows))


def _texts(rows: Iterable[Row[Any]]) -> Iterator[tuple[str, str]]:
    for row in rows:
        yield row.title, f"{row.summary}\n{body_text(row.content_html)}"
