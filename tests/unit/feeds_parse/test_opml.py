import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.opml import OpmlError, Outline, read_opml, write_opml

LIST = b"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="1.1">
  <head><title>Ann's feeds</title></head>
  <body>
    <outline text="News &amp; papers" title="ignored">
      <outline text="Local">
        <outline type="rss" text="Der F\xc3\xa4hrmann" xmlUrl="https://faehrmann.example/feed/" htmlUrl="https://faehrmann.example/"/>
      </outline>
      <outline text="No type" xmlurl=" https://ferry.example/atom.xml "/>
      <outline text="Twice" xmlUrl="http://www.ferry.example/atom.xml"/>
    </outline>
    <outline text="Old prefix" xmlUrl="feed://harbour.example/rss"/>
    <outline text="https://quiet.example/rss" xmlUrl="https://quiet.example/rss"/>
    <outline text="Nowhere" xmlUrl="javascript:alert(1)"/>
    <outline text="A folder without feeds"/>
  </body>
</opml>
"""


def test_a_list_gives_its_feeds_with_their_folders_as_tags() -> None:
    assert read_opml(LIST).outlines == (
        Outline(
            url="https://faehrmann.example/feed/",
            title="Der Fährmann",
            site_url="https://faehrmann.example/",
            tags=("News & papers", "Local"),
        ),
        Outline(url="https://ferry.example/atom.xml", title="No type", tags=("News & papers",)),
        Outline(url="https://harbour.example/rss", title="Old prefix"),
        Outline(url="https://quiet.example/rss"),
    )


def test_what_cannot_be_added_is_reported() -> None:
    found = read_opml(LIST)
    assert [outline.title for outline in found.duplicates] == ["Twice"]
    assert found.unusable == ("javascript:alert(1)",)


def test_export_import_export_is_identical() -> None:
    written = write_opml(read_opml(LIST).outlines, title="Feeds & more")
    again = read_opml(written.encode())
    assert write_opml(again.outlines, title="Feeds & more") == written
    assert set(again.outlines) == set(read_opml(LIST).outlines)
    assert written.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<opml version="2.0">')


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)


@given(st.lists(st.tuples(NAMES, st.lists(NAMES, max_size=3)), max_size=6))
def test_any_titles_and_folders_survive_the_round(feeds: list[tuple[str, list[str]]]) -> None:
    written = [
        Outline(url=f"https://example.org/{number}", title=title, tags=tuple(tags))
        for number, (title, tags) in enumerate(feeds)
    ]
    once = read_opml(write_opml(written, title="T").encode())
    text = write_opml(once.outlines, title="T")
    assert len(once.outlines) == len(feeds)
    assert write_opml(read_opml(text.encode()).outlines, title="T") == text


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no OPML"),
        (b"<rss/>", "no OPML"),
        (b"<html>", "no OPML"),
        (b"<opml/>", "no body"),
        (b"<opml><body>" + b"<outline/>" * 5_001 + b"</body></opml>", "5,000"),
        (
            b"<opml><body>" + b"<outline text='a'>" * 22 + b"<outline xmlUrl='https://e.example/'/>",
            "20 levels",
        ),
        (b"<opml><body>" + b" " * (5 * 1024 * 1024), "5 MiB"),
    ],
)
def test_a_list_beyond_the_limits_is_refused_in_a_sentence(body: bytes, reason: str) -> None:
    with pytest.raises(OpmlError, match=reason):
        read_opml(body)


def test_a_list_declares_no_entities() -> None:
    body = b"<!DOCTYPE opml [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>" + LIST.split(b"?>", 1)[1].replace(
        b"Old prefix", b"&x;"
    )
    assert "&x;" in [outline.title for outline in read_opml(body).outlines]
