"""Articles a second through the Matcher, beside a loop over all queries in the same run.

    python -m benchmarks.match --topics 100000 --articles 5000 [--batch 1000] [--json]

Articles are Reuters-21578 (MATCH_CORPUS); topics are drawn from their words, each word in less than 2 % of them. The loop
reads a sample of articles naively; its hits must be the Matcher's, or the benchmark fails. Analysis is measured apart; all
times are CPU seconds of this process.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from random import Random

import psutil

from benchmarks.corpus import reuters
from digest.matching.article import Reading, read
from digest.matching.engine import Matcher
from digest.matching.frequencies import Frequencies, counted
from digest.matching.query import Query, QueryError, parse_query
from tests.support.naive_matching import Naive

MAX_SHARE = 0.02
NAIVE_TOPICS = 2_000
NAIVE_ARTICLES = 10


class Draws:
    """Queries drawn from the words of articles, in the shares of the design page."""

    def __init__(self, readings: Sequence[Reading], frequencies: Frequencies, random: Random) -> None:
        self.random = random
        self.readings = [reading for reading in readings if len(reading.tokens) > 20]
        self.limit = MAX_SHARE * frequencies.articles
        self.frequencies = frequencies

    def is_rare(self, word: str) -> bool:
        """Whether a word may be drawn."""
        return word.isalpha() and len(word) > 1 and 0 < self.frequencies.df(word) < self.limit

    def word(self) -> str:
        """One rare word of an article."""
        while True:
            token = self.random.choice(self.random.choice(self.readings).tokens)
            if token.forms and self.is_rare(token.forms[-1]):
                return token.printed.lower()

    def phrase(self) -> str:
        """Two rare words that stand beside each other."""
        while True:
            tokens = self.random.choice(self.readings).tokens
            start = self.random.randrange(len(tokens) - 1)
            pair = tokens[start : start + 2]
            if all(token.forms and self.is_rare(token.forms[-1]) for token in pair):
                return f'"{pair[0].printed} {pair[1].printed}"'

    def query(self) -> str:
        """One query of the mix."""
        kind = self.random.random()
        shares = (
            (0.40, self.word),
            (0.58, lambda: f"{self.word()} {self.word()}"),
            (0.78, self.phrase),
            (0.86, lambda: f"{self.word()} OR {self.word()} OR {self.word()}"),
            (0.90, lambda: f"{self.word()} -{self.word()}"),
            (0.93, lambda: f"title:{self.word()}"),
            (0.98, lambda: f"2 OF ({', '.join(self.word() for _ in range(6))})"),
            (1.01, lambda: f"{self.word()[:5]}*"),
        )
        return next(make() for share, make in shares if kind < share)

    def queries(self, count: int, *, distinct: bool) -> list[str]:
        """Queries in canonical form; readers often ask the same, unless each is to be `distinct`."""
        drawn: dict[int, str] = {}
        seen: set[str] = set()
        while len(drawn) < count:
            with suppress(QueryError):
                text = str(parse_query(self.query()))
                if not (distinct and text in seen):
                    drawn[len(drawn)] = text
                    seen.add(text)
        return list(drawn.values())


class Texts(Mapping[int, Query]):
    """Canonical texts parsed when asked for, as rows of a database are."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts

    def __getitem__(self, topic_id: int) -> Query:
        return parse_query(self.texts[topic_id])

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.texts)))

    def __len__(self) -> int:
        return len(self.texts)


def main() -> None:
    options = _options()
    random = Random(options.seed)
    readings = [read(article) for article in islice(reuters(), options.articles)]
    frequencies = counted(readings)
    texts = Draws(readings, frequencies, random).queries(options.topics, distinct=options.distinct)
    gc.collect()
    before = _memory()
    started = time.process_time()
    matcher = Matcher(Texts(texts), frequencies=frequencies)
    built = time.process_time() - started
    after = _memory()
    hits, seconds = _timed(matcher, readings, options.batch)
    alone = _alone(matcher, readings)
    naive = _naive(texts, readings, frequencies)
    figures = {
        "topics": options.topics,
        "distinct_topics": len(set(texts)),
        "articles": len(readings),
        "batch": options.batch,
        "build_s": round(built, 2),
        "build_topics_per_s": round(options.topics / built),
        "registry_mb": round(after - before),
        "process_mb": round(_memory()),
        "hits_per_article": round(hits / len(readings), 1),
        "match_articles_per_s": round(len(readings) / seconds),
        "one_article_us": round(alone * 1e6),
        **naive,
    }
    print(json.dumps(figures, indent=None if options.json else 2))


def _timed(matcher: Matcher, readings: Sequence[Reading], batch: int) -> tuple[int, float]:
    hits = 0
    started = time.process_time()
    for start in range(0, len(readings), batch):
        hits += len(matcher.match_read(readings[start : start + batch]))
    return hits, time.process_time() - started


def _alone(matcher: Matcher, readings: Sequence[Reading]) -> float:
    """Seconds for one article on its own, the median of fifty."""
    times = []
    for reading in readings[:50]:
        started = time.process_time()
        matcher.match_read([reading])
        times.append(time.process_time() - started)
    return sorted(times)[len(times) // 2]


def _naive(texts: Sequence[str], readings: Sequence[Reading], frequencies: Frequencies) -> dict[str, float]:
    """The loop over all queries on a sample; its speed is scaled to all topics."""
    some = {number: parse_query(text) for number, text in enumerate(texts[:NAIVE_TOPICS])}
    articles = readings[:NAIVE_ARTICLES]
    started = time.process_time()
    naive = [
        hit
        for reading in articles
        for number, query in some.items()
        if (hit := Naive(query, reading, frequencies=frequencies).hit(number))
    ]
    seconds = (time.process_time() - started) * len(texts) / len(some)
    if sorted(naive) != sorted(Matcher(some, frequencies=frequencies).match_read(articles)):
        sys.exit("the Matcher and the naive loop differ")
    return {"naive_articles_per_s": round(len(articles) / seconds, 4), "naive_equal_hits": len(naive)}


def _memory() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--topics", type=int, default=100_000)
    parser.add_argument("--articles", type=int, default=5_000)
    parser.add_argument("--batch", type=int, default=1_000)
    parser.add_argument("--distinct", action="store_true", help="no two topics ask the same")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
