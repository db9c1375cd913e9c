"""Nearest headlines and proposed queries on a public set, beside an exact comparison with every title in the same run.

    python -m benchmarks.similar [--articles 50000] [--json]

MATCH_CORPUS names the folder with uci-headlines; without it the benchmark is skipped. Times are CPU milliseconds.
"""

import argparse
import heapq
import json
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from math import log2
from random import Random
from statistics import mean
from typing import Any

from benchmarks.corpus import lines
from digest.matching.article import ArticleText, read
from digest.matching.engine import BATCH_SIZE, Matcher
from digest.matching.frequencies import counted
from digest.matching.query import parse_query
from digest.matching.similar import SimilarIndex, features, proposal, similar_query
from digest.matching.titles import Vector, cosine, idf, vector

HALF = 3_183
SAMPLE = 200
NEAREST = 10


def ndcg(found: Sequence[bool], relevant: int) -> float:
    """Discounted gain of the nearest, of the best that was possible."""
    best = sum(1 / log2(place + 2) for place in range(min(NEAREST, relevant)))
    return sum(hit / log2(place + 2) for place, hit in enumerate(found)) / best if best else 1.0


def texts(rows: Sequence[dict[str, Any]]) -> list[ArticleText]:
    """Headlines as articles."""
    return [
        ArticleText(id=row["id"], title=row["title"], source=row["publisher"], language="en") for row in rows
    ]


def exact(articles: Sequence[ArticleText]) -> dict[int, Vector]:
    """The vectors of all titles, for comparing each with each."""
    titles = {one.id: features(one) for one in articles}
    counts = Counter(feature for one in titles.values() for feature in one.features)
    weight = {feature: idf(df, titles=len(titles)) for feature, df in counts.items()}
    return {number: vector(one, weight=weight, gram_weight=1.0) for number, one in titles.items()}


def quality(rows: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """The index's nDCG@10 by the labels, and the share of the exact nearest that it finds."""
    articles, label = texts(rows), {row["id"]: row["story"] for row in rows}
    index, sizes, vectors = SimilarIndex(), Counter(label.values()), exact(articles)
    for one in articles:
        index.add(one)
    gain = found = 0.0
    sample = Random(1).sample(articles, SAMPLE)
    for one in sample:
        near = [number for number, _ in index.similar(one, NEAREST)]
        gain += ndcg([label[number] == label[one.id] for number in near], sizes[label[one.id]] - 1)
        every = (
            (-cosine(vectors[one.id], other), number) for number, other in vectors.items() if number != one.id
        )
        found += len({number for _, number in heapq.nsmallest(NEAREST, every)} & set(near)) / NEAREST
    return gain / SAMPLE, found / SAMPLE


def proposals(rows: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Precision and recall of `2 OF 8`, proposed from each headline, on the others; means."""
    articles, label = texts(rows), {row["id"]: row["story"] for row in rows}
    readings = [read(one) for one in articles]
    frequencies, sizes = counted(readings), Counter(label.values())
    asked = {one.id: similar_query(proposal(one, frequencies), language="") for one in articles}
    matcher = Matcher({number: parse_query(text) for number, text in asked.items() if text})
    found: defaultdict[int, list[bool]] = defaultdict(list)
    for start in range(0, len(readings), BATCH_SIZE):
        for hit in matcher.match_read(readings[start : start + BATCH_SIZE]):
            if hit.article_id != hit.topic_id:
                found[hit.topic_id].append(label[hit.article_id] == label[hit.topic_id])
    precision = mean(sum(hits) / len(hits) for hits in found.values())
    return precision, mean(sum(found[number]) / max(sizes[label[number]] - 1, 1) for number in asked)


def speed(articles: int) -> float:
    """Milliseconds for one answer among so many titles (the headlines, over and over with changed words)."""
    random, index = Random(2), SimilarIndex(at_most=articles)
    rows = texts(list(lines("uci-headlines")))
    made: list[ArticleText] = []
    for number in range(articles):
        words = [*random.choice(rows).title.split()[:6], *random.choice(rows).title.split()[-4:]]
        made.append(ArticleText(id=number + 1, title=" ".join(words), language="en"))
        index.add(made[-1])
    asked = random.sample(made, 50)
    start = time.process_time()
    for one in asked:
        index.similar(one, NEAREST)
    return (time.process_time() - start) / len(asked) * 1000


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Nearest headlines.")
    parser.add_argument("--articles", type=int, default=50_000)
    parser.add_argument("--json", action="store_true", help="one JSON document (the only form)")
    arguments = parser.parse_args()
    rows = list(lines("uci-headlines"))
    result: dict[str, Any] = {"articles": arguments.articles}
    for name, part in (("dev", rows[:HALF]), ("test", rows[HALF:])):
        gain, found = quality(part)
        precision, recall = proposals(part)
        result |= {
            f"{name}_ndcg_10_ratio": round(gain, 3),
            f"{name}_of_exact_nearest_ratio": round(found, 3),
            f"{name}_two_of_eight_precision_ratio": round(precision, 3),
            f"{name}_two_of_eight_recall_ratio": round(recall, 3),
        }
    result["similar_ms"] = round(speed(arguments.articles), 1)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
