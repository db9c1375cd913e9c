"""Less of this: each button writes one mute as editions read it, and one button takes it back."""

import httpx
import pytest

from subscribers.models import Mute, Subscription
from subscribers.tokens import Purpose
from tests.integration.web.conftest import TOPICS, Story
from tests.support.browser import visit


def press(story: Story, choice: str, article: str = "1") -> str:
    answer = story.site.client.post(f"{story.path(Purpose.MUTE)}?a={article}", data={"choice": choice})
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize(
    ("choice", "kind", "value", "until"),
    [
        ("story:30", "story", "1", "2026-12-22"),
        ("source:7", "source", "Beispielfeed", "2026-11-29"),
        ("source:always", "source", "Beispielfeed", None),
        ("less:always", "less", "1", None),
    ],
)
def test_a_button_mutes_and_another_takes_it_back(
    both: Story, choice: str, kind: str, value: str, until: str | None
) -> None:
    page = press(both, choice)
    press(both, choice)
    mute = both.one(Mute)
    assert (mute.kind, mute.value, mute.until and mute.until.isoformat()) == (kind, value, until)
    assert f'value="undo:{choice}"' in page
    press(both, f"undo:{choice}")
    assert both.rows(Mute) == []


def test_the_newest_wish_about_a_source_counts(story: Story) -> None:
    press(story, "source:always")
    assert "Stumm bis 22. Dezember 2026: Beispielfeed" in press(story, "source:30")
    assert story.one(Mute).until.isoformat() == "2026-12-22"


def test_a_topic_is_muted_for_a_while_or_dropped(story: Story) -> None:
    press(story, "topic:7")
    assert sorted(str(one.muted_until) for one in story.rows(Subscription)) == ["2026-11-29", "None"]
    press(story, "undo:topic:7")
    assert {one.muted_until for one in story.rows(Subscription)} == {None}
    assert f"Du folgst {TOPICS['ki']} nicht mehr." in press(story, "topic:always")
    assert len(story.rows(Subscription)) == 1
    assert story.events() == ["topics_changed"]


def test_opening_the_page_shows_the_choices_and_mutes_nothing(story: Story) -> None:
    before = story.site.dump()
    page = story.site.client.get(f"{story.path(Purpose.MUTE)}?a=1")
    assert "Neuer Chip" in page.text
    assert "Alles von Beispielfeed" in page.text
    assert story.site.dump() == before


def test_an_article_that_is_not_there_is_gone(story: Story) -> None:
    for article in ("999", "x", "", "1e3", "9" * 40, "-1"):
        path = f"{story.path(Purpose.MUTE)}?a={article}"
        assert story.site.client.get(path).status_code == 410
        assert story.site.client.post(path, data={"choice": "less:always"}).status_code == 410


@pytest.mark.parametrize(
    "choice", ["", "source", "source:3", "drop:always", "undo:", "undo:undo:less:always"]
)
def test_a_choice_no_page_offers_is_refused(story: Story, choice: str) -> None:
    answer = story.site.client.post(f"{story.path(Purpose.MUTE)}?a=1", data={"choice": choice})
    assert answer.status_code == 422
    assert story.rows(Mute) == []


def test_a_dropped_topic_is_taken_back_with_one_button(story: Story) -> None:
    with httpx.Client(base_url=story.site.url, follow_redirects=True) as web:
        mute = f"{story.path(Purpose.MUTE)}?a=1"
        page = visit(web, mute).choose("topic:always")
        assert len(story.rows(Subscription)) == 1
        page = page.press("Rückgängig machen")
        assert "Gespeichert." in page.text
    assert len(story.rows(Subscription)) == 2
