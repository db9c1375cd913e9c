"""Measure 4 of the feeds page: what is wrong so often that every case must be read."""

import codecs

import pytest

from digest.feeds.decode import decode
from digest.feeds.errors import FeedFormatError
from digest.feeds.parse import parse_feed
from digest.feeds.repair import repair

UMLAUTS = "Größe, Übung, „Zitat“ – 3 €"


def rss(inner: str, *, prolog: str = "", doctype: str = "") -> str:
    return f"{prolog}{doctype}<rss version='2.0'><channel><title>T</title>{inner}</channel></rss>"


def item(title: str) -> str:
    return f"<item><title>{title}</title><link>https://example.org/1</link></item>"


def title_of(body: str | bytes, *, content_type: str | None = None) -> str:
    body = body.encode() if isinstance(body, str) else body
    return parse_feed(body, content_type=content_type).entries[0].title


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("label", ["", "utf-8", "iso-8859-1", "us-ascii", "no-such-thing", "utf-16", "zlib"])
def test_unicode_is_read_whatever_its_label_says(encoding: str, label: str) -> None:
    prolog = f"<?xml version='1.0' encoding='{label}'?>" if label else "<?xml version='1.0'?>"
    assert title_of(rss(item(UMLAUTS), prolog=prolog).encode(encoding)) == UMLAUTS


@pytest.mark.parametrize(
    "label", ["windows-1252", "iso-8859-1", "latin1", "us-ascii", "utf-8", "nonsense", "rot13", ""]
)
def test_western_bytes_are_cp1252_under_every_western_or_wrong_label(label: str) -> None:
    prolog = f'<?xml version="1.0" encoding="{label}"?>\n'
    assert title_of(rss(item(UMLAUTS), prolog=prolog).encode("cp1252")) == UMLAUTS


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("koi8-r", "Привет, мир"),
        ("windows-1251", "Привет, мир"),
        ("iso-8859-2", "Zażółć gęślą jaźń"),
        ("shift_jis", "こんにちは世界"),
        ("gb2312", "你好世界"),
        ("euc-kr", "안녕하세요"),
        ("big5", "你好世界"),
    ],
)
def test_a_right_label_is_believed_in_the_prolog_and_in_the_header(encoding: str, text: str) -> None:
    prolog = f"<?xml version='1.0' encoding='{encoding}'?>"
    assert title_of(rss(item(text), prolog=prolog).encode(encoding)) == text
    assert title_of(rss(item(text)).encode(encoding), content_type=f'text/xml; charset="{encoding}"') == text


def test_one_damaged_character_does_not_make_mojibake_of_the_rest() -> None:
    body = rss(item(UMLAUTS) + item("Straße " * 300)).encode().replace(b"Gr\xc3\xb6", b"Gr\xf6", 1)
    title = title_of(body.replace(b"<rss", b"<?xml version='1.0' encoding='iso-8859-1'?><rss", 1))
    assert title == UMLAUTS.replace("ö", "\ufffd")


def test_a_few_western_letters_in_much_ascii_are_not_damage() -> None:
    body = rss(item("Größe") + item("word " * 2000)).encode("latin-1")
    assert title_of(body) == "Größe"


def test_decode_never_raises_and_never_runs_a_converter() -> None:
    bomb = codecs.encode(b"\0" * 1000, "zlib")
    assert decode(b"<?xml version='1.0' encoding='zlib'?>" + bomb, content_type="charset=bz2")
    assert decode(bytes(range(256)), content_type="text/xml; charset=" + "x" * 1000)


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("M&uuml;ller &amp; S&ouml;hne &ndash; &euro;", "Müller & Söhne – €"),
        ("M&uuml;ller &amp; S&ouml;hne &nosuch;", "Müller & Söhne &nosuch;"),
        ("Fish & Chips & AT&T &; &", "Fish & Chips & AT&T &; &"),
        ("&#8222;So&#8220; &#x1F600; &#128; &#150; &#8217 s", "„So“ 😀 € – ’ s"),
        ("nul &#0; bell &#7; half &#xD83D; far &#9999999;", "nul � bell half � far �"),
        ("<![CDATA[A &amp; B &uuml; & C]]>", "A & B ü & C"),
        ("<![CDATA[a]]> & <!-- & --> b", "a & b"),
        ("&lt;b&gt;bold&lt;/b&gt; &amp;lt;tag&amp;gt;", "bold <tag>"),
        ("&LT;i&GT;x &AMP; y", "x & y"),
        ("con\x0btrol\x01 \x7f", "control"),
        ("an <b>unescaped</b> tag", "an unescaped tag"),
    ],
)
def test_references_and_control_characters_are_mended(written: str, title: str) -> None:
    assert title_of(rss(item(written))) == title


