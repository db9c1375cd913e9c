"""Choosing for a mail: caps, order, and that nothing ever vanishes."""

from collections import Counter
from datetime import timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from digest.matching.rank import CARRIED_AT_MOST, Limits, Selection
from tests.support.naive_choice import Candidate, TopicHit, select
from tests.unit.matching_stories.telling import DAY, HOUR, NOW


def candidate(
    number: int,
    *topics: int,
    score: float = 1.0,
    source: str | None = None,
    story: int | None = None,
    age: timedelta = HOUR,
    is_carried: bool = False,
) -> Candidate:
    return Candidate(
        article_id=number,
        effective_at=NOW - age,
        source=source or f"Blatt {number}",
        story_id=story,
        weight=0.0,
        is_carried=is_carried,
        hits=tuple(TopicHit(topic, score, "title", "KI") for topic in topics or (1,)),
    )


def shown(chosen: Selection) -> list[int]:
    return [item.article_id for item in chosen.shown]


def test_five_a_topic_and_fifteen_a_mail() -> None:
    many = [candidate(number, number % 4 + 1) for number in range(1, 81)]
    chosen = select(many, topics=[1, 2, 3, 4], limits=Limits(), now=NOW)
    assert len(chosen.shown) == 15
    assert max(Counter(item.topic_id for item in chosen.shown).values()) <= 5


