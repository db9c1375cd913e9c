"""How fast and how right feeds are read: `python -m benchmarks.parse --corpus DIR --json`.

Every document of a folder is parsed by us and by feedparser in the same process, one after the other; CPU time of
one core counts. Beside the speed stands the agreement per field, with the differing documents named, and what a feed
of 2.5 MB costs, which is larger than any of the folder.
"""

import argparse
import json
import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.oracle import FIELDS, Agreement, oracle
from digest.feeds.errors import FeedFormatError
from digest.feeds.normalize import normalize_feed
from digest.feeds.parse import parse_feed
from tests.support.documents import news, rss

LARGE = 2_500_000
"""Bytes of the large feed."""
_PARAGRAPH = (
    '<p>Der Stadtrat hat <a href="/thema/{n}">beschlossen</a>, die Brücke &ndash; <em>trotz</em> Regen &amp; Wind &ndash; '
    'zu sperren.</p><img src="/bild/{n}.jpg" alt="Brücke" width="800" height="600">'
)
_PARAGRAPHS = 24


@dataclass(slots=True)
class Tally:
    """What was measured over all documents."""

    documents: int = 0
    refused: list[str] = field(default_factory=list)
    bytes: int = 0
    parse: float = 0.0
    normalize: float = 0.0
    oracle: float = 0.0
    worst: float = 0.0
    worst_document: str = ""
    agreement: Agreement = field(default_factory=Agreement)


def measure(paths: Iterable[Path]) -> Tally:
    """Read each document both ways."""
    tally = Tally()
    for path in paths:
        _measure_one(tally, path.name, path.read_bytes())
    return tally


def _measure_one(tally: Tally, name: str, body: bytes) -> None:
    url = f"https://feeds.example/{name}"
    start = time.process_time()
    try:
        feed = parse_feed(body, url=url)
    except FeedFormatError:
        feed = None
    parsed = time.process_time()
    if feed is not None:
        normalize_feed(feed)
    normalized = time.process_time()
    theirs = oracle(body, url=url)
    tally.oracle += time.process_time() - normalized
    tally.documents += 1
    tally.bytes += len(body)
    tally.parse += parsed - start
    tally.normalize += normalized - parsed
    if parsed - start > tally.worst:
        tally.worst, tally.worst_document = parsed - start, name
    if feed is not None:
        tally.agreement.compare(name, feed, theirs)
    elif theirs:
        tally.refused.append(name)


def large() -> bytes:
    """A feed of 2.5 MB as a long archive of full articles would be."""
    at = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
    text = "".join(_PARAGRAPH.replace("{n}", str(n)) for n in range(_PARAGRAPHS))
    one = len(rss([news(100, published=at, text=text)]))
    return rss(news(n, published=at - timedelta(hours=n), text=text) for n in range(LARGE // one + 1))


def measure_large() -> dict[str, int]:
    """The size of the large feed, and its best CPU time of three: for reading it, and for making it safe as well."""
    body = large()
    times = []
    for _ in range(3):
        start = time.process_time()
        feed = parse_feed(body)
        parsed = time.process_time()
        normalize_feed(feed)
        times.append((parsed - start, time.process_time() - start))
    return {
        "large_bytes": len(body),
        "large_entries": feed.entry_count,
        "large_cpu_us": round(min(parse for parse, _ in times) * 1e6),
        "large_with_normalize_cpu_us": round(min(both for _, both in times) * 1e6),
    }


def report(tally: Tally) -> dict[str, Any]:
    """Return the flat figures: rates `_per_s`, shares `_ratio`, CPU `_us`."""
    agreement, big = tally.agreement, measure_large()
    megabytes = tally.bytes / 1_000_000
    return {
        "documents": tally.documents,
        "bytes": tally.bytes,
        "entries": agreement.entries,
        "megabytes_per_s": round(megabytes / tally.parse, 2),
        "megabytes_with_normalize_per_s": round(megabytes / (tally.parse + tally.normalize), 2),
        "feedparser_megabytes_per_s": round(megabytes / tally.oracle, 2),
        "parse_cpu_us": round(tally.parse * 1e6),
        "normalize_cpu_us": round(tally.normalize * 1e6),
        "feedparser_cpu_us": round(tally.oracle * 1e6),
        "worst_cpu_us": round(tally.worst * 1e6),
        "worst_document": tally.worst_document,
        **big,
        **{f"{name}_ratio": round(agreement.ratio(name), 5) for name in FIELDS},
        **{f"{name}_differs_in": sorted(set(agreement.differing[name])) for name in FIELDS},
        "entry_count_differs_in": sorted(agreement.missing),
        "refused_though_feedparser_reads": sorted(tally.refused),
    }


def main() -> None:
    """Measure a folder and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--corpus", type=Path, required=True, help="a folder of feed documents")
    arguments.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    options = arguments.parse_args()
    warnings.simplefilter("ignore")  # the oracle's own
    paths = [path for path in sorted(options.corpus.rglob("*")) if path.is_file() and path.name != "LICENSE"]
    figures = report(measure(paths))
    lines = (f"{name:34} {value}" for name, value in figures.items())
    print(json.dumps(figures) if options.json else "\n".join(lines))


if __name__ == "__main__":
    main()
