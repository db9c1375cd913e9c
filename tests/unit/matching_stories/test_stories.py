"""Stories: what joins, what does not, and that a restart changes nothing."""

from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.matching.article import ArticleText
from digest.matching.stories import REPLAYED, StoryClusterer
from tests.unit.matching_stories.telling import DAY, HOUR, NOW, told

RUTTE = "Rutte sucht in Washington nach Lösungen für den Ukraine-Konflikt"
AGAIN = "Ukraine-Konflikt: Rutte zu Gesprächen in Washington"
OTHER = "Neue Brücke über den Rhein eröffnet"


def stories(*titles: tuple[str, timedelta]) -> list[int]:
    clusterer = StoryClusterer()
    return [
        clusterer.assign(told(title, number=number), NOW + later)
        for number, (title, later) in enumerate(titles, 1)
    ]


def test_two_titles_about_the_same_share_the_number_of_the_first() -> None:
    assert stories((RUTTE, 0 * HOUR), (OTHER, HOUR), (AGAIN, 2 * HOUR)) == [1, 2, 1]


@pytest.mark.parametrize(("later", "expected"), [(72 * HOUR, [1, 1]), (73 * HOUR, [1, 2])])
def test_a_story_silent_for_72_hours_is_over(later: timedelta, expected: list[int]) -> None:
    assert stories((RUTTE, 0 * HOUR), (AGAIN, later)) == expected


def test_a_story_older_than_seven_days_is_over_however_often_it_is_told() -> None:
    told_daily = [(RUTTE, day * DAY) for day in range(9)]
    assert stories(*told_daily) == [1] * 8 + [9]


def test_an_article_that_comes_late_joins_the_story_of_its_own_days() -> None:
    assert stories((RUTTE, 0 * HOUR), (OTHER, 5 * DAY), (AGAIN, HOUR)) == [1, 2, 3]
    assert stories((RUTTE, 0 * HOUR), (OTHER, 2 * DAY), (AGAIN, HOUR)) == [1, 2, 1]


def test_languages_never_share_a_story() -> None:
    clusterer = StoryClusterer()
    assert clusterer.assign(told("Rutte Washington Nato", number=1, language="de"), NOW) == 1
    assert clusterer.assign(told("Rutte Washington Nato", number=2, language="en-GB"), NOW) == 2
    assert clusterer.assign(told("Rutte Washington Nato", number=3, language="de-AT"), NOW) == 1


def test_a_title_of_two_words_starts_its_own_story() -> None:
    assert stories(("Rutte Washington", 0 * HOUR), ("Rutte Washington", HOUR)) == [1, 2]


def test_the_name_of_the_source_says_nothing_about_the_story() -> None:
    clusterer = StoryClusterer()
    first = told("Brücke am Rhein eröffnet - Beispielblatt", number=1)
    other = told("Zoo zählt junge Tiere - Beispielblatt", number=2)
    assert [clusterer.assign(one, NOW) for one in (first, other)] == [1, 2]


def test_a_word_nobody_had_before_counts_at_once() -> None:
    """Words that were unseen when counting began are what a fresh story is recognised by."""
    before = [
        (f"Rat der Stadt berät Haushalt und Straßen im Ort {name}", 0 * HOUR) for name in ("Au", "Bo", "Ce")
    ]
    fresh = [("Vulkan Kilauea bricht im Ort aus", HOUR), ("Kilauea spuckt Lava in die Stadt", 2 * HOUR)]
    found = stories(*before, *fresh)
    assert found[3] == found[4] == 4


def test_words_of_more_than_a_week_ago_no_longer_count() -> None:
    clusterer = StoryClusterer()
    for number in range(1, 301):
        clusterer.assign(told(f"Wahlkampf {number} im Bezirk {number}", number=number), NOW)
    busy = [clusterer.assign(told(title, number=n), NOW) for n, title in ((301, "Wahlkampf ohne Ende"),)]
    later = NOW + 8 * DAY
    quiet = [
        clusterer.assign(told(title, number=n), later)
        for n, title in ((302, "Wahlkampf ohne jedes Ende"), (303, "Wahlkampf beginnt heute früh"))
    ]
    assert busy == [301]  # in every title: it led nowhere
    assert quiet == [302, 302]


def test_an_article_asked_for_twice_keeps_its_story_and_counts_once() -> None:
    clusterer = StoryClusterer()
    article = told(RUTTE, number=1)
    assert [clusterer.assign(article, NOW) for _ in range(3)] == [1, 1, 1]
    fresh = StoryClusterer()
    fresh.assign(article, NOW)
    probe = told(AGAIN, number=2)
    assert clusterer.assign(probe, NOW) == fresh.assign(probe, NOW)


WORDS = [
    "Rutte",
    "Washington",
    "Nato",
    "Ukraine",
    "Konflikt",
    "Brücke",
    "Rhein",
    "Zoo",
    "Löwe",
    "Haushalt",
    "Rat",
    "Vulkan",
    "Lava",
    "Lotto",
    "Regen",
]


def history(seed: int, length: int) -> list[tuple[ArticleText, datetime]]:
    random = Random(seed)
    return [
        (
            told(" ".join(random.choices(WORDS, k=random.randrange(2, 7))), number=number),
            NOW + number * timedelta(hours=20 * 24 / length) - random.choice([0, 0, 0, 5, 60]) * HOUR,
        )
        for number in range(1, length + 1)
    ]


@given(seed=st.integers(0, 10**6), cut=st.integers(1, 119))
@settings(max_examples=25, deadline=None)
def test_a_restart_anywhere_changes_no_story(seed: int, cut: int) -> None:
    articles = history(seed, 120)
    running = StoryClusterer()
    expected = [running.assign(article, at) for article, at in articles]

    restarted = StoryClusterer()
    newest = max(at for _, at in articles[:cut])
    for (article, at), story in zip(articles[:cut], expected, strict=False):
        if at > newest - REPLAYED:
            restarted.restore(article, at, story)
    assert [restarted.assign(article, at) for article, at in articles[cut:]] == expected[cut:]


def test_whatever_the_title_a_story_is_found() -> None:
    clusterer = StoryClusterer()
    for number, title in enumerate(["", " ", "🚀", "!!!", "a", "12 34 56 78", "Ä" * 500, "\x00 \ufeff"], 1):
        assert clusterer.assign(told(title, number=number, language=None), NOW) == number
