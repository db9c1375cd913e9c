"""What reading an article costs, and what the dictionaries take; beside splitting at white space in the same run.

python -m benchmarks.analyze [--articles 5000] [--json]
"""

import argparse
import gc
import json
import time
from collections.abc import Callable
from itertools import islice

import psutil

from benchmarks.corpus import headlines, reuters
from digest.matching.article import ArticleText, read
from digest.matching.language import guessed
from digest.matching.text import forms


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--articles", type=int, default=5_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    articles = list(islice(reuters(), options.articles))
    before = _memory()
    forms("Häuser", "de")
    forms("houses", "en")
    dictionaries = _memory() - before
    cold, tokens = _timed(articles[:500])
    _timed(articles)
    warm, all_tokens = _timed(articles)
    split = _seconds(lambda: [f"{one.title} {one.body}".split() for one in articles])
    figures = {
        "articles": len(articles),
        "tokens": all_tokens,
        "cold_token_us": round(cold / tokens * 1e6, 2),
        "warm_token_us": round(warm / all_tokens * 1e6, 2),
        "split_token_us": round(split / all_tokens * 1e6, 2),
        "dictionaries_mb": round(dictionaries, 1),
        "process_mb": round(_memory()),
        **_languages(),
    }
    print(json.dumps(figures, indent=None if options.json else 2))


def _timed(articles: list[ArticleText]) -> tuple[float, int]:
    """CPU seconds for reading, and tokens read; nothing is kept."""
    count = 0
    started = time.process_time()
    for article in articles:
        count += len(read(article).tokens)
    return time.process_time() - started, count


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _languages() -> dict[str, float]:
    """How often English headlines are told to be English, and how often German."""
    found = [guessed(article.title, ("de", "en")) for article in headlines()]
    return {
        "headline_right_ratio": round(found.count("en") / len(found), 4),
        "headline_wrong_ratio": round(found.count("de") / len(found), 4),
    }


def _memory() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 1e6


if __name__ == "__main__":
    main()
