"""Stories and folds on public headlines, beside the naive way (same words, no weights) in the same run.

    python -m benchmarks.stories [--json]

MATCH_CORPUS names the folder with uci-headlines; without it the benchmark is skipped. Times are CPU seconds.
"""

import argparse
import json
import time
from collections import Counter, deque
from collections.abc import Hashable, Sequence
from datetime import datetime
from typing import Any

from benchmarks.corpus import lines
from digest.matching.article import ArticleText
from digest.matching.folding import Headline, TitleCounts, alike, fold
from digest.matching.stories import StoryClusterer
from digest.matching.titles import title

HALF = 3_183
"""The first headlines chose the thresholds; the rest test them."""
NAIVE_JOINS = 0.2
NAIVE_LOOKS_BACK = 300
"""Titles the naive way compares with: all of them would take minutes."""


def b_cubed(found: Sequence[Hashable], labels: Sequence[Hashable]) -> float:
    """Harmonic mean of precision and recall, each averaged over articles."""
    both, ours, theirs = Counter(zip(found, labels, strict=True)), Counter(found), Counter(labels)
    precision = sum(n * n / ours[one] for (one, _), n in both.items()) / len(found)
    recall = sum(n * n / theirs[other] for (_, other), n in both.items()) / len(found)
    return 2 * precision * recall / (precision + recall)


def clustered(rows: Sequence[dict[str, Any]]) -> tuple[list[int], float]:
    """The story of each headline and the CPU seconds."""
    clusterer, start = StoryClusterer(), time.process_time()
    return [clusterer.assign(_text(row), _at(row)) for row in rows], time.process_time() - start


def naively(rows: Sequence[dict[str, Any]]) -> list[int]:
    """Each title joins the title shortly before it that shares most of its words (Jaccard)."""
    seen: deque[tuple[set[str], int]] = deque(maxlen=NAIVE_LOOKS_BACK)
    stories: list[int] = []
    for row in rows:
        words = set(title(row["title"], language="en").words)
        best = max(
            ((len(words & other) / (len(words | other) or 1), -story) for other, story in seen),
            default=(0.0, 0),
        )
        stories.append(-best[1] if best[0] >= NAIVE_JOINS else row["id"])
        seen.append((words, stories[-1]))
    return stories


def fold_precision(rows: Sequence[dict[str, Any]], stories: Sequence[int]) -> tuple[float, int]:
    """The share of folds within one labelled story, and how many there are."""
    headlines = [
        Headline(row["id"], row["title"], "en", row["publisher"], _at(row), story)
        for row, story in zip(rows, stories, strict=True)
    ]
    counts = TitleCounts(title(row["title"], language="en") for row in rows)
    under = fold([row["id"] for row in rows], alike(headlines, lambda: counts))
    label = {row["id"]: row["story"] for row in rows}
    return sum(label[one] == label[head] for one, head in under.items()) / len(under), len(under)


def _text(row: dict[str, Any]) -> ArticleText:
    return ArticleText(id=row["id"], title=row["title"], source=row["publisher"], language="en")


def _at(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["at"])


def measure() -> dict[str, Any]:
    """All figures, flat."""
    rows = list(lines("uci-headlines"))
    stories, seconds = clustered(rows)
    result: dict[str, Any] = {"titles": len(rows), "titles_per_s": round(len(rows) / seconds)}
    for name, part in (("dev", slice(0, HALF)), ("test", slice(HALF, None))):
        labels = [row["story"] for row in rows[part]]
        precision, folds = fold_precision(rows[part], stories[part])
        result |= {
            f"{name}_b_cubed_f_ratio": round(b_cubed(stories[part], labels), 3),
            f"{name}_naive_b_cubed_f_ratio": round(b_cubed(naively(rows[part]), labels), 3),
            f"{name}_fold_precision_ratio": round(precision, 3),
            f"{name}_folds": folds,
        }
    return result


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Stories and folds on public headlines.")
    parser.add_argument("--json", action="store_true", help="one JSON document (the only form)")
    parser.parse_args()
    print(json.dumps(measure(), indent=1))


if __name__ == "__main__":
    main()
