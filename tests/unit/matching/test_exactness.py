"""The Matcher finds what a naive reading finds: every query, every article, every batch."""

import gc
import weakref
from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from digest.matching.article import ArticleText, read
from digest.matching.batch import Batch
from digest.matching.engine import Hit, Matcher
from digest.matching.frequencies import Frequencies, counted
from digest.matching.index import AtomIndex
from digest.matching.places import PlaceFinder
from digest.matching.query import Precision, Query, parse_query
from tests.support.matching_draws import draw_article, draw_queries
from tests.support.naive_matching import Naive


def compare(seed: int, *, queries: int, articles: int) -> Counter[str]:
    """Compare every pair of drawn queries and articles; how many pairs were what."""
    random = Random(seed)
    topics = draw_queries(random, queries)
    readings = [read(draw_article(random, number)) for number in range(articles)]
    frequencies = counted(readings) if seed % 2 else None
    found = {
        (hit.article_id, hit.topic_id): hit
        for hit in Matcher(topics, frequencies=frequencies).match_read(readings)
    }
    seen: Counter[str] = Counter()
    for topic_id, query in topics.items():
        for reading in readings:
            naive = Naive(query, reading, frequencies=frequencies)
            expected = naive.hit(topic_id)
            assert found.get((reading.article.id, topic_id)) == expected, str(query)
            seen["pairs"] += 1
            seen["hits"] += expected is not None
            seen["gated"] += expected is None and naive.is_true(query.root)
    return seen


def test_a_thousand_pairs_are_matched_as_a_naive_reading_matches_them() -> None:
    seen = sum((compare(seed, queries=50, articles=10) for seed in range(2)), Counter[str]())
    assert seen["pairs"] == 1_000
    assert seen["hits"] >= 0.2 * seen["pairs"], seen
    assert seen["gated"] >= 0.05 * seen["pairs"], seen


PHRASES = (
    ArticleText(
        100, "KI Trump Haus, US Krieg Trump", "Trump US, Haus KI Krieg. Krieg KI study", language="en"
    ),
    ArticleText(101, "Trump Krieg, the running study and run, Verhandlungen", language="en"),
    ArticleText(103, "KI und Trump", language="de"),
    ArticleText(102, "run study, study run, study", "Ein Ukrainekonflikt und die KI.", language="de"),
)
SHAPES = (
    "KI Trump -Krieg",
    "KI Trump -Krieg -Haus in:all",
    "KI -Trump -US in:all",
    "(KI OR Trump) -Krieg in:all",
    "KI OR Trump OR Krieg OR running",
    "2 OF (KI, Trump, Krieg, Haus, study)",
    "3 OF (KI, Trump, Krieg, Haus, study) in:all",
    "KI source:heise",
    "KI OR source:heise",
    "2 OF (KI, Trump, source:heise)",
    "source:heise author:Ann -KI",
    "title:KI OR category:KI OR Trump",
    "title:Trump -category:KI",
    '"Trump Krieg" OR "Krieg Trump" OR "KI Haus"',
    '"Trump US Krieg" OR "US Krieg Trump" OR "KI Trump Haus" OR "Haus KI study"',
    "Ukraine-Konflikt OR =Trump OR IT",
    "Verhandl* OR *konflikt OR *haus*",
    '"running study" OR "study runs"',
    "running",
    "(Krieg lang:en) OR (study lang:de)",
)


def test_every_shape_of_query_is_answered_as_a_naive_reading_answers_it() -> None:
    random = Random(7)
    topics = {number: parse_query(text) for number, text in enumerate(SHAPES)}
    readings = [read(draw_article(random, number)) for number in range(40)]
    readings += map(read, PHRASES)
    expected = [
        hit
        for number, query in topics.items()
        for reading in readings
        if (hit := Naive(query, reading).hit(number))
    ]
    assert sorted(Matcher(topics).match_read(readings)) == sorted(expected)
    assert set(topics) == {hit.topic_id for hit in expected}


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_pairs_are_matched_as_a_naive_reading_matches_them() -> None:
    seen = sum((compare(seed, queries=200, articles=25) for seed in range(100, 122)), Counter[str]())
    assert seen["pairs"] >= 100_000
    assert seen["hits"] >= 0.2 * seen["pairs"], seen
    assert seen["gated"] >= 0.05 * seen["pairs"], seen


