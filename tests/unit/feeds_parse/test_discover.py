"""Discovery against sites that are dictionaries of pages; the parsing is real, the transport is the caller's."""

from digest.feeds.discover import Discovery, Page, discover, linked_feeds
from digest.feeds.document import ParsedDocument
from digest.feeds.errors import ParserTimeout
from digest.feeds.pool import read_document
from digest.feeds.process import Job
from tests.unit.feeds_parse.fixtures import read

HOME = "https://faehrmann.example/"
FEED = read("wordpress_de.xml")
COMMENTS = FEED.replace(b"<title>Der F", b"<title>Kommentare zu: Der F", 1)
PAGE = b"""<!doctype html><html><head><base href="/blog/">
<link rel="stylesheet" type="text/css" href="style.css">
<link rel='alternate' type="application/rss+xml" title="Kommentar-Feed" href="comments/feed/">
<LINK REL="alternate home" TYPE='application/rss+xml; charset=utf-8' HREF="feed/?a=1&amp;b=2">
<link rel=alternate type=application/atom+xml href=//faehrmann.example/atom.xml>
<link rel="alternate" type="application/json" href="https://faehrmann.example/wp-json/wp/v2/pages/1">
<link rel="alternate" hreflang="en" href="/en/">
</head><body>Hallo</body></html>"""


class Site:
    """Answers from a dictionary and remembers what it was asked for."""

    def __init__(self, pages: dict[str, bytes], moved: dict[str, str] | None = None) -> None:
        self.pages, self.moved = pages, moved or {}
        self.asked: list[str] = []

    async def fetch(self, url: str) -> Page | None:
        self.asked.append(url)
        final = self.moved.get(url, url)
        return Page(url=final, body=self.pages[final]) if final in self.pages else None

    async def read(self, page: Page) -> ParsedDocument:
        if page.body == b"slow":
            raise ParserTimeout("too slow")
        return read_document(Job(body=page.body, url=page.url, content_type=page.content_type))

    async def discovered(self, url: str = HOME) -> Discovery:
        return await discover(url, fetch=self.fetch, read=self.read)


def test_the_links_of_a_page_are_found_those_of_comments_last() -> None:
    assert linked_feeds(Page(url=HOME, body=PAGE)) == [
        "https://faehrmann.example/blog/feed/?a=1&b=2",
        "https://faehrmann.example/atom.xml",
        "https://faehrmann.example/blog/comments/feed/",
    ]


async def test_a_feed_is_its_own_discovery() -> None:
    site = Site({HOME: FEED})
    found = await site.discovered()
    assert found.winner is not None
    assert (found.winner.url, found.winner.entry_count, site.asked) == (HOME, 2, [HOME])


async def test_linked_feeds_are_verified_and_nothing_is_guessed_then() -> None:
    site = Site({HOME: PAGE, f"{HOME}blog/feed/?a=1&b=2": FEED, f"{HOME}blog/comments/feed/": COMMENTS})
    found = await site.discovered()
    assert [(feed.url, feed.is_comments) for feed in found.feeds] == [
        (f"{HOME}blog/feed/?a=1&b=2", False),
        (f"{HOME}blog/comments/feed/", True),
    ]
    assert found.winner == found.feeds[0]
    assert len(site.asked) == 4


async def test_two_feeds_of_articles_have_no_winner() -> None:
    site = Site({HOME: PAGE, f"{HOME}blog/feed/?a=1&b=2": FEED, f"{HOME}atom.xml": read("atom.xml")})
    found = await site.discovered()
    assert [feed.format for feed in found.feeds] == ["rss20", "atom10"]
    assert found.winner is None


async def test_a_silent_site_is_asked_at_the_usual_places_at_most_twelve_times() -> None:
    site = Site({f"{HOME}a/b/": b"<html><body>Hallo"})
    found = await site.discovered(f"{HOME}a/b/")
    assert (found.feeds, found.refusal) == ((), "html")
    assert len(site.asked) == 12
    assert site.asked[1:3] == [f"{HOME}feed/", f"{HOME}rss"]
    assert len(set(site.asked)) == 12


async def test_a_feed_at_a_usual_place_is_found() -> None:
    site = Site({HOME: b"<html>", f"{HOME}feed.json": read("feed.json")})
    found = await site.discovered()
    assert [feed.title for feed in found.feeds] == ["Ferry log"]


async def test_two_addresses_that_lead_to_one_feed_are_one() -> None:
    moved = {f"{HOME}blog/feed/?a=1&b=2": f"{HOME}atom.xml"}
    site = Site({HOME: PAGE, f"{HOME}atom.xml": read("atom.xml")}, moved)
    assert [feed.url for feed in (await site.discovered()).feeds] == [f"{HOME}atom.xml"]


async def test_a_page_that_cannot_be_read_is_no_feed_and_ends_nothing() -> None:
    site = Site({HOME: PAGE, f"{HOME}blog/feed/?a=1&b=2": b"slow", f"{HOME}atom.xml": read("atom.xml")})
    assert [feed.format for feed in (await site.discovered()).feeds] == ["atom10"]
    assert (await Site({HOME: b"slow"}).discovered()) == Discovery()
    assert (await Site({}).discovered()) == Discovery()


async def test_a_list_of_feeds_is_named_as_what_it_is() -> None:
    assert (await Site({HOME: b"<opml><body/></opml>"}).discovered()).refusal == "opml"
