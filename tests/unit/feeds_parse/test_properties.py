"""Whatever the bytes are: a feed whose every field keeps its promise, or a `FeedFormatError`."""

import random
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.document import ParsedDocument, ParsedFeed
from digest.feeds.errors import FeedFormatError
from digest.feeds.normalize import normalize_feed
from digest.feeds.parse import parse_feed
from digest.feeds.text import plain
from digest.feeds.urls import canonical_url
from tests.unit.feeds_parse.fixtures import DATA, documents
from tests.unit.feeds_parse.test_normalize import assert_safe

FIXTURES = [path.read_bytes() for path in sorted(DATA.iterdir())]
PIECES = (
    b"<rss version='2.0'>", b"<channel>", b"<item>", b"</item>", b"<title>", b"</title>", b"<link>", b"</link>", b"<entry>",
    b"<feed xmlns='http://www.w3.org/2005/Atom'>", b"<content type='xhtml'>", b"<content type='html' mode='base64'>", b"</content>",
    b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<!DOCTYPE a [", b"]>", b"<?xml version='1.0' encoding='utf-16'?>", b"&", b"&uuml;", b"&#xD800;",
    b"&#0;", b"\xff", b"\xc3", b"\x00", b"\xef\xbb\xbf", b"https://example.org/a", b"<a:b xmlns:a='x'>", b"<dc:date>", b"2026-13-01",
    b"<media:content url='//[' width='99999999999'/>", b"<category term='x'/>", b"<link href='a' rel='alternate'/>", b"xml:base='http://['",
    b"<guid>", b"{", b"}", b"[", b'"items":', b'"version": "https://jsonfeed.org/version/1"', b"null", b"1e999", b"-", b"\\ud800", b",",
)  # fmt: skip


def read_if_feed(body: bytes) -> ParsedFeed | None:
    try:
        return parse_feed(body, url="https://example.org/feed")
    except FeedFormatError:
        return None


def assert_kept(feed: ParsedFeed, document: ParsedDocument) -> None:
    """No markup characters at work, no foreign schemes, no local times, nothing without bounds."""
    assert len(feed.entries) == len(document.candidates) <= 500
    for entry, candidate in zip(feed.entries, document.candidates, strict=True):
        texts = (entry.title, entry.summary, *entry.authors, *entry.tags)
        assert all(plain(text) == text for text in texts)
        assert len(entry.title) <= 500
        assert len(entry.summary) <= 1_000
        assert candidate.link == canonical_url(candidate.link)
        assert candidate.image_url == canonical_url(candidate.image_url)
        assert entry.published is None or entry.published.tzinfo is UTC
        assert len(candidate.fingerprint) == 64
        assert not any("@" in name for name in entry.authors)
        repr(candidate).encode()


def assert_promises(body: bytes) -> None:
    feed = read_if_feed(body)
    if feed is not None:
        document = normalize_feed(feed)
        assert_kept(feed, document)
        for candidate in document.candidates:
            assert_safe(candidate.content_html)


@given(st.binary(max_size=500))
def test_arbitrary_bytes(body: bytes) -> None:
    assert_promises(body)
    assert_promises(b"<rss><channel><item><title>" + body)


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=5), max_size=40))
def test_any_order_of_the_pieces_feeds_are_made_of(pieces: list[bytes]) -> None:
    assert_promises(b"".join(pieces))
    assert_promises(b"<rss><item>" + b"".join(pieces))


@given(st.sampled_from(FIXTURES), st.randoms(use_true_random=False))
def test_feeds_with_bytes_changed_moved_and_lost(body: bytes, rng: random.Random) -> None:
    assert_promises(mutated(body, rng))


@pytest.mark.corpus
@pytest.mark.soak
def test_every_document_of_the_collections_mutated() -> None:
    rng = random.Random(20260713)
    for path in documents("feedvalidator") + documents("miniflux") + documents("gofeed"):
        for _ in range(5):
            assert_promises(mutated(path.read_bytes()[:50_000], rng))


def mutated(body: bytes, rng: random.Random) -> bytes:
    """Return the document with a few accidents, as transfers and editors make them."""
    data = bytearray(body)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0:
                del data[at : at + rng.randrange(60)]
            case 1:
                data[at:at] = rng.choice(PIECES)
            case 2:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case _:
                data[at:at] = data[rng.randrange(len(data) + 1) :][: rng.randrange(200)]
    return bytes(data)
