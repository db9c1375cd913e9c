"""Which language a page speaks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.web.language import chosen, preferences


@pytest.mark.parametrize(
    ("asked", "own", "accepted", "language"),
    [
        ("en", "de", "de", "en"),
        ("", "en", "de", "en"),
        ("", None, "fr, en;q=0.3, de;q=0.8", "de"),
        ("", None, "en-GB,en;q=0.9", "en"),
        ("", None, "de;q=0, en;q=0.1", "en"),
        ("tlh", "xx", "fr", "de"),
        ("de-AT", None, "en", "de"),
        ("", None, "", "de"),
    ],
)
def test_the_first_supported_wish_counts(asked: str, own: str | None, accepted: str, language: str) -> None:
    assert chosen(asked=asked, own=own, accepted=accepted, supported=("de", "en"), default="de") == language


@given(st.text())
def test_no_header_is_too_odd(header: str) -> None:
    assert all(isinstance(one, str) and one for one in preferences(header))
