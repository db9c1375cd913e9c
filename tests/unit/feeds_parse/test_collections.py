"""Measures 1, 2, 3, 5 and 12 of the feeds page, on real feeds and with feedparser as the oracle.

The documents stay where they are and are only read; without them every test here is skipped.
"""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.oracle import Agreement, oracle
from benchmarks.parse import measure, report
from digest.feeds.dates import parse_date
from digest.feeds.errors import FeedFormatError
from digest.feeds.markup import images
from digest.feeds.opml import OpmlError, read_opml, write_opml
from digest.feeds.parse import parse_feed
from digest.feeds.text import to_text
from tests.unit.feeds_parse.fixtures import corpus, documents
from tests.unit.feeds_parse.test_properties import assert_promises

pytestmark = pytest.mark.corpus

UNTOLD = "the entry has no title, text or link, so there is nothing to tell"
NO_TITLE = "an entry without a title is called by the beginning of its text"
ENCLOSURE = "an entry without a link leads to its enclosure"
ID_LINK = "an id that is a web address is a link"
ABOUT = "the id of an RDF item is its rdf:about"
UPDATED = "an entry that was only updated was published then"
DIFFERENT: dict[str, str] = {
    "feed_item_author_-_rss_channel_item_author_email": UNTOLD,
    "feed_item_author_-_rss_channel_item_author_emailAndName": UNTOLD,
    "feed_item_author_-_rss_channel_item_author_name": UNTOLD,
    "feed_item_author_-_rss_channel_item_author_nameAndEmail": UNTOLD,
    "feed_item_category_-_rss_channel_item_category": UNTOLD,
    "feed_item_category_-_rss_channel_item_custom": UNTOLD,
    "feed_item_fallbacks_-_rss_channel_item_extensions": UNTOLD,
    "feed_item_guid_-_rss_channel_item_guid": UNTOLD,
    "feed_item_image_-_rss_channel_item_content": UNTOLD,
    "feed_item_image_-_rss_channel_item_description": UNTOLD,
    "feed_item_published_-_rss_channel_item_pubDate": UNTOLD,
    "feed_categories_-_atom_feed_categories": UNTOLD,
    "feed_item_author_email_-_atom03_feed_entry_author_email": UNTOLD,
    "feed_item_author_email_-_atom10_feed_entry_author_email": UNTOLD,
    "feed_item_author_name_-_atom03_feed_entry_author_name": UNTOLD,
    "feed_item_author_name_-_atom10_feed_entry_author_name": UNTOLD,
    "feed_item_category_-_atom10_feed_entry_category": UNTOLD,
    "feed_item_published_-_atom03_feed_entry_issued": UNTOLD,
    "feed_item_updated_-_atom03_feed_entry_modified": UNTOLD,
    "feed_item_description_-_rdf_item_description": NO_TITLE,
    "feed_item_description_-_rss_channel_item_description": NO_TITLE,
    "feed_item_content_-_atom03_feed_entry_content_value": NO_TITLE,
    "feed_item_content_-_atom10_feed_entry_content": NO_TITLE,
    "feed_item_description_-_atom03_feed_entry_summary": NO_TITLE,
    "feed_item_description_-_atom10_feed_entry_summary": NO_TITLE,
    "json10_simple": NO_TITLE,
    "feed_item_enclosure_-_rss_channel_item_enclosure": ENCLOSURE,
    "feed_item_enclosures_-_rss_channel_item_enclosures": ENCLOSURE,
    "feed_item_enclosure_-_atom10_feed_entry_link_rel_enclosure": ENCLOSURE,
    "feed_item_guid_-_atom03_feed_entry_id": ID_LINK,
    "feed_item_guid_-_atom10_feed_entry_id": ID_LINK,
    "feed_item_link_-_rdf_item_link": ABOUT,
    "feed_item_title_-_rdf_item_title": ABOUT,
    "feed_item_updated_-_rss_channel_item_updated_atom": UPDATED,
}


@pytest.fixture(autouse=True)
def _the_oracle_may_warn() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _assert_agreement(paths: list[Path], *, entries: int) -> None:
    figures = report(measure(paths))
    assert figures["refused_though_feedparser_reads"] == []
    assert figures["entry_count_differs_in"] == []
    assert figures["entries"] >= entries
    assert figures["title_ratio"] >= 0.998
    assert figures["link_ratio"] >= 0.999
    assert figures["id_ratio"] >= 0.998
    assert figures["date_ratio"] >= 0.998
    assert figures["megabytes_per_s"] > 3 * figures["feedparser_megabytes_per_s"]  # both under the same load


def test_real_blogs_are_read_as_the_oracle_reads_them() -> None:
    """The smaller half by size: the oracle is slow."""
    paths = [path for path in documents("smallweb") if path.stat().st_size < 70_000]
    _assert_agreement(paths, entries=300)


@pytest.mark.soak
def test_all_real_blogs_are_read_as_the_oracle_reads_them() -> None:
    _assert_agreement(documents("smallweb"), entries=1_000)


