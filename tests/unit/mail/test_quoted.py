"""Quoted-printable that every later stage may leave alone."""

import quopri

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.mail.quoted import encode, ended

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
# Random text seldom meets the corners, so these pieces are thrown together as well.
CORNERS = st.lists(
    st.sampled_from(
        [
            ".",
            "..",
            "From ",
            " ",
            "  ",
            "\t",
            "\n",
            "\r",
            "\r\n",
            "=",
            "=?",
            "ß",
            "😀",
            "x" * 73,
            "x" * 76,
            "--=_",
        ]
    ),
    max_size=30,
).map("".join)


@given(st.one_of(ANY_TEXT, CORNERS))
@settings(max_examples=150)
@example("")
@example(" ")
@example("x" * 75 + ".")
@example("x" * 74 + "ü")
@example("x" * 75 + "From here")
def test_whatever_the_text_the_bytes_need_no_second_look(text: str) -> None:
    encoded = encode(text)
    lines = encoded.split(b"\r\n")
    assert quopri.decodestring(encoded) == text.encode().replace(b"\n", b"\r\n")
    assert all(len(line) <= 76 for line in lines)
    assert not any(line.startswith((b".", b"From ")) or line.endswith(b" ") for line in lines)
    assert not any(octet in encoded.replace(b"\r\n", b"") for octet in b"\r\n\t")
    assert b"  " not in encoded
    assert encoded.isascii()


@given(st.lists(CORNERS, min_size=1, max_size=5))
@settings(max_examples=100)
def test_pieces_encoded_on_their_own_join_to_the_same_text(texts: list[str]) -> None:
    whole = b"".join(ended(encode(text)) for text in texts[:-1]) + encode(texts[-1])
    assert quopri.decodestring(whole) == "".join(texts).encode().replace(b"\n", b"\r\n")
    assert all(len(line) <= 76 and not line.startswith((b".", b"From ")) for line in whole.split(b"\r\n"))


@pytest.mark.soak
@pytest.mark.timeout(600)
@given(st.one_of(ANY_TEXT, CORNERS))
@settings(max_examples=20_000, deadline=None)
def test_the_same_for_twenty_thousand_texts(text: str) -> None:
    assert quopri.decodestring(encode(text)) == text.encode().replace(b"\n", b"\r\n")
