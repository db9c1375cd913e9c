"""An article in a file, to try a query on: JSON with the fields of `ArticleText`, or title, lead and body as text."""

import json
from typing import Any

from digest.matching.article import ArticleText
from digest.matching.errors import MatchingError


class DraftError(MatchingError):
    """The file holds no article; the text is one sentence."""


_TEXTS = ("title", "lead", "body", "source", "author", "language", "url")


def read_draft(text: str) -> ArticleText:
    """The article of a file's text: JSON, or title, blank line, lead, blank line, body. Raises `DraftError`."""
    if text.lstrip().startswith("{"):
        return _from_json(text)
    title, _, rest = text.strip().replace("\r\n", "\n").partition("\n\n")
    lead, _, body = rest.strip().partition("\n\n")
    if not title.strip():
        raise DraftError(
            "The file is empty: write a title, a blank line, a lead, a blank line, and the text."
        )
    return ArticleText(id=0, title=" ".join(title.split()), lead=lead, body=body)


def _from_json(text: str) -> ArticleText:
    try:
        found: Any = json.loads(text)
    except ValueError:
        raise DraftError("The file begins like JSON but cannot be read as JSON.") from None
    values: dict[str, Any] = found if isinstance(found, dict) else {}
    unknown = sorted(values.keys() - {*_TEXTS, "id", "categories"})
    if unknown:
        raise DraftError(f"An article has no field {unknown[0]}: use {', '.join((*_TEXTS, 'categories'))}.")
    texts = {name: values[name] for name in _TEXTS if values.get(name) is not None}
    categories = values.get("categories", [])
    if not isinstance(categories, list) or not all(
        isinstance(one, str) for one in [*texts.values(), *categories]
    ):
        raise DraftError("The fields of an article are texts, and categories a list of texts.")
    return ArticleText(id=0, categories=tuple(categories), **texts)
