"""Every outcome says itself in both languages, and headers are read as servers write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.freshness import fresh_for, http_date, retry_after
from digest.feeds.guards import NO_MAIL
from digest.feeds.hosts import host_key
from digest.feeds.known import Link
from digest.feeds.outcomes import NotAFeed, Outcome, page_kind, sentence
from digest.feeds.reasons import REASONS, in_words
from digest.feeds.withheld import DISCARDED

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize("outcome", ["", *Outcome])
def test_each_outcome_has_a_sentence_in_both_languages(outcome: str) -> None:
    english, german = sentence(outcome), sentence(outcome, lang="de-AT")
    assert english != german
    assert english.endswith(".")
    assert german.endswith(".")


@pytest.mark.parametrize("kind", NotAFeed)
def test_what_stands_instead_of_a_feed_is_named(kind: NotAFeed) -> None:
    general = {sentence(Outcome.NOT_A_FEED, lang=lang) for lang in ("en", "de")}
    assert not general & {sentence(Outcome.NOT_A_FEED, detail=kind, lang=lang) for lang in ("en", "de")}
    assert sentence(Outcome.NOT_A_FEED, detail="never heard of") in general


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        (b'<html><link rel=alternate type="application/rss+xml" href=/feed>', NotAFeed.LINKED),
        (b"<html><title>Just a moment...</title>", NotAFeed.CHALLENGE),
        (b'<html><form><input TYPE="password">', NotAFeed.LOGIN),
        (b"<html><p>Willkommen", NotAFeed.PAGE),
    ],
)
def test_a_page_tells_what_it_is(page: bytes, kind: NotAFeed) -> None:
    assert page_kind(page) is kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta()),
        ("Sun, 22 Nov 2026 07:00:00 GMT", timedelta(hours=1)),
        ("Sun, 22 Nov 2026 05:00:00 GMT", None),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
        ("99999999999", None),
        ("9999999999", timedelta(days=366)),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str | None, expected: timedelta | None) -> None:
    assert retry_after(text, now=NOW) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Cache-Control": "public, max-age=600"}, 600),
        ({"Cache-Control": 'MAX-AGE = "600"', "Age": "200"}, 400),
        ({"Cache-Control": "max-age=600", "Age": "900"}, 0),
        ({"Cache-Control": "s-maxage=5, no-cache"}, None),
        ({"Expires": "Sun, 22 Nov 2026 07:00:00 GMT", "Date": "Sun, 22 Nov 2026 06:30:00 GMT"}, 1_800),
        ({"Expires": "Sun, 22 Nov 2026 07:00:00 GMT"}, 3_600),
        ({"Expires": "0"}, None),
        ({"Cache-Control": "max-age=60", "Expires": "Sun, 22 Nov 2026 07:00:00 GMT"}, 60),
        ({}, None),
    ],
)
def test_freshness_is_read_from_any_header_that_tells_it(
    headers: dict[str, str], expected: int | None
) -> None:
    assert fresh_for(headers, now=NOW) == (None if expected is None else timedelta(seconds=expected))


@given(st.text())
def test_no_header_can_hurt(text: str) -> None:
    http_date(text)
    retry_after(text, now=NOW)
    fresh_for({"Cache-Control": text, "Age": text, "Expires": text, "Date": text}, now=NOW)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://www.example.org/feed", "example.org"),
        ("https://feeds.news.example.co.uk/", "example.co.uk"),
        ("https://example.co.uk/", "example.co.uk"),
        ("https://co.uk/", "co.uk"),
        ("http://127.0.0.2:8000/", "127.0.0.2"),
        ("http://[2606:4700::1111]/", "2606:4700::1111"),
        ("http://localhost:8000/", "localhost"),
        ("https://Blog.Example.ORG.:443/", "example.org"),
        ("nothing", ""),
        ("http://[", ""),
    ],
)
def test_politeness_counts_by_the_name_a_publisher_owns(url: str, host: str) -> None:
    assert host_key(url) == host


def test_every_reason_of_an_article_has_words_in_both_languages() -> None:
    codes = {"baseline", "late", "flood", "expired", DISCARDED, NO_MAIL, "future_date", *Link} - {Link.KEY}
    assert codes == REASONS
    told = [in_words(code, lang=lang) for code in REASONS for lang in ("en", "de-AT")]
    assert len(set(told) | REASONS) == 3 * len(REASONS)
    assert in_words("blocked by the feed's rule: Sport", lang="de").endswith("Sport")