def test_every_topic_has_its_best_article_in_the_mail_before_value_decides() -> None:
    loud = [candidate(number, 1, story=number // 2) for number in range(1, 31)]
    old = [candidate(100 + topic, topic, age=9 * DAY) for topic in range(2, 12)]
    chosen = select(loud + old, topics=range(1, 12), limits=Limits(per_topic=30), now=NOW)
    assert {item.topic_id for item in chosen.shown} == set(range(1, 12))


def test_one_source_fills_two_fifths_of_a_mail_while_others_have_news() -> None:
    loud = [candidate(number, source="Laut", score=2.0) for number in range(1, 21)]
    others = [candidate(number) for number in range(21, 41)]
    chosen = select(loud + others, topics=[1], limits=Limits(per_topic=15), now=NOW)
    assert len(chosen.shown) == 15
    assert sum(number <= 20 for number in shown(chosen)) == 6


def test_one_source_alone_fills_a_mail() -> None:
    alone = [candidate(number, number % 3 + 1, source="Einziges Blatt") for number in range(1, 61)]
    chosen = select(alone, topics=[1, 2, 3], limits=Limits(), now=NOW)
    assert len(chosen.shown) == 15


def test_an_article_stands_once_under_its_strongest_topic_and_names_the_others() -> None:
    both = candidate(1)._replace(hits=(TopicHit(1, 1.0, "lead", "KI"), TopicHit(2, 5.0, "title", "Nato")))
    rival = candidate(2, 1, score=4.0)
    item = select([both, rival], topics=[1, 2], limits=Limits(), now=NOW).shown[1]
    assert (item.article_id, item.topic_id, item.term, item.also_topics) == (1, 2, "Nato", [1])
    equal = candidate(3, 2, 1)
    (item,) = select([equal], topics=[1, 2], limits=Limits(), now=NOW).shown
    assert item.topic_id == 1


def test_ties_go_to_the_newer_and_then_to_the_lower_number() -> None:
    same = [candidate(number, age=40 * DAY) for number in (3, 1, 2)]
    newer = candidate(9, age=40 * DAY - timedelta(milliseconds=1))
    chosen = select([*same, newer], topics=[1], limits=Limits(), now=NOW)
    assert shown(chosen) == [9, 1, 2, 3]


def test_a_story_has_two_places_and_its_other_articles_stand_in_the_line_of_the_first() -> None:
    chosen = select([candidate(n, story=7) for n in range(1, 6)], topics=[1], limits=Limits(), now=NOW)
    assert [(item.article_id, item.same_story) for item in chosen.shown] == [(1, [3, 4, 5]), (2, [])]
    assert sorted(chosen.folded) == [(3, 1), (4, 1), (5, 1)]


def test_what_is_alike_stands_in_one_line_and_never_under_something_folded() -> None:
    alike = {1: frozenset({2}), 2: frozenset({1, 3}), 3: frozenset({2})}
    chosen = select(
        [candidate(n, story=7) for n in (1, 2, 3)], topics=[1], limits=Limits(), now=NOW, alike=alike
    )
    assert [(item.article_id, item.same_story) for item in chosen.shown] == [(1, [2]), (3, [])]


def test_a_story_many_sources_tell_comes_before_what_one_source_tells() -> None:
    alone = candidate(1)
    told = [candidate(number, story=7) for number in (2, 3, 4)]
    assert shown(select([alone, *told], topics=[1], limits=Limits(), now=NOW))[:2] == [2, 3]


def test_what_is_left_over_comes_again_once() -> None:
    fresh = [candidate(number) for number in range(1, 26)]
    first = select(fresh, topics=[1], limits=Limits(), now=NOW)
    assert (len(first.shown), len(first.carried), len(first.expired)) == (5, CARRIED_AT_MOST, 5)
    again = [one._replace(is_carried=True) for one in fresh if one.article_id in first.carried]
    second = select(again, topics=[1], limits=Limits(), now=NOW + DAY)
    assert (len(second.shown), second.carried, len(second.expired)) == (5, [], 10)
    assert all(item.is_carried for item in second.shown)


def test_a_folded_article_whose_headline_found_no_place_is_carried_with_it() -> None:
    crowd = [candidate(number, score=9.0) for number in range(1, 6)]
    pair = [candidate(number, story=7) for number in (11, 12)]
    alike = {11: frozenset({12}), 12: frozenset({11})}
    chosen = select([*crowd, *pair], topics=[1], limits=Limits(), now=NOW, alike=alike)
    assert (chosen.carried, chosen.expired, chosen.folded) == ([11, 12], [], [])


def test_less_of_a_topic_is_its_two_best_and_the_rest_does_not_come_back() -> None:
    wanted = [candidate(number, score=score) for number, score in ((1, 1.0), (2, 3.0), (3, 2.0), (4, 0.5))]
    chosen = select(wanted, topics=[1], limits=Limits(), now=NOW, less=[1])
    assert shown(chosen) == [2, 3]
    assert chosen.muted == [(1, "less"), (4, "less")]
    assert not chosen.carried


def test_an_article_of_a_topic_wanted_less_stands_under_its_other_topic() -> None:
    both = [candidate(number, 1, 2) for number in range(1, 5)]
    chosen = select(both, topics=[1, 2], limits=Limits(), now=NOW, less=[1])
    assert Counter(item.topic_id for item in chosen.shown) == {1: 2, 2: 2}
    assert not chosen.muted


def day(random: Random, first: int) -> list[Candidate]:
    """The articles of one day: some sources, stories and topics more often than others."""
    return [
        candidate(
            number,
            *random.sample([1, 2, 3], k=random.choice([1, 1, 1, 2, 3])),
            score=random.choice([0.5, 1.0, 2.0, 7.0]),
            source=random.choice(["Laut", "Laut", "Leise", "Anderes", "Fernes"]),
            story=random.choice([None, *range(first, first + 6)]),
            age=random.randrange(30) * HOUR,
        )
        for number in range(first, first + random.randrange(45))
    ]


def likely(random: Random, articles: list[Candidate]) -> dict[int, frozenset[int]]:
    pairs: dict[int, set[int]] = {}
    for one in articles:
        for other in articles:
            if one.article_id < other.article_id and one.story_id == other.story_id and random.random() < 0.3:
                pairs.setdefault(one.article_id, set()).add(other.article_id)
                pairs.setdefault(other.article_id, set()).add(one.article_id)
    return {article: frozenset(others) for article, others in pairs.items()}


def fates(chosen: Selection) -> list[int]:
    """The articles that a mail settles, each fate counted."""
    folded = [article for article, _ in chosen.folded]
    muted = [article for article, _ in chosen.muted]
    return [*shown(chosen), *folded, *chosen.expired, *muted]


@given(seed=st.integers(0, 10**9))
@settings(max_examples=60, deadline=None)
def test_over_any_history_everything_is_settled_exactly_once(seed: int) -> None:
    random = Random(seed)
    every: dict[int, Candidate] = {}
    settled: list[int] = []
    carried_ever: list[int] = []
    carried: list[int] = []
    for number in range(6):
        fresh = day(random, 1 + number * 100)
        every |= {one.article_id: one for one in fresh}
        offered = fresh + [every[article]._replace(is_carried=True) for article in carried]
        random.shuffle(offered)
        limits = random.choice([Limits(), Limits(10, 30), Limits(2, 4)])
        chosen = select(
            offered,
            topics=[1, 2, 3],
            limits=limits,
            now=NOW + number * DAY,
            alike=likely(random, offered),
            less=random.choice([(), (), (2,), (1, 3)]),
        )
        ids = sorted(one.article_id for one in offered)
        assert sorted([*fates(chosen), *chosen.carried]) == ids  # each in exactly one place
        assert len(chosen.shown) <= limits.per_mail
        assert len(chosen.carried) <= CARRIED_AT_MOST
        heads = {head for _, head in chosen.folded}
        assert heads <= set(shown(chosen))
        assert chosen.shown or not (set(ids) - {article for article, _ in chosen.muted})
        carried = chosen.carried
        carried_ever += carried
        settled += fates(chosen)
    assert sorted(settled + carried) == sorted(every)
    assert len(carried_ever) == len(set(carried_ever))


@given(seed=st.integers(0, 10**9))
@settings(max_examples=30, deadline=None)
def test_the_order_of_the_rows_changes_nothing(seed: int) -> None:
    random = Random(seed)
    articles = day(random, 1)
    pairs = likely(random, articles)
    shuffled = random.sample(articles, k=len(articles))

    def choose(candidates: list[Candidate]) -> Selection:
        return select(candidates, topics=[2, 1, 3], limits=Limits(), now=NOW, alike=pairs, less=[3])

    assert choose(articles) == choose(shuffled)
