"""feedparser as the oracle of feeds: the same documents, field by field, and where it is known to be wrong.

It is right about nearly everything and slow; we must agree with it, or say why not.
"""

import calendar
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import feedparser

from digest.feeds.dates import EARLIEST
from digest.feeds.document import ParsedEntry, ParsedFeed
from digest.feeds.text import to_text

FIELDS = ("title", "link", "id", "date")

KNOWN: dict[tuple[str, str], str] = {
    ("0346e81559b251eb", "title"): "the title is meant to look like mojibake; the oracle repairs it",
}
"""(document, field): why the difference is ours to keep."""


@dataclass(slots=True)
class Agreement:
    """How often both say the same of an entry, and which documents hold the differences."""

    entries: int = 0
    missing: list[str] = field(default_factory=list)
    """Documents in which the number of entries differs."""
    same: Counter[str] = field(default_factory=Counter)
    differing: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in FIELDS})

    def ratio(self, name: str) -> float:
        """The share of entries on whose field both agree; 1.0 for none."""
        return self.same[name] / self.entries if self.entries else 1.0

    def compare(self, document: str, ours: ParsedFeed, theirs: list[Any]) -> None:
        """Count one document, both sides in its order."""
        if len(ours.entries) != len(theirs):
            self.missing.append(document)
            return
        for entry, other in zip(ours.entries, theirs, strict=True):
            self.entries += 1
            for name, is_same in _fields(entry, other):
                if is_same or (document, name) in KNOWN:
                    self.same[name] += 1
                else:
                    self.differing[name].append(document)


def oracle(body: bytes, *, url: str) -> list[Any]:
    """Return the entries feedparser finds in a document from an address."""
    entries: list[Any] = feedparser.parse(body, response_headers={"content-location": url}).entries
    return entries


def _fields(ours: ParsedEntry, theirs: Any) -> Iterator[tuple[str, bool]]:
    title = to_text(theirs.get("title", ""))  # it leaves the entities of titles that were escaped twice
    yield (
        "title",
        _letters(ours.title) == _letters(title) or not title,
    )  # we fill an empty title from the text
    link = theirs.get("link", "")
    yield (
        "link",
        ours.link == link or not link.startswith(("http://", "https://")),
    )  # we give a web address or none
    yield (
        "id",
        theirs.get("id", "") in {ours.id, ""} or theirs["id"].endswith(ours.id),
    )  # it makes ids absolute
    date = _moment(theirs.get("published_parsed") or theirs.get("updated_parsed"))
    yield "date", date == ours.published or date is None


def _letters(text: str) -> str:
    """Return a title as far as both are asked to agree: it removes nothing that may steer a terminal, we do."""
    return re.sub(r"\s|…$", "", to_text(text))[:400]


def _moment(parts: Any) -> datetime | None:
    """Return the oracle's date, None if it lies before the first feed."""
    if parts is None or not 1 <= parts[0] <= 9999:
        return None
    moment = datetime.fromtimestamp(calendar.timegm(parts), UTC)
    return moment if moment >= EARLIEST else None
