"""Similar news: the nearest titles, and the words an article proposes."""

import pytest

from digest.matching.article import ArticleText
from digest.matching.frequencies import Frequencies
from digest.matching.query import parse_query
from digest.matching.similar import SimilarIndex, Term, proposal, similar_query
from tests.unit.matching_stories.telling import told

TITLES = (
    "Rutte sucht in Washington nach Lösungen",
    "Rutte in Washington: Suche nach Lösungen",
    "Washington streitet über Haushalt",
    "Neue Brücke über den Rhein eröffnet",
)
ARTICLE = ArticleText(
    id=1,
    title="Nato-Generalsekretär Rutte sucht in Washington nach Lösungen für Ukraine-Konflikt",
    lead="Mark Rutte trifft in Washington hochrangige Vertreter. Die Nato wartet, die Gemeinschaft blickt gespannt.",
    body="Die Gemeinschaft hofft. Die Nato wartet. Donald Trump sprach. Donald Trump schwieg 2026. Laut Beispielblatt.",
    source="Beispielblatt",
    language="de",
)


def index(*titles: str, at_most: int = 100) -> SimilarIndex:
    made = SimilarIndex(at_most=at_most)
    for number, title in enumerate(titles, 1):
        made.add(told(title, number=number))
    return made


def test_the_nearest_come_first_and_never_the_article_itself() -> None:
    found = index(*TITLES).similar(told(TITLES[0], number=1), 10)
    assert [number for number, _ in found][:2] == [2, 3]
    assert found == sorted(found, key=lambda pair: (-pair[1], pair[0]))
    assert all(0 <= likeness <= 1 for _, likeness in found)
    assert index(*TITLES).similar(told(TITLES[0], number=1), 1) == found[:1]


def test_equal_titles_stand_in_the_order_of_their_numbers() -> None:
    same = index(*[TITLES[0]] * 4)
    assert [number for number, _ in same.similar(told(TITLES[0], number=9), 10)] == [1, 2, 3, 4]


def test_an_index_holds_the_newest_and_forgets_the_oldest() -> None:
    small = index(*TITLES, at_most=2)
    assert len(small) == 2
    assert not {1, 2} & {number for number, _ in small.similar(told(TITLES[0], number=9), 10)}


def test_a_title_that_changed_is_found_by_its_new_words_only() -> None:
    made = index(*TITLES)
    made.add(told("Zoo zählt junge Löwen", number=1))
    assert made.similar(told("Löwen im Zoo", number=9), 1)[0][0] == 1
    assert len(made) == 4


@pytest.mark.parametrize("title", ["", "!!!", "Wörter ohne jede Entsprechung"])
def test_a_title_unlike_all_finds_nothing_and_breaks_nothing(title: str) -> None:
    assert SimilarIndex().similar(told(title), 10) == []


def test_an_article_proposes_names_whole_hyphen_words_and_nouns() -> None:
    common = Frequencies(1_000, {"loesung": 40, "vertreter": 45, "gemeinschaft": 12, "nato": 9})
    texts = [term.text for term in proposal(ARTICLE, common)]
    assert set(texts[:4]) == {"Rutte", "Washington", "Ukraine-Konflikt", "Nato-Generalsekretär"}
    assert "Donald Trump" in texts
    assert not {"Donald", "Trump", "2026", "Beispielblatt", "Die", "Mark Rutte"} & set(texts)


def test_a_word_in_more_than_a_twentieth_of_the_articles_is_no_proposal() -> None:
    busy = Frequencies(1_000, {"washington": 51})
    assert "Washington" not in [term.text for term in proposal(ARTICLE, busy)]


def test_the_proposed_query_finds_the_article_and_is_canonical() -> None:
    query = similar_query(proposal(ARTICLE, Frequencies())[:6], language="de")
    assert query.startswith("2 OF (")
    assert query.endswith("lang:de")
    assert str(parse_query(query)) == query


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ""),
        (("Rutte",), "Rutte"),
        (("Rutte", "Nato"), "Nato Rutte"),
        (("Donald Trump", "OR"), '"Donald Trump" "OR"'),
    ],
)
def test_two_terms_must_both_stand_and_one_is_itself(words: tuple[str, ...], expected: str) -> None:
    assert similar_query([Term(word, 1.0) for word in words], language="") == expected
