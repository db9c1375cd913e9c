"""The table of fields of the feeds page, row by row."""

import pytest

from digest.feeds.document import ParsedEntry
from digest.feeds.fields import distinct, language_tag, names
from digest.feeds.parse import parse_feed
from digest.feeds.xmltree import attributes_of, markup_of, read_tree

URL = "https://feeds.example/dir/feed"
NAMESPACES = (
    "xmlns:atom='http://www.w3.org/2005/Atom' xmlns:media='http://search.yahoo.com/mrss/' "
    "xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd' xmlns:dc='http://purl.org/dc/elements/1.1/' "
    "xmlns:feedburner='http://rssnamespace.org/feedburner/ext/1.0' xmlns:content='http://purl.org/rss/1.0/modules/content/'"
)


def rss_entry(inner: str, *, channel: str = "", url: str = URL) -> ParsedEntry:
    body = f"<rss version='2.0' {NAMESPACES}><channel>{channel}<item><title>T</title>{inner}</item></channel></rss>"
    return parse_feed(body.encode(), url=url).entries[0]


def atom_entry(inner: str, *, feed: str = "") -> ParsedEntry:
    body = f"<feed xmlns='http://www.w3.org/2005/Atom'>{feed}<entry><title>T</title>{inner}</entry></feed>"
    return parse_feed(body.encode(), url=URL).entries[0]


@pytest.mark.parametrize(
    ("inner", "link"),
    [
        (
            "<link>https://a.example/1</link><feedburner:origLink>https://a.example/2</feedburner:origLink>",
            "https://a.example/2",
        ),
        (
            "<link>https://a.example/1</link><link>https://a.example/2</link><link> </link>",
            "https://a.example/2",
        ),
        ("<link>https://a.example/1</link><guid>https://a.example/2</guid>", "https://a.example/1"),
        ("<guid>https://a.example/2</guid>", "https://a.example/2"),
        ("<guid isPermaLink='false'>https://a.example/2</guid>", ""),
        ("<guid>tag:a.example,2026:1</guid>", ""),
        ("<atom:link href='https://a.example/3'/><guid>https://a.example/2</guid>", "https://a.example/3"),
        ("<atom:link rel='self' href='https://a.example/3'/>", ""),
        ("<enclosure url='https://a.example/4.mp3' type='audio/mpeg'/>", "https://a.example/4.mp3"),
        ("<link>mailto:ann@example.org</link>", ""),
        (
            "<link>javascript:alert(1)</link><guid isPermaLink='true'>https://a.example/2</guid>",
            "https://a.example/2",
        ),
        ("<link>/5</link>", "https://feeds.example/5"),
    ],
)
def test_the_link_is_the_first_kind_that_is_usable(inner: str, link: str) -> None:
    assert rss_entry(inner).link == link


def test_of_atom_links_the_last_page_counts() -> None:
    links = "<link href='1.pdf' type='application/pdf'/><link href='2'/><link href='3' type='text/html'/><link rel='via' href='4'/>"
    assert atom_entry(links).link == "https://feeds.example/dir/3"
    assert atom_entry("<link href='1.pdf' type='application/pdf'/>").link == "https://feeds.example/dir/1.pdf"
    assert atom_entry("<id>https://a.example/1</id>").link == "https://a.example/1"


@pytest.mark.parametrize(
    ("channel", "link"),
    [
        ("<link>https://site.example/blog/</link>", "https://site.example/blog/x"),
        ("<link>http://localhost:8000/</link>", "https://feeds.example/dir/x"),
        ("<link>http://192.168.0.1/</link>", "https://feeds.example/dir/x"),
        ("<link>http://blog.local/</link>", "https://feeds.example/dir/x"),
        ("", "https://feeds.example/dir/x"),
    ],
)
def test_relative_addresses_start_from_the_site_unless_it_is_an_inner_one(channel: str, link: str) -> None:
    assert rss_entry("<link>x</link>", channel=channel).link == link


