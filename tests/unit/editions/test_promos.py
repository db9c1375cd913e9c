"""Which promos stand in a content, and what cannot be one."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from digest.editions.labels import PromoLabel
from digest.editions.promos import NewPromo, Offer, PromoError, choose

SUNDAY = date(2026, 11, 22)
DAY = timedelta(days=1)
BOOKS = NewPromo(
    slug="books",
    label=PromoLabel.ADVERTISEMENT,
    advertiser="Buchhandlung Beispiel",
    title="Bücher über KI",
    url="https://books.example/ki",
)


def offer(number: int, **values: Any) -> Offer:
    blank = Offer(number, language="", topics=None, starts_on=None, ends_on=None, weight=1, cap=0)
    return blank._replace(**values)


def chosen(*offers: Offer, **values: Any) -> tuple[int, ...]:
    asked: dict[str, Any] = {
        "on": SUNDAY,
        "language": "de",
        "topics": [1],
        "worn": (),
        "seed": "daily",
    } | values
    return choose(offers, **asked)


def test_a_promo_comes_from_its_first_day_to_its_last() -> None:
    weekend = offer(1, starts_on=SUNDAY - DAY, ends_on=SUNDAY)
    assert [chosen(weekend, on=SUNDAY + n * DAY) for n in (-2, -1, 0, 1)] == [(), (1,), (1,), ()]


def test_a_promo_of_a_language_comes_in_that_language_only() -> None:
    german = offer(1, language="de")
    assert chosen(german, language="de-AT") == (1,)
    assert chosen(german, language="en") == ()


def test_a_promo_of_topics_comes_with_one_of_them() -> None:
    about = offer(1, topics=frozenset({1, 2}))
    assert chosen(about, topics=[2, 5]) == (1,)
    assert chosen(about, topics=[5]) == ()
    assert chosen(offer(1, topics=frozenset())) == ()  # its topics are gone: it fits none


def test_at_most_two_stand_in_a_mail_and_those_worn_out_in_none() -> None:
    many = [offer(number) for number in range(1, 9)]
    assert len(chosen(*many)) == 2
    assert chosen(*many, worn=range(1, 8)) == (8,)


def test_the_draw_is_the_editions_own_and_the_same_on_every_machine() -> None:
    many = [offer(number) for number in range(1, 9)]
    assert chosen(*many, seed="a") == chosen(*reversed(many), seed="a")
    assert len({chosen(*many, seed=str(number)) for number in range(20)}) > 5


def test_promos_come_up_in_proportion_to_their_weights() -> None:
    """Of six, one four times as heavy is the first drawn in 4 of 9, and among the first two in 13 of 18."""
    heavy, *others = offer(1, weight=4), *(offer(number) for number in range(2, 7))
    drawn = Counter(one for seed in range(2_000) for one in chosen(heavy, *others, seed=str(seed)))
    assert abs(drawn[1] - 2_000 * 13 / 18) < 60
    assert all(abs(drawn[number] - 2_000 * 23 / 90) < 60 for number in range(2, 7))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"advertiser": " "}, "advertiser"),
        ({"title": ""}, "title"),
        ({"slug": "Büro"}, "slug"),
        ({"url": "javascript:alert(1)"}, "link"),
        ({"url": "https://books.example/a b"}, "link"),
        ({"image_url": "http://books.example/a.png", "image_width": 1, "image_height": 1}, "picture"),
        ({"image_url": "https://books.example/a.png"}, "width"),
        ({"starts_on": SUNDAY, "ends_on": SUNDAY - DAY}, "end before"),
        ({"weight": 0}, "weight"),
        ({"language": "en"}, "Advertisement"),
        ({"label": PromoLabel.ENGLISH_OWN_CAUSE, "language": "de"}, "In eigener Sache"),
    ],
)
def test_what_cannot_be_a_promo_is_refused_with_a_sentence(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(PromoError, match=reason):
        replace(BOOKS, **values)


def test_there_is_no_promo_without_a_label_of_the_closed_set() -> None:
    with pytest.raises(ValueError, match="Angebot"):
        replace(BOOKS, label=PromoLabel("Angebot"))


@pytest.mark.parametrize("label", PromoLabel)
def test_each_label_is_said_in_both_languages_and_stays_itself_in_its_own(label: PromoLabel) -> None:
    other = {"de": "en", "en": "de"}[label.language]
    assert label.spoken(label.language) is label
    assert label.spoken(f"{label.language}-AT") is label
    assert label.spoken("fr") is label.spoken("") is label
    assert label.spoken(other).language == other
    assert label.spoken(other).spoken(label.language) is label


def test_a_promo_of_its_labels_language_is_possible() -> None:
    assert replace(BOOKS, language="de").label is PromoLabel.ADVERTISEMENT
    assert replace(BOOKS, label=PromoLabel.ENGLISH_ADVERTISEMENT, language="en").language == "en"
