import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.text import plain, shorten, to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>two</p>", "One two"),
        ("w<b>or</b>d<br>next", "word next"),
        ("1 < 2 & 3 > 2, AT&T", "1 < 2 & 3 > 2, AT&T"),
        ("a <3 b", "a <3 b"),
        ("&lt;b&gt; &amp;lt; &uuml; &#128; &#x1F600;", "<b> &lt; ü € 😀"),
        ("a<script>alert(1)</script>b", "a b"),
        ("a<SCRIPT\n>alert(1)</script >b", "a b"),
        ("a<style>p{}", "a"),
        ("a<!-- x --> b <!-- y", "a b"),
        ('<img alt="a>b">c', "c"),
        ('cut in a tag <a href="http://exa', "cut in a tag"),
        ("<svg/>kept", "kept"),
        ("<titlefish>kept", "kept"),
        ("a\u2028b\u202ec\u2066d\ufeffe\x00f\x85g", "a bcdef g"),
        ("a\r\nBcc: ann@example.org", "a Bcc: ann@example.org"),
        ("u\u0308ber", "über"),
        ("  a\u00a0 \t b ", "a b"),
    ],
)
def test_html_becomes_one_plain_line(html: str, text: str) -> None:
    assert to_text(html) == text


@pytest.mark.parametrize(
    "unit",
    [
        "<a ",
        '<a "',
        "<a \"'",
        "<!--",
        "<script>",
        "<script></script ",
        "<svg '\"",
        "&#x",
        "<",
        "</",
        "<!",
        "<img a",
        " ",
        "<a 'x\"<b ",
    ],
)
def test_no_markup_is_slow(unit: str) -> None:
    """A scan that looked back would take hours for these and meet the time limit of the test."""
    assert len(to_text(unit * (300_000 // len(unit)))) <= 300_000


def test_a_long_text_is_cut_between_words() -> None:
    assert shorten("short", 10) == "short"
    assert shorten("one two three", 10) == "one two…"
    assert shorten("onetwothree", 6) == "onetw…"
    assert shorten("one, – two", 7) == "one…"


@given(st.text())
def test_plain_text_is_plain_for_ever(text: str) -> None:
    line = plain(text)
    assert plain(line) == line
    assert not set(line) & {"\n", "\r", "\x00", "\u2028", "\u202e", "\u2066", "\ufeff"}
    line.encode()


@given(st.text(alphabet=st.sampled_from("<>/!-&;\"'= abscript\n")), st.integers(1, 50))
def test_any_markup_gives_bounded_text(html: str, limit: int) -> None:
    text = to_text(html)
    assert len(text) <= len(html)
    assert len(shorten(text, limit)) <= limit
