"""An article as a mail shows it, whatever its feed says: cut to size, its pictures safe, its reading time told."""

from datetime import UTC, datetime
from typing import Any

import pytest

from digest.editions.items import image_of, reading_minutes, teaser
from digest.editions.material import Told
from digest.feeds.models import Trust
from digest.rendering.context import Item
from digest.settings import Images
from tests.unit.editions.test_render import item_of

SEVEN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def told(**values: Any) -> Told:
    blank: dict[str, Any] = {
        "id": 1,
        "link": "https://blatt.example.org/1",
        "title": "Überschrift",
        "summary": "Was geschehen ist.",
        "content_html": "",
        "image_url": "https://blatt.example.org/1.jpg",
        "image_width": 600,
        "image_height": 400,
        "authors": ["Cleo"],
        "source": "Blatt",
        "effective_at": SEVEN,
        "published_at": None,
        "trust": Trust.OWN,
    }
    return Told(**blank | values)


def shown(**values: Any) -> Item:
    return item_of(told(**values))


def test_a_title_of_ten_thousand_characters_is_cut_between_words() -> None:
    title = shown(title="Wort " * 2_000)["title"]
    assert len(title) <= 200
    assert title.endswith("Wort…")


def test_a_teaser_is_whole_sentences_or_cut_between_words() -> None:
    sentence = "Dieser Satz hat mit dem Leerzeichen fünfzig Zeichen. "
    assert teaser(sentence * 3) == sentence * 3
    assert teaser(sentence * 5) == (sentence * 3).strip()
    cut = teaser("Wort " * 100)
    assert len(cut) <= 180
    assert cut.endswith("Wort…")


def test_without_a_summary_the_text_is_the_teaser_and_without_both_there_is_none() -> None:
    assert shown(summary="", content_html="<p>Nur der Text.</p>")["teaser"] == "Nur der Text."
    assert shown(summary="", content_html="")["teaser"] is None


def test_without_a_link_or_a_picture_there_is_none() -> None:
    item = shown(link="", image_url="")
    assert (item["url"], item["image"]) == (None, None)


@pytest.mark.parametrize(
    ("words", "minutes"), [(1, None), (59, None), (60, 1), (299, 1), (301, 2), (2_000, 10)]
)
def test_reading_time_is_told_of_texts_that_take_some(words: int, minutes: int | None) -> None:
    assert reading_minutes(" ".join(["Wort"] * words)) == minutes


@pytest.mark.parametrize(
    ("values", "images", "is_shown"),
    [
        ({}, Images.OWN, True),
        ({}, Images.NONE, False),
        ({"trust": Trust.THIRD}, Images.OWN, False),
        ({"trust": Trust.THIRD}, Images.ALL, True),
        ({"trust": None}, Images.OWN, False),
        ({"image_url": "http://blatt.example.org/1.jpg"}, Images.ALL, False),
        ({"image_url": "javascript:alert(1)"}, Images.ALL, False),
        ({"image_url": "data:image/png;base64,x"}, Images.ALL, False),
        ({"image_url": "http://localhost.evil.example/1.jpg"}, Images.ALL, False),
        ({"image_url": "http://127.0.0.1:8000/1.jpg"}, Images.OWN, True),
        ({"image_width": None, "image_height": None}, Images.OWN, True),
        ({"image_width": 1, "image_height": 100_000}, Images.OWN, False),
        ({"image_width": 100_000, "image_height": 1}, Images.OWN, False),
    ],
)
def test_a_picture_shows_if_it_is_safe_of_a_feed_of_ours_and_fit_for_a_thumb(
    values: dict[str, Any], images: Images, is_shown: bool
) -> None:
    assert (image_of(told(**values), images) is not None) is is_shown
