"""The public collections that benchmarks of matching read in place; `MATCH_CORPUS` says where, or they are skipped."""

import gzip
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from digest.matching.article import ArticleText

DEFAULT = Path(__file__).parents[2] / "shared" / "data" / "matching"


def folder() -> Path:
    """Where the collections are; ends the benchmark with a sentence if they are nowhere."""
    path = Path(os.environ.get("MATCH_CORPUS", DEFAULT))
    if not (path / "reuters21578.jsonl.gz").is_file():
        sys.exit("skipped: no collections; MATCH_CORPUS names their folder")
    return path


def lines(name: str) -> Iterator[dict[str, Any]]:
    """The rows of one collection."""
    with gzip.open(folder() / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def reuters() -> Iterator[ArticleText]:
    """Reuters-21578, Distribution 1.0: newswire with title and text."""
    for row in lines("reuters21578"):
        yield ArticleText(
            id=row["id"], title=row["title"] or "", body=row["body"] or "", language="en", source="Reuters"
        )


def reuters_labelled(split: str) -> Iterator[tuple[ArticleText, frozenset[str]]]:
    """One ModApte split with its labels."""
    for row in lines("reuters21578"):
        if row["split"] == split:
            text = ArticleText(id=row["id"], title=row["title"] or "", body=row["body"] or "", language="en")
            yield text, frozenset(row["topics"])


def headlines() -> Iterator[ArticleText]:
    """The UCI headlines, in order of time."""
    for number, row in enumerate(lines("uci-headlines"), 1):
        yield ArticleText(id=number, title=row["title"], source=row["publisher"], url=row["url"])