def drawn(seed: int, *, queries: int = 100, articles: int = 24) -> tuple[dict[int, Query], list]:  # type: ignore[type-arg]
    random = Random(seed)
    topics = draw_queries(random, queries)
    return topics, [draw_article(random, number) for number in range(articles)]


@pytest.mark.parametrize("seed", range(2))
def test_any_split_and_order_of_a_batch_gives_the_same_hits(seed: int) -> None:
    topics, articles = drawn(seed)
    matcher = Matcher(topics)
    together = sorted(matcher.match(articles))
    alone = [hit for article in articles for hit in matcher.match([article])]
    shuffled = Random(seed).sample(articles, len(articles))
    halves = matcher.match(shuffled[:13]) + matcher.match(shuffled[13:])
    assert together == sorted(alone) == sorted(halves)
    assert together


@pytest.mark.parametrize("seed", range(2))
def test_frequencies_change_the_score_and_no_match(seed: int) -> None:
    topics, articles = drawn(seed)
    frequencies = counted(read(article) for article in articles)

    def without_score(hits: list[Hit]) -> list[tuple[int, int, str, str]]:
        return sorted(hit[:4] for hit in hits)

    weighed = Matcher(topics, frequencies=frequencies).match(articles)
    assert without_score(Matcher(topics).match(articles)) == without_score(weighed)


@pytest.mark.parametrize("seed", range(2))
def test_adding_and_discarding_leaves_the_matcher_of_what_is_left(seed: int) -> None:
    topics, articles = drawn(seed)
    random = Random(seed)
    matcher = Matcher(topics)
    gone = random.sample(sorted(topics), len(topics) // 2)
    everything = sorted(matcher.match(articles))
    for topic_id in gone:
        matcher.discard(topic_id)
    assert sorted(matcher.match(articles)) == [hit for hit in everything if hit.topic_id not in gone]
    for topic_id in gone[::2]:
        matcher.add(topic_id, topics[topic_id])
    kept = {topic_id: query for topic_id, query in topics.items() if topic_id not in gone[1::2]}
    assert sorted(matcher.match(articles)) == sorted(Matcher(kept).match(articles))
    for topic_id in list(kept):
        matcher.discard(topic_id)
    assert len(matcher) == 0
    assert matcher.match(articles) == []
    assert not matcher._index._numbers
    assert not any(matcher._index.words)
    assert not any(matcher._index.pairs)


@pytest.mark.parametrize("seed", range(1))
def test_an_exclusion_never_adds_and_an_alternative_never_loses(seed: int) -> None:
    topics, articles = drawn(seed, queries=60)
    everywhere = {number: replace(query, within=Precision.ALL) for number, query in topics.items()}
    found = {(hit.topic_id, hit.article_id) for hit in Matcher(everywhere).match(articles)}
    excluding = {number: parse_query(f"({query.root}) -Krieg in:all") for number, query in topics.items()}
    wider = {number: parse_query(f"(({query.root}) OR Krieg) in:all") for number, query in topics.items()}
    assert {(hit.topic_id, hit.article_id) for hit in Matcher(excluding).match(articles)} <= found
    assert {(hit.topic_id, hit.article_id) for hit in Matcher(wider).match(articles)} >= found


def test_a_batch_and_what_found_it_are_gone_at_once_when_nobody_needs_them() -> None:
    index = AtomIndex(("de", "en"), Frequencies())
    finder = PlaceFinder(index)
    batch = Batch([read(draw_article(Random(1), 1))], finder, index)
    gone = [weakref.ref(batch), weakref.ref(finder)]
    gc.disable()
    try:
        del batch, finder
        assert [one() for one in gone] == [None, None]
    finally:
        gc.enable()
