"""Replies are read however the bytes are cut, and nothing else is."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.mail.outcome import Phase, Reply, is_stuffed_already, outcome_of
from digest.mail.replies import MalformedReplyError, ReplyReader

STREAM = b"250-first\r\n250-second\r\n250 third\r\n354 go\r\n221\r\n"
REPLIES = [Reply(250, b"first second third"), Reply(354, b"go"), Reply(221, b"")]


@settings(max_examples=50)
@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_the_same_replies_come_out_wherever_the_stream_is_cut(cuts: list[int]) -> None:
    reader, edges = ReplyReader(), [0, *sorted(cuts), len(STREAM)]
    found: list[Reply] = []
    for start, end in pairwise(edges):
        reader.feed(STREAM[start:end], found)
    assert found == REPLIES


@pytest.mark.parametrize(
    "stream",
    [
        b"hello\r\n",
        b"250ok\r\n",
        b"25 ok\r\n",
        b"650 no such class\r\n",
        b"250-one\r\n251 two\r\n",
        b"250 a\rb\r\n",
        b"2" * 5000,
        b"250 " + b"x" * 3000 + b"\r\n",
        b"250-x\r\n" * 101,
    ],
)
def test_what_is_no_reply_is_an_error(stream: bytes) -> None:
    found: list[Reply] = []
    with pytest.raises(MalformedReplyError):
        ReplyReader().feed(b"250 before\r\n" + stream, found)
    assert found == [Reply(250, b"before")]


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_a_servers_words_are_stored_as_short_printable_ascii(text: bytes) -> None:
    outcome = outcome_of(Reply(550, text), Phase.RCPT)
    assert outcome.text.isascii()
    assert outcome.text.isprintable()
    assert len(outcome.text) <= 200


@pytest.mark.parametrize(
    "data", [b".\r\n", b"a\r\n.\r\n", b"a\r\n.b\r\n", b"a\n.\r\n", b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\n"]
)
def test_bytes_that_could_end_a_mail_early_are_not_fit_for_the_wire(data: bytes) -> None:
    assert not is_stuffed_already(data)
    assert is_stuffed_already(b"a.\r\n =2E\r\n")