@pytest.mark.parametrize(
    "junk",
    [
        "\n\n  ",
        "\ufeff\ufeff ",
        "Warning: cannot modify header\n",
        "<br />\n<b>Notice</b>: undefined index in <b>/feed.php</b> on line <b>3</b><br />\n",
        "<!-- made by hand -->\n",
        "<?xml-stylesheet href='a.xsl'?>\n",
    ],
)
def test_junk_before_the_document_is_skipped(junk: str) -> None:
    assert title_of(junk + rss(item("Here"), prolog="<?xml version='1.0'?>")) == "Here"


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE rss>",
        '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://my.netscape.com/rss-0.91.dtd">',
        "<!DOCTYPE rss [<!ENTITY x 'planted'>]>",
        '<!DOCTYPE rss [<!-- ]> --> <!ENTITY x "]>planted">]>',
        "<!-- first --><!doctype rss [<!ENTITY x 'planted'>]><!DOCTYPE rss [<!ENTITY x 'planted'>]>",
    ],
)
def test_a_doctype_is_dropped_and_declares_nothing(doctype: str) -> None:
    assert title_of(rss(item("&x;"), doctype=doctype)) == "&x;"


def test_a_prefix_nobody_declared_is_known_by_its_usual_meaning() -> None:
    body = rss(
        "<item><title>T</title><dc:creator>Ann</dc:creator><dc:date>2026-07-13T11:23:00Z</dc:date>"
        "<content:encoded>&lt;p&gt;Body&lt;/p&gt;</content:encoded><media:thumbnail url='https://example.org/a.jpg'/>"
        "<foo:bar>x</foo:bar><a:b:c/></item>"
    )
    entry = parse_feed(body.encode()).entries[0]
    assert (entry.authors, entry.content_html, entry.image_url) == (
        ("Ann",),
        "<p>Body</p>",
        "https://example.org/a.jpg",
    )
    assert entry.published is not None


def test_a_prefix_of_ones_own_is_known_by_its_namespace() -> None:
    body = (
        "<a:feed xmlns:a='http://www.w3.org/2005/Atom' xmlns:d='http://purl.org/dc/elements/1.1/'>"
        "<a:entry><a:title>T</a:title><a:link href='https://example.org/1'/><d:creator>Ann</d:creator></a:entry></a:feed>"
    )
    entry = parse_feed(body.encode()).entries[0]
    assert (entry.title, entry.link, entry.authors) == ("T", "https://example.org/1", ("Ann",))


def test_a_truncated_document_gives_the_entries_before_the_cut() -> None:
    whole = rss("".join(item(f"Number {n}") for n in range(10)))
    feed = parse_feed(whole[: whole.index("Number 7")].encode())
    assert [entry.title for entry in feed.entries][:7] == [f"Number {n}" for n in range(7)]


def test_a_document_cut_anywhere_is_a_feed_or_a_format_error() -> None:
    whole = rss(item("One") + item("<![CDATA[Two & more]]>"), prolog="<?xml version='1.0'?>").encode()
    for length in range(len(whole)):
        try:
            parse_feed(whole[:length])
        except FeedFormatError as refused:
            assert refused.hint  # noqa: PT017 (either end is right)


def test_a_document_with_references_beyond_reason_ends_where_they_were_too_many() -> None:
    told = repair("<rss>" + "&lt;" * 300_001 + "<![CDATA[&]]>" + "&" * 300_001 + "<item/>")
    assert told.endswith("&amp;")
    assert told.count("&amp;") == 300_000


def test_repair_leaves_a_good_document_alone() -> None:
    good = rss(item("A &amp; B &#228; <![CDATA[& <b>]]>"))
    assert repair(good).replace("ä", "&#228;") == good


@pytest.mark.parametrize("reference", ["&#xD83D;", "&#55357;", "&#x00dfff", "&#xD8&#xD800;00;"])
@pytest.mark.parametrize("disguise", ["<!--", "<![CDATA["])
def test_half_a_character_is_gone_even_where_a_parser_sees_no_comment(disguise: str, reference: str) -> None:
    body = f"<rss><item x='{disguise}'><title>a{reference}b</title></item></rss>"
    assert title_of(body).startswith("a")
