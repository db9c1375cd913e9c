"""Folding: every condition alone keeps two articles apart; nothing is folded under something folded."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from digest.matching.folding import Headline, TitleCounts, alike, fold
from digest.matching.titles import title
from tests.unit.matching_stories.telling import HOUR, NOW

RUTTE = "Nato-Generalsekretär Rutte sucht in Washington nach Lösungen"
AGAIN = "Rutte sucht Lösungen in Washington: Nato-Generalsekretär bei Trump"


@dataclass(frozen=True, kw_only=True)
class Other:
    """The second article; as it is, it folds with the first."""

    title: str = AGAIN
    source: str = "Anderes Blatt"
    later: timedelta = 24 * HOUR
    story_id: int | None = 1


def counts(*titles: str) -> TitleCounts:
    return TitleCounts(title(text, language="de") for text in titles)


def do_fold(other: Other, *, first: str = RUTTE, among: TitleCounts | None = None) -> bool:
    headlines = [
        Headline(1, first, "de", "Blatt", NOW, 1),
        Headline(2, other.title, "de", other.source, NOW + other.later, other.story_id),
    ]
    pairs = alike(headlines, lambda: among or counts(first, other.title))
    assert pairs in ({}, {1: frozenset({2}), 2: frozenset({1})})
    return bool(pairs)


def test_two_sources_with_titles_alike_on_one_day_fold() -> None:
    assert do_fold(Other())


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Other(story_id=2), id="another story"),
        pytest.param(Other(story_id=None), id="no story"),
        pytest.param(Other(source="Blatt"), id="the same source"),
        pytest.param(Other(later=24 * HOUR + timedelta(seconds=1)), id="more than a day apart"),
        pytest.param(Other(later=-25 * HOUR), id="more than a day earlier"),
        pytest.param(
            Other(title="Rutte in Washington: Was die Reise für Europa und die Ukraine heißt"), id="not alike"
        ),
    ],
)
def test_each_condition_alone_keeps_them_apart(other: Other) -> None:
    assert not do_fold(other)


def test_words_that_stand_in_many_titles_prove_nothing() -> None:
    busy = [f"Rutte sucht Lösungen in Washington, Nato-Generalsekretär Folge {n}" for n in range(30)]
    quiet = [f"Zoo zählt Tiere, Folge {n}" for n in range(270)]
    assert not do_fold(Other(), among=counts(RUTTE, AGAIN, *busy, *quiet))
    assert do_fold(Other(), among=counts(RUTTE, AGAIN, *quiet))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (
            "Wetter in Bayern am Montag: Regen und Sturm",
            "Wetter in Bayern am Dienstag: Regen und Sturm",
            False,
        ),
        ("Wetter in Bayern am Montag: Regen und Sturm", "Wetter in Bayern: am Montag Sturm und Regen", True),
        (
            "Lottozahlen Ziehung: Jackpot mit 3 Millionen",
            "Lottozahlen Ziehung: Jackpot mit 8 Millionen",
            False,
        ),
        ("Lottozahlen Ziehung: Jackpot mit 3 Millionen", "Lottozahlen Ziehung: Jackpot mit Millionen", True),
        (
            "Arbeitsmarkt Statistik März vorgelegt heute",
            "Arbeitsmarkt Statistik April vorgelegt heute",
            False,
        ),
        ("Ziehung Lotto 3 Jackpot am Montag", "Ziehung Lotto 8 Jackpot am Montag", False),
    ],
)
def test_numbers_weekdays_and_months_that_differ_keep_them_apart(
    first: str, second: str, expected: bool
) -> None:
    assert do_fold(Other(title=second), first=first) is expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("Was heute noch wichtig wird", "„Was heute noch wichtig wird“ - Anderes Blatt", True),
        ("Heute im Blick", "Heute im Blick", False),
        ("Was heute noch wichtig wird", "Was morgen noch wichtig wird", False),
    ],
)
def test_an_equal_title_of_four_words_is_enough_without_a_story(
    first: str, second: str, expected: bool
) -> None:
    assert do_fold(Other(title=second, story_id=2), first=first) is expected


def test_titles_are_not_counted_when_no_story_is_told_twice() -> None:
    def nobody_asks() -> TitleCounts:
        raise AssertionError("the titles were counted")

    alone = [Headline(n, RUTTE, "de", f"Blatt {n}", NOW, n) for n in (1, 2)]
    same_source = [Headline(n, AGAIN, "de", "Blatt", NOW, 9) for n in (3, 4)]
    assert alike(alone + same_source, nobody_asks) == {1: frozenset({2}), 2: frozenset({1})}


def test_likeness_goes_to_the_headline_itself_never_along_a_chain() -> None:
    pairs = {1: frozenset({2}), 2: frozenset({1, 3}), 3: frozenset({2})}
    assert fold([1, 2, 3], pairs) == {2: 1}
    assert fold([2, 1, 3], pairs) == {1: 2, 3: 2}
    assert fold([3, 1, 2], pairs) == {2: 3}
