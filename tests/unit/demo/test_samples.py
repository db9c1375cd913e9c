import json
import re
from datetime import UTC, datetime, timedelta

import feedparser
import pytest

from digest.demo.formats import feed_bytes
from digest.demo.samples import IMAGE_SIZE, NAMES, Format, image_bytes, sample_feed
from digest.feeds.parse import parse_feed

BASE = "http://localhost:8000/news"
NOW = datetime(2026, 11, 22, 6, 0, 0, 123456, tzinfo=UTC)
ARTICLES = [(feed, article) for feed in map(sample_feed, NAMES) for article in feed.articles]


def written(name, now=NOW):
    return feed_bytes(name, base_url=BASE, now=now)


def test_there_is_enough_to_read_in_three_formats():
    assert len(ARTICLES) >= 45
    assert {sample_feed(name).format for name in NAMES} == set(Format)
    assert {article.language for _, article in ARTICLES} == {"de", "en"}


def test_every_article_is_real_prose_by_one_of_our_authors():
    for _, article in ARTICLES:
        words = " ".join((article.teaser, *article.paragraphs)).split()
        assert 60 <= len(words) <= 160, article.slug
        assert len(article.paragraphs) == 3, article.slug
        assert len(article.teaser) <= 180, article.slug
        assert article.author in {"Ann", "Ben", "Cleo", "Redaktion"}


def test_slugs_name_one_article_each():
    places = [(feed.path, article.slug) for feed, article in ARTICLES]
    assert len(set(places)) == len(places)
    assert all(re.fullmatch(r"[a-z0-9-]+", slug) for _, slug in places)


def test_articles_are_fresh_whenever_the_demo_runs():
    for _, article in ARTICLES:
        assert timedelta() < article.age < timedelta(hours=20)


def test_every_image_is_a_small_png_of_the_declared_size():
    for name in {article.image for _, article in ARTICLES if article.image}:
        png = image_bytes(name)
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        assert (int.from_bytes(png[16:20]), int.from_bytes(png[20:24])) == IMAGE_SIZE
        assert len(png) <= 40_000, name


def test_a_few_articles_have_no_image_and_one_has_a_long_title():
    assert 3 <= sum(article.image is None for _, article in ARTICLES) <= 8
    assert max(len(article.title) for _, article in ARTICLES) > 120


@pytest.mark.parametrize("name", ["blauzeit", "blauzeit-world"])
def test_a_strange_parser_reads_every_word_of_the_xml_feeds(name):
    parsed = feedparser.parse(written(name))
    feed = sample_feed(name)
    assert not parsed.bozo
    assert parsed.feed.title == feed.title
    assert len(parsed.entries) == len(feed.articles)
    for entry, article in zip(parsed.entries, feed.articles, strict=True):
        assert entry.title == article.title
        assert entry.summary == article.teaser
        assert entry.link == f"{BASE}/{feed.path}/{article.slug}"
        assert entry.author == article.author
        assert tuple(tag.term for tag in entry.tags) == article.tags
        published = datetime(*entry.published_parsed[:6], tzinfo=UTC)
        assert published == NOW.replace(microsecond=0) - article.age


def test_the_json_feed_says_the_language_of_every_article():
    document = json.loads(written("halbinsel"))
    assert document["version"] == "https://jsonfeed.org/version/1.1"
    assert {item["language"] for item in document["items"]} == {"de", "en"}
    assert all(item["url"].startswith(f"{BASE}/halbinsel/") for item in document["items"])


@pytest.mark.parametrize("name", NAMES)
def test_the_same_moment_gives_the_same_bytes_and_a_later_one_moves_the_dates_only(name):
    assert written(name) == written(name)
    later = written(name, NOW + timedelta(hours=1))
    assert later != written(name)
    assert len(later) == pytest.approx(len(written(name)), abs=200)


def test_an_unknown_feed_or_image_is_a_key_error():
    with pytest.raises(KeyError):
        sample_feed("../secrets")
    with pytest.raises(KeyError):
        image_bytes("../blauzeit")


@pytest.mark.parametrize("name", NAMES)
def test_our_own_parser_reads_every_article_with_its_picture_and_language(name):
    feed = sample_feed(name)
    parsed = parse_feed(written(name), url=f"{BASE}/feeds/{name}")
    assert (parsed.title, parsed.language) == (feed.title, feed.language)
    assert [entry.title for entry in parsed.entries] == [article.title for article in feed.articles]
    assert [entry.language or parsed.language for entry in parsed.entries] == [
        article.language for article in feed.articles
    ]
    assert [bool(entry.image_url) for entry in parsed.entries] == [
        bool(article.image) for article in feed.articles
    ]
    assert all(entry.link.startswith(f"{BASE}/{feed.path}/") for entry in parsed.entries)
