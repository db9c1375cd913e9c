"""A slot becomes a position; no value is ever searched again, and no token leaves for another host."""

import pytest

from digest.mail.errors import SlotError
from digest.mail.slots import Markers, Slot, cut, fill

PREFIXES = {Slot.UNSUBSCRIBE: "https://news.example.org/u/", Slot.MUTE: "https://news.example.org/m/"}


def test_markers_of_two_renders_share_nothing() -> None:
    stems = {Markers.draw().stem for _ in range(100)}
    assert len(stems) == 100
    assert all(stem.isalnum() and len(stem) >= 18 for stem in stems)


def test_text_and_slots_come_in_turn() -> None:
    markers = Markers.draw()
    text = f"a https://news.example.org/u/{markers.of(Slot.UNSUBSCRIBE)} b {markers.of(Slot.ADDRESS)}"
    assert cut(text, stem=markers.stem, prefixes=PREFIXES) == [
        "a https://news.example.org/u/", Slot.UNSUBSCRIBE, " b ", Slot.ADDRESS, "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "before", ["", "https://evil.example/u/", "https://news.example.org/m/", "https://news.example.org/u/x"]
)
def test_a_token_goes_nowhere_but_to_its_own_page(before: str) -> None:
    markers = Markers.draw()
    with pytest.raises(SlotError, match="outside its own link"):
        cut(before + markers.of(Slot.UNSUBSCRIBE), stem=markers.stem, prefixes=PREFIXES)


def test_a_slot_without_a_prefix_of_its_own_has_no_place() -> None:
    markers = Markers.draw()
    with pytest.raises(SlotError):
        cut("https://news.example.org/v/" + markers.of(Slot.VIEW), stem=markers.stem, prefixes=PREFIXES)


def test_a_marker_that_a_template_changed_is_noticed() -> None:
    markers = Markers.draw()
    with pytest.raises(SlotError, match="changed by a template"):
        cut(f"{markers.stem}…", stem=markers.stem, prefixes=PREFIXES)


@pytest.mark.parametrize("token", ["", "a.b", "a b", "a\nb", "x" * 73, "ü", "a\n"])
def test_only_tokens_fill_token_slots(token: str) -> None:
    with pytest.raises(SlotError):
        fill(Slot.UNSUBSCRIBE, token, is_html=True)


@pytest.mark.parametrize("text", ["", "a\r\nb", "a\x00", "a\u2028b"])
def test_a_text_slot_is_one_line(text: str) -> None:
    with pytest.raises(SlotError):
        fill(Slot.ADDRESS, text, is_html=False)


def test_a_text_is_escaped_where_html_stands_around_it() -> None:
    assert (
        fill(Slot.ADDRESS, "a&b<c>\"'@example.org", is_html=True)
        == "a&amp;b&lt;c&gt;&quot;&#x27;@example.org"
    )
    assert fill(Slot.ADDRESS, "a&b@example.org", is_html=False) == "a&b@example.org"
