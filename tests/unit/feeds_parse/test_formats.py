from datetime import UTC, datetime, timedelta

import pytest

from digest.feeds.errors import FeedFormatError
from digest.feeds.parse import parse_feed
from tests.unit.feeds_parse.fixtures import read


def test_a_german_wordpress_feed_tells_everything_about_itself() -> None:
    feed = parse_feed(read("wordpress_de.xml"), url="https://faehrmann.example/feed/")
    assert (feed.format, feed.title) == ("rss20", "Der Fährmann – Nachrichten vom Fluss")
    assert (feed.link, feed.language) == ("https://faehrmann.example/", "de-DE")
    assert (feed.hub_url, feed.self_url) == ("https://hub.example/", "https://faehrmann.example/feed/")
    assert (feed.ttl, feed.update_period) == (timedelta(minutes=90), timedelta(minutes=30))
    assert (len(feed.entries), feed.entry_count) == (2, 2)


def test_a_german_wordpress_item_becomes_a_plain_entry() -> None:
    entry = parse_feed(read("wordpress_de.xml")).entries[0]
    assert entry.title == "Brücke über die Weiße Elster wird für „mindestens zwei Jahre“ gesperrt"
    assert entry.id == "https://faehrmann.example/?p=4711"
    assert entry.link == "https://faehrmann.example/bruecke-gesperrt/?utm_source=rss&utm_medium=rss"
    assert entry.published == datetime(2026, 7, 13, 9, 23, tzinfo=UTC)
    assert entry.authors == ("Änne Übermuth",)
    assert entry.tags == ("Verkehr", "Brücken & Straßen")
    assert entry.summary.startswith(
        "Ab Montag müssen Pendler einen Umweg von zwölf Kilometern fahren. Die Stadt spricht"
    )
    assert entry.image_url == "https://faehrmann.example/wp-content/uploads/2026/07/bruecke-1024x683.jpg"
    assert (entry.image_width, entry.image_height) == (1024, 683)
    assert '<a href="https://faehrmann.example/?p=12">' in entry.content_html
    assert entry.language == "de-DE"


def test_a_german_date_and_an_address_beside_a_name_are_understood() -> None:
    entry = parse_feed(read("wordpress_de.xml")).entries[1]
    assert entry.published == datetime(2026, 7, 12, 16, 0, tzinfo=UTC)
    assert entry.authors == ("Ole Lüders",)
    assert entry.summary == "Das Amtsgericht sucht noch 40 Schöffen."
    assert entry.title == "Schöffen gesucht & gefunden"


def test_an_atom_feed_keeps_its_three_kinds_of_text_apart() -> None:
    feed = parse_feed(read("atom.xml"), url="https://elsewhere.example/atom.xml")
    first, second = feed.entries
    assert (feed.format, feed.title) == ("atom10", "The Ferryman & Daughters")
    assert first.title == "Why <b> beats &lt;strong&gt;"
    assert second.title == "Nur eine Änderung"
    assert first.content_html == (
        '<div><p>1 &lt; 2, says <a href="https://ferry.example/news/43.html">Ben</a>.<br>Really.</p></div>'
    )
    assert second.content_html == "<p>Ein Absatz.</p>"
    assert (first.summary, second.summary) == ("A plain <summary>.", "Ein Absatz.")


def test_an_atom_entry_gives_its_page_its_picture_and_its_dates() -> None:
    feed = parse_feed(read("atom.xml"), url="https://elsewhere.example/atom.xml")
    first, second = feed.entries
    assert feed.link == "https://ferry.example/news/"
    assert first.link == "https://ferry.example/news/42.html"
    assert first.image_url == "https://ferry.example/pictures/42.jpg"
    assert (first.published, first.updated) == (
        datetime(2026, 7, 13, 9, 23, tzinfo=UTC),
        datetime(2026, 7, 14, tzinfo=UTC),
    )
    assert second.published == second.updated == datetime(2026, 7, 12, 6, 0, tzinfo=UTC)
    assert (first.authors, first.tags) == (("Ann Ferry",), ("Tags & such",))
    assert (feed.language, first.language, second.language) == ("en-GB", "en-GB", "de")