@pytest.mark.parametrize(
    "folder",
    [
        "miniflux/parser",
        "miniflux/encoding",
        pytest.param("feedvalidator/rss20", marks=pytest.mark.soak),
        pytest.param("feedvalidator/atom", marks=pytest.mark.soak),
        "gofeed/parser",
    ],
)
def test_no_document_in_which_the_oracle_finds_an_entry_with_anything_to_tell_is_empty_for_us(
    folder: str,
) -> None:
    agreement = Agreement()
    for path in documents(folder):
        body = path.read_bytes()
        theirs = [entry for entry in oracle(body, url="https://feeds.example/") if _tells(entry)]
        if not theirs or path.name == "atom10_feed_entry_title_custom_type.xml":  # a type nobody can know
            continue
        ours = parse_feed(body, url="https://feeds.example/")
        assert len(ours.entries) >= len(theirs), path
        agreement.compare(path.name, ours, theirs)
    assert agreement.entries > 0
    assert agreement.ratio("title") >= 0.98


@pytest.mark.parametrize("folder", ["feedvalidator", "gofeed", "miniflux"])
def test_every_odd_document_keeps_every_promise(folder: str) -> None:
    for path in documents(folder):
        assert_promises(path.read_bytes())


@pytest.mark.parametrize("folder", ["kml", "opensearch", "opml"])
def test_what_is_no_feed_is_refused_as_such(folder: str) -> None:
    for path in documents(f"feedvalidator/{folder}"):
        body = path.read_bytes()
        if not any(root in body for root in (b"<rss", b"<feed", b"<rdf:RDF")):
            with pytest.raises(FeedFormatError):
                parse_feed(body)


def test_the_expected_values_of_another_program_are_ours_or_the_reason_is_known() -> None:
    pairs = list(_pairs(corpus("gofeed/translator")))
    assert len(pairs) == 97
    differing = {source.stem for source, expected in pairs if _ours(source) != _theirs(expected)}
    assert differing == set(DIFFERENT)


def test_every_entry_of_a_real_blog_with_a_picture_gets_one_and_never_a_tracker() -> None:
    """A picture somebody would see: an `<img>` of the text with a web address, neither tiny nor an emoji."""
    with_source = with_picture = 0
    for path in documents("smallweb"):
        for entry in parse_feed(path.read_bytes(), url="https://feeds.example/").entries:
            with_source += bool(entry.image_url or any(map(_is_shown, images(entry.content_html))))
            with_picture += bool(entry.image_url)
            assert entry.link.startswith("http")
            assert not any(word in entry.image_url for word in ("/emoji/", "pixel.gif", "stats.wordpress"))
    assert with_source > 100
    assert with_picture / with_source >= 0.98


def test_every_outline_collection_is_read_or_refused_and_written_the_same_twice() -> None:
    for path in documents("feedvalidator/opml"):
        try:
            outlines = read_opml(path.read_bytes()).outlines
        except OpmlError:
            continue
        written = write_opml(outlines, title="Feeds")
        assert write_opml(read_opml(written.encode()).outlines, title="Feeds") == written


def test_large_web_pages_come_out_of_the_sanitizer_safe() -> None:
    for path in documents("miniflux/sanitizer"):
        page = path.read_bytes()
        assert_promises(
            b"<rss><channel><item><title>t</title><description><![CDATA[" + page + b"]]></description></item>"
        )


def _tells(entry: Any) -> bool:
    """Whether an entry of the oracle has a title, a text or a web link."""
    texts = [entry.get("title", ""), entry.get("summary", "")]
    texts += [content.value for content in entry.get("content", [])]
    has_link = entry.get("link", "").startswith("http") and not entry.get("guidislink")
    return any(map(to_text, texts)) or has_link


def _is_shown(image: dict[str, str]) -> bool:
    is_tiny = any(image.get(side, "9").strip("px ") in {"0", "1", "2"} for side in ("width", "height"))
    is_icon = any(word in str(image).lower() for word in ("emoji", "smil"))
    return image.get("src", "").startswith("http") and not is_tiny and not is_icon


def _pairs(folder: Path) -> Iterator[tuple[Path, Path]]:
    for source in sorted([*folder.rglob("*.xml"), *folder.glob("json/*.json")]):
        if source.suffix == ".xml":
            yield source, source.with_suffix(".json")
        elif not source.stem.endswith("_expected"):
            yield source, source.with_name(f"{source.stem}_expected.json")


def _ours(source: Path) -> object:
    feed = parse_feed(source.read_bytes())
    return (
        feed.title,
        feed.link,
        [(entry.title, entry.link, entry.id, entry.published) for entry in feed.entries],
    )


def _theirs(expected: Path) -> object:
    feed = json.loads(expected.read_bytes())
    return (
        feed.get("title", ""),
        feed.get("link", ""),
        [
            (
                item.get("title", ""),
                item.get("link", ""),
                item.get("guid", ""),
                parse_date(item.get("publishedParsed", "")),
            )
            for item in feed.get("items") or []
        ],
    )
