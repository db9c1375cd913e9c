"""Articles for tests of stories: a title, when, and where."""

from datetime import UTC, datetime, timedelta
from itertools import count

from digest.matching.article import ArticleText

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
_numbers = count(1)


def told(
    title: str, *, number: int = 0, source: str = "Beispielblatt", language: str | None = "de"
) -> ArticleText:
    """An article that is nothing but its title."""
    return ArticleText(id=number or next(_numbers), title=title, source=source, language=language)