def test_xml_base_counts_from_feed_to_entry_unless_it_is_an_inner_one() -> None:
    body = (
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='{}'><entry xml:base='sub/'>"
        "<title>T</title><link href='x'/></entry></feed>"
    )
    outside = parse_feed(body.format("https://a.example/").encode(), url=URL).entries[0]
    inside = parse_feed(body.format("http://127.0.0.1/").encode(), url=URL).entries[0]
    assert (outside.link, inside.link) == ("https://a.example/sub/x", "https://feeds.example/dir/sub/x")


@pytest.mark.parametrize(
    ("inner", "image"),
    [
        (
            "<media:thumbnail url='/t.jpg' width='72'/><media:content url='/c.jpg' medium='image' width='800'/>",
            "/c.jpg",
        ),
        (
            "<media:thumbnail url='/t.jpg'/><media:content url='/c.mp4' type='video/mp4' width='800'/>",
            "/t.jpg",
        ),
        ("<media:group><media:content url='/g.jpg' type='image/jpeg'/></media:group>", "/g.jpg"),
        (
            "<media:content url='/v.mp4' medium='video'><media:thumbnail url='/v.jpg'/></media:content>",
            "/v.jpg",
        ),
        ("<media:content url='/big.jpg' width='4000' medium='image'/>", "/big.jpg"),
        ("<enclosure url='/e.jpg' type='image/jpeg'/><itunes:image href='/i.jpg'/>", "/e.jpg"),
        ("<enclosure url='/e.mp3' type='audio/mpeg'/><itunes:image href='/i.jpg'/>", "/i.jpg"),
        ("<description>&lt;img src='/b.jpg'&gt;</description>", "/b.jpg"),
        ("<description>&lt;IMG SRC=/b.jpg&gt;</description>", "/b.jpg"),
        (
            "<description>x</description><content:encoded>&lt;img src=&quot;/a.jpg?x=1&amp;amp;y=2&quot;&gt;</content:encoded>",
            "/a.jpg?x=1&y=2",
        ),
        (
            "<description>&lt;img src='data:image/gif;base64,R0' data-src='/lazy.jpg'&gt;</description>",
            "/lazy.jpg",
        ),
        ("<description>&lt;img srcset='/s.jpg 300w, /m.jpg 600w'&gt;</description>", "/s.jpg"),
        ("<description>&lt;img src='/1.gif' width=1&gt;&lt;img src='/2.jpg'&gt;</description>", "/2.jpg"),
        ("<description>&lt;img src='/x' height='0'&gt;</description>", ""),
        (
            "<description>&lt;img src='https://s.w.org/images/core/emoji/15/72x72/1f600.png'&gt;</description>",
            "",
        ),
        ("<description>&lt;img class='wp-smiley' src='/face.png'&gt;</description>", ""),
        ("<description>&lt;img src='https://pixel.wp.example/pixel.gif'&gt;</description>", ""),
        ("<description>&lt;img src='https://vg08.met.vgwort.de/na/0123'&gt;</description>", ""),
        ("<media:thumbnail url='javascript:x'/>", ""),
        ("<description>no picture, only &amp;lt;img src='/b.jpg'&amp;gt;</description>", ""),
    ],
)
def test_the_picture_is_the_publishers_or_the_first_real_one(inner: str, image: str) -> None:
    expected = f"https://feeds.example{image}" if image else ""
    assert rss_entry(inner).image_url == expected


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ("Ann Ferry", "Ann Ferry"),
        ("ann@example.org (Ann Ferry)", "Ann Ferry"),
        ("Ann Ferry <ann@example.org>", "Ann Ferry"),
        ('"Ann Ferry" <ann@example.org>', "Ann Ferry"),
        ("Ann Ferry ann@example.org", "Ann Ferry"),
        ("ann@example.org", ""),
        ("ann@example.org (ann@example.org)", ""),
    ],
)
def test_of_people_only_the_name_is_kept(author: str, name: str) -> None:
    assert names([author]) == ((name,) if name else ())