def test_a_json_feed_gives_up_wrong_fields_and_keeps_the_rest() -> None:
    feed = parse_feed(read("feed.json"))
    first, second = feed.entries
    assert (feed.format, feed.title, feed.language) == ("json11", "Ferry log", "de")
    assert (feed.link, feed.hub_url) == ("https://ferry.example/log/", "https://hub.example/")
    assert (first.id, first.link) == ("7", "https://ferry.example/log/7/")
    assert (first.title, first.summary) == ("Hochwasser: Pegel 3,20 m", "Pegel < 4 m")
    assert first.content_html == '<p>Der <a href="https://ferry.example/log/6/">gestrige</a> Stand.</p>'
    assert first.image_url == "https://ferry.example/log/pegel.jpg"
    assert first.published == datetime(2026, 7, 13, 4, 0, tzinfo=UTC)
    assert (first.authors, first.tags) == (("Cleo",), ("Pegel", "Fluss"))
    assert (second.link, second.title, second.tags) == ("https://ferry.example/log/6/", "Line <one>", ())


def test_an_rdf_feed_that_lies_about_its_encoding_is_read_by_its_bytes() -> None:
    feed = parse_feed(read("rdf.xml"), content_type="application/rdf+xml; charset=us-ascii")
    entry = feed.entries[0]
    assert (feed.format, feed.language, feed.title) == ("rss10", "fr", "Harbour log")
    assert (entry.id, entry.link) == ("https://harbour.example/1", "https://harbour.example/ships/1")
    assert (entry.title, entry.summary) == ("Arrivée d’un navire", "Un navire est arrivé.")
    assert entry.content_html == "<p>Un <em>grand</em> navire.</p>"
    assert (entry.authors, entry.tags) == (("Ben",), ("Navires",))
    assert entry.published == datetime(2026, 7, 13, 9, 23, tzinfo=UTC)


def test_atom_0_3_is_read_in_all_its_modes() -> None:
    feed = parse_feed(read("atom03.xml"))
    base64, xml = feed.entries
    assert (feed.format, feed.title, feed.link) == ("atom03", "Old & gold", "http://old.example/")
    assert base64.content_html == "<p>Hello <b>world</b></p>"
    assert base64.published == datetime(2003, 12, 13, 12, 29, 29, tzinfo=UTC)
    assert (xml.title, xml.link) == ("Escaped title", "http://old.example/2")
    assert xml.content_html == "<div><p>In <b>XML</b></p></div>"
    assert xml.published == datetime(2003, 12, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty"),
        (b" \n\xef\xbb\xbf", "empty"),
        (b"<!DOCTYPE html><html><body>Hello", "html"),
        (b"<html xmlns='http://www.w3.org/1999/xhtml'><head/></html>", "html"),
        (b"<div>part of <body> a page</div>", "html"),
        (b"<opml version='2.0'><body/></opml>", "opml"),
        (b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'/>", "sitemap"),
        (b"<sitemapindex/>", "sitemap"),
        (b"<kml/>", "not_a_feed"),
        (b"just words", "not_a_feed"),
        (b'{"a": 1}', "not_a_feed"),
        (b"[1, 2]", "not_a_feed"),
        (b"< & >", "bad_xml"),
        (b'{"version": "https://jsonfeed.org/version/1"', "bad_json"),
        (b'{"version": NaN}', "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b'{"items": ' + b"[" * 60 + b"]" * 60 + b"}", "bad_json"),
    ],
)
def test_what_is_no_feed_is_named(body: bytes, code: str) -> None:
    with pytest.raises(FeedFormatError) as refused:
        parse_feed(body)
    assert refused.value.code == code
    assert str(refused.value).endswith((".", "imported."))


def test_a_feed_without_entries_is_a_feed() -> None:
    assert parse_feed(b"<rss version='2.0'><channel><title>T</title></channel></rss>").entries == ()
    assert parse_feed(b"<feed xmlns='http://www.w3.org/2005/Atom'/>").entries == ()
    assert parse_feed(b'{"version": "https://jsonfeed.org/version/1"}').entries == ()
