import pickle
import re
from dataclasses import replace
from datetime import UTC, datetime

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.document import ParsedEntry
from digest.feeds.normalize import guid_alt, normalize, normalize_feed, safe_html
from digest.feeds.parse import parse_feed
from tests.unit.feeds_parse.fixtures import read

_NAMES = (
    "a p br hr em strong b i u s sub sup code pre blockquote q ul ol li dl dt dd h2 h3 h4 h5 h6 img figure figcaption "
    "table caption colgroup col thead tbody tfoot tr th td"
)
ALLOWED = set(_NAMES.split())
ENTRY = ParsedEntry(
    id="https://www.example.org/?p=1",
    title="Title",
    link="http://Example.org/a?utm_source=rss",
    summary="A summary.",
    content_html="<p>Text</p>",
    image_url="http://example.org/a.jpg",
    authors=("Ann",),
    tags=("one",),
    published=datetime(2026, 7, 13, tzinfo=UTC),
)


def assert_safe(html: str) -> None:
    """What a browser would build from it is nothing but allowed elements, attributes and addresses."""
    for element in html5lib.parseFragment(html, namespaceHTMLElements=False).iter():
        if element.tag == "DOCUMENT_FRAGMENT":
            continue
        assert element.tag in ALLOWED
        assert set(element.attrib) <= {
            "href", "src", "alt", "title", "width", "height", "lang", "dir", "colspan", "rowspan"
        }  # fmt: skip
        assert re.match(r"https?://|mailto:|$", element.attrib.get("href", ""))
        assert re.match(r"https?://|$", element.attrib.get("src", ""))


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ("<h1>One</h1><h2>two</h2>", "<h2>One</h2><h2>two</h2>"),
        ("a<script>alert(1)</script>b<style>p{}</style>", "ab"),
        ("<p onclick='x()' style='color:red' class='c'>a</p>", "<p>a</p>"),
        ("<iframe src='https://x.example'>in</iframe><form><input>b</form><object>o</object>", ""),
        ("<svg><a href='https://x.example'>s</a></svg><math><mi>m</mi></math>", ""),
        ("<a href='javascript:alert(1)'>a</a>", "<a>a</a>"),
        ("<a href=' JaVa\tScript:alert(1)'>a</a>", "<a>a</a>"),
        ("<a href='data:text/html,x'>a</a>", "<a>a</a>"),
        ("<a href='/relative'>a</a>", "<a>a</a>"),
        ("<a href='mailto:ann@example.org'>a</a>", '<a href="mailto:ann@example.org">a</a>'),
        ("<a href='HTTP://Example.org/?utm_source=x' target=_blank rel=x>a</a>", '<a href="http://example.org/">a</a>'),
        ("<img src='http://example.org/a.jpg' alt='A' width='300px' onerror='x'>",
         '<img src="https://example.org/a.jpg" alt="A" width="300">'),
        ("a<img src='https://t.example/p.gif' width=1 height=1>b", "ab"),
        ("a<img src='https://t.example/p' height='1px'>b", "ab"),
        ("a<img src='data:image/gif;base64,x'>b<img>c", "abc"),
        ("<div>a</div><div>b</div>", "<p>a</p><p>b</p>"),
        ("<section><p>a</p></section>", "<p>a</p>"),
        ("<table><tr><td colspan=2 bgcolor=red>a</table>", '<table><tbody><tr><td colspan="2">a</td></tr></tbody></table>'),
        ("<p>open <b>tags", "<p>open <b>tags</b></p>"),
        ("<!-- comment -->a", "a"),
        ("<p></p><p> </p>a", "a"),
        ("1 &lt; 2 &amp; 3", "1 &lt; 2 &amp; 3"),
        ("<p>Text</p><p>The post <a href='https://a.example/1'>T</a> appeared first on <a href='https://a.example'>A</a>.</p>",
         "<p>Text</p>"),
        ("", ""),
    ],
)  # fmt: skip
def test_only_allowed_html_stays(html: str, safe: str) -> None:
    assert safe_html(html) == safe
    assert_safe(safe)
    assert safe_html(safe) == safe


@pytest.mark.parametrize(
    "html",
    [
        '<img alt="a><script>alert(1)</script>">',
        '<a title="<img " href="https://x.example/">" onmouseover=alert(1) </a>',
        '<img title="<img src=x onerror=alert(1)>" src="https://x.example/a.png">',
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
        "<svg><style><img/src=x onerror=alert(1)></style></svg>",
        "<template><script>alert(1)</script></template>",
        "<p>The post <a title='\"><script>alert(1)</script>'>x</a> appeared first on <a>y</a>.</p>",
        "<h1/onclick=alert(1)//><div/onclick=alert(1)>",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<<div>script>alert(1)<</div>/script>",
        "<d<div>iv onclick=alert(1)>x",
        "<a href='https://x.example/\" onclick=\"alert(1)'>x</a>",
        "<plaintext><img src=x onerror=alert(1)>",
        "<xmp><img src=x onerror=alert(1)></xmp>",
    ],
)
def test_no_trick_gets_past_the_allow_list(html: str) -> None:
    assert_safe(safe_html(html))
    assert "alert(1)>" not in re.sub(r'"[^"]*"', "", safe_html(html)).replace("&lt;", "")