def test_authors_come_from_every_usual_place() -> None:
    assert rss_entry("<dc:creator>Ann</dc:creator><author>ben@example.org (Ben)</author>").authors == (
        "Ann",
        "Ben",
    )
    assert rss_entry("<author>Ben</author><itunes:author>Cleo</itunes:author>").authors == ("Ben", "Cleo")
    assert atom_entry("<author><name>Ann</name></author><author><name>Ben</name></author>").authors == (
        "Ann",
        "Ben",
    )


def test_tags_are_folded_distinct_and_bounded() -> None:
    assert distinct(["A  b", "a B", "<i>c</i>", "", "x" * 200], limit=20) == ("A b", "c", "x" * 99 + "…")
    assert len(distinct(map(str, range(100)), limit=20)) == 20
    assert atom_entry("<category term='t' label='Label'/><category term='u'/>").tags == ("Label", "u")


@pytest.mark.parametrize(
    ("written", "tag"),
    [("de", "de"), ("DE_at", "de-AT"), ("en-us", "en-US"), ("zh-hant-tw", "zh-hant-TW"), ("und", ""), ("german", ""), ("", ""),
     ("de-a-very-long-tag", "de")],
)  # fmt: skip
def test_languages_are_tags_or_nothing(written: str, tag: str) -> None:
    assert language_tag(written) == tag


def test_the_language_of_the_entry_comes_before_that_of_the_feed() -> None:
    channel = "<language>de</language>"
    assert rss_entry("", channel=channel).language == "de"
    assert rss_entry("<dc:language>fr</dc:language>", channel=channel).language == "fr"


def test_the_first_date_that_parses_counts_and_updated_never_overwrites_published() -> None:
    entry = rss_entry(
        "<pubDate>soon</pubDate><dc:date>2026-07-13</dc:date><atom:updated>2026-07-14</atom:updated>"
    )
    assert (str(entry.published)[:10], str(entry.updated)[:10]) == ("2026-07-13", "2026-07-14")


def test_the_fullest_text_is_the_content_and_the_description_the_summary() -> None:
    entry = rss_entry(
        "<description>Short</description><content:encoded>&lt;p&gt;Long&lt;/p&gt;</content:encoded>"
    )
    assert (entry.summary, entry.content_html) == ("Short", "<p>Long</p>")
    assert rss_entry("<itunes:summary>Heard</itunes:summary>").summary == "Heard"
    assert rss_entry(f"<description>{'word ' * 400}</description>").summary.endswith("word…")


def test_too_much_content_is_dropped_and_the_summary_stays() -> None:
    entry = rss_entry(f"<description>{'wort ' * 60_000}</description>")
    assert (entry.content_html, len(entry.summary) <= 1_000) == ("", True)
    assert entry.summary.startswith("wort wort")


def test_an_entry_without_a_title_is_called_by_its_text_and_one_without_anything_is_none() -> None:
    def entries(inner: str) -> list[str]:
        return [entry.title for entry in parse_feed(f"<rss><item>{inner}</item></rss>".encode()).entries]

    assert entries(f"<description>{'a' * 100}</description>") == ["a" * 80]
    assert entries("<title> </title><guid isPermaLink='false'>1</guid><pubDate>2026-07-13</pubDate>") == []
    assert entries("<link>https://a.example/1</link>") == [""]


def test_an_element_with_absurdly_many_attributes_has_none() -> None:
    many = " ".join(f"a{number}='x'" for number in range(65))
    root = read_tree(f"<r><i {many}/><j b='x'/></r>")
    assert root is not None
    assert attributes_of(root[0]) == {}
    assert attributes_of(root[1]) == {"b": "x"}
    assert markup_of(root, is_markup=True) == '<i></i><j b="x"></j>'
