"""How good hand-made topics are on labelled articles: precision, recall and F1 of each gate, beside the plain Boolean reading.

    python -m benchmarks.topics [--registry 20000] [--json]

Reuters-21578 (R10, ModApte) with `r10-topics.tsv` from MATCH_CORPUS; with GNAD_TEST=path/to/test.csv also the nine
sections of 10kGNAD. The sets chose the gate, so the figures guard against getting worse and prove nothing new. The best
five of every 300 articles tell whether scores rank well, with and without counts of words; then what a topic costs that
is added, discarded or looked at before saving.
"""

import argparse
import csv
import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from statistics import mean

from benchmarks.corpus import folder, reuters_labelled
from benchmarks.editing import editing
from digest.matching.article import ArticleText, Reading, read
from digest.matching.engine import Hit, Matcher, Precision
from digest.matching.frequencies import Frequencies, counted
from digest.matching.query import Query, parse_query

WINDOW = 300
"""Articles from which one mail chooses."""
SHOWN = 5
Labelled = Iterable[tuple[ArticleText, frozenset[str]]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--registry", type=int, default=20_000, help="topics among which one is changed")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures: dict[str, float] = editing(options.registry)
    r10 = _queries("r10-topics.tsv")
    for split in ("train", "test"):
        labelled = [(text, labels & r10.keys()) for text, labels in reuters_labelled(split)]
        for precision in (Precision.NORMAL, Precision.LEAD, Precision.ALL):
            figures |= _measured(f"r10_{split}_{precision}", r10, labelled, precision)
        figures |= _ranked(f"r10_{split}", r10, labelled)
    gnad = os.environ.get("GNAD_TEST")
    if gnad:
        figures |= _measured("gnad_normal", _queries("gnad-topics.tsv"), _gnad(Path(gnad)), Precision.NORMAL)
    figures |= _parsing(r10.values())
    print(json.dumps(figures, indent=None if options.json else 2))


def _queries(name: str) -> dict[str, Query]:
    with (folder() / name).open(encoding="utf-8") as file:
        rows = csv.DictReader(
            file, delimiter="\t", quoting=csv.QUOTE_NONE
        )  # quotation marks belong to queries
        return {row["topic"]: parse_query(row["query"]) for row in rows}


def _gnad(path: Path) -> Labelled:
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file, delimiter=";", quotechar="'")):
            yield ArticleText(number, body=row[1], language="de"), frozenset({row[0]})


def _measured(
    name: str, queries: Mapping[str, Query], labelled: Labelled, precision: Precision
) -> dict[str, float]:
    topics = dict(enumerate(queries))
    matcher = Matcher({number: queries[topic] for number, topic in topics.items()}, precision=precision)
    articles = list(labelled)
    found = {(hit.article_id, topics[hit.topic_id]) for hit in matcher.match([text for text, _ in articles])}
    wanted = {(text.id, label) for text, labels in articles for label in labels}
    right = len(found & wanted)
    share, recall = right / max(len(found), 1), right / max(len(wanted), 1)
    return {
        f"{name}_precision_ratio": round(share, 3),
        f"{name}_recall_ratio": round(recall, 3),
        f"{name}_f1_ratio": round(2 * share * recall / max(share + recall, 1e-9), 3),
    }


def _ranked(
    name: str, queries: Mapping[str, Query], labelled: Sequence[tuple[ArticleText, frozenset[str]]]
) -> dict[str, float]:
    """How many of the best five are right, scored by zones alone and weighed by how rare the words are."""
    readings = [read(text) for text, _ in labelled]
    return {
        f"{name}_best_five_ratio": _best_five(queries, labelled, readings, Frequencies()),
        f"{name}_best_five_weighed_ratio": _best_five(queries, labelled, readings, counted(readings)),
    }


def _best_five(
    queries: Mapping[str, Query],
    labelled: Sequence[tuple[ArticleText, frozenset[str]]],
    readings: Sequence[Reading],
    frequencies: Frequencies,
) -> float:
    """The share of right ones among the best of each topic in each window, where there is a choice."""
    topics, labels = dict(enumerate(queries)), {text.id: found for text, found in labelled}
    matcher = Matcher({number: queries[topic] for number, topic in topics.items()}, frequencies=frequencies)
    shares: list[float] = []
    for start in range(0, len(readings), WINDOW):
        hits = sorted(matcher.match_read(readings[start : start + WINDOW]), key=_best_first)
        for _, found in groupby(hits, key=lambda hit: hit.topic_id):
            right = [topics[hit.topic_id] in labels[hit.article_id] for hit in found]
            if len(right) > SHOWN:
                shares.append(sum(right[:SHOWN]) / SHOWN)
    return round(mean(shares), 3)


def _best_first(hit: Hit) -> tuple[int, float, int]:
    return hit.topic_id, -hit.score, -hit.article_id


def _parsing(queries: Iterable[Query]) -> dict[str, float]:
    texts = [str(query) for query in queries] + ["KI", "Ukraine Konflikt", '"künstliche Intelligenz"'] * 30
    started = time.process_time()
    for text in texts:
        parse_query(text)
    return {"parse_queries_per_s": round(len(texts) / (time.process_time() - started))}


if __name__ == "__main__":
    main()