@given(st.lists(st.sampled_from(
    ["<", ">", '"', "'", "/", "img", " src=", "http://a.de/", "<p>", "</p>", "<div ", "<script>", "</script>", "<h1", "onx=1",
     "<!--", "-->", "<svg>", "<style>", "<table>", "<td>", "<a href=", "javascript:", "&lt;", "&quot;", "title=", "\x00", "x"]
), max_size=30))  # fmt: skip
def test_any_mixture_of_markup_comes_out_safe(pieces: list[str]) -> None:
    html = safe_html("".join(pieces))
    assert_safe(html)


def test_html_beyond_a_quarter_of_a_megabyte_is_dropped() -> None:
    assert safe_html("<p>" + "a" * 262_145) == ""


@pytest.mark.parametrize(
    "nested",
    ["<ul><li>" * 300, "<b><i><u><s><em>x</p>" * 60, "<div>" * 300 + "</x>" * 300, "<table><tr><td>" * 300],
)
def test_html_nested_beyond_reason_is_dropped_and_the_summary_stays(nested: str) -> None:
    candidate = normalize(replace(ENTRY, content_html=f"<p>Text</p>{nested}"), position=0)
    assert (candidate.content_html, candidate.summary) == ("", "A summary.")


@pytest.mark.parametrize(
    "flat", ["<p>a", "<li>a", "<tr><td>a", "<br>", "<img src='a'>", "<b>a</b>", "<ul><li>a</ul>"]
)
def test_a_long_article_may_leave_open_what_the_next_begin_ends(flat: str) -> None:
    assert (
        "Text"
        in normalize(replace(ENTRY, content_html=f"{flat * 2_000}<p>Text</p>"), position=0).content_html
    )


def test_an_entry_becomes_a_candidate_with_canonical_addresses() -> None:
    candidate = normalize(ENTRY, position=3)
    assert (candidate.position, candidate.guid, candidate.guid_alt) == (3, ENTRY.id, "example.org/?p=1")
    assert (candidate.link, candidate.link_key) == ("http://example.org/a", "example.org/a")
    assert candidate.image_url == "https://example.org/a.jpg"
    assert pickle.loads(pickle.dumps(candidate)) == candidate


def test_links_of_an_own_feed_are_https_but_those_of_this_machine() -> None:
    assert normalize(ENTRY, position=0, is_own=True).link == "https://example.org/a"
    local = replace(ENTRY, link="http://localhost:8000/a", image_url="http://127.0.0.1:8000/a.jpg")
    candidate = normalize(local, position=0, is_own=True)
    assert (candidate.link, candidate.image_url) == ("http://localhost:8000/a", "http://127.0.0.1:8000/a.jpg")


def test_an_unusable_link_is_no_link() -> None:
    candidate = normalize(replace(ENTRY, link="https://ann@example.org/"), position=0)
    assert (candidate.link, candidate.link_key) == ("", "")


def test_an_id_without_an_address_keeps_its_words() -> None:
    assert guid_alt("tag:example.org,2026:1") == "tag:example.org,2026:1"
    assert guid_alt("http://www.example.org/a/") == guid_alt("https://example.org/a")
    assert guid_alt("") == ""


def test_the_fingerprint_sees_what_a_reader_sees_and_no_date() -> None:
    same = normalize(ENTRY, position=0).fingerprint
    moved = replace(ENTRY, published=None, updated=datetime(2026, 7, 14, tzinfo=UTC), id="x", language="de")
    assert normalize(moved, position=9).fingerprint == same
    assert normalize(replace(ENTRY, content_html="<div><b>Text</b></div>"), position=0).fingerprint == same
    assert normalize(replace(ENTRY, link="https://www.example.org/a/"), position=0).fingerprint == same
    changes: list[dict[str, object]] = [
        {"title": "Other"},
        {"link": "https://example.org/b"},
        {"summary": "Other."},
        {"content_html": "<p>Other</p>"},
        {"image_url": "https://example.org/b.jpg"},
        {"authors": ("Ben",)},
        {"tags": ("one", "two")},
    ]
    prints = {normalize(replace(ENTRY, **change), position=0).fingerprint for change in changes}  # type: ignore[arg-type]  # a table
    assert len(prints | {same}) == len(changes) + 1


def test_the_boilerplate_of_a_blog_is_no_news() -> None:
    document = normalize_feed(parse_feed(read("wordpress_de.xml")), is_own=True)
    candidate = document.candidates[0]
    assert candidate.summary.endswith("von „Materialermüdung“ […]")
    assert "erschien zuerst" not in candidate.content_html
    assert "vgwort" not in candidate.content_html
    assert "<script" not in candidate.content_html
    assert candidate.link == "https://faehrmann.example/bruecke-gesperrt/"


def test_a_document_keeps_its_order_and_its_facts() -> None:
    feed = parse_feed(read("atom.xml"), url="https://elsewhere.example/")
    document = normalize_feed(feed)
    assert [candidate.position for candidate in document.candidates] == [0, 1]
    assert (document.title, document.link, document.hub_url) == (feed.title, feed.link, feed.hub_url)
    assert (document.format, document.entry_count, document.language) == ("atom10", 2, "en-GB")
