"""Real feeds of real blogs, from HTTP to the digest: every link and title in the mails is one that a feed told."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import feedparser
import pytest

from digest.feeds.parse import parse_feed
from digest.feeds.urls import canonical_url
from tests.support.house import House, open_house
from tests.support.mail import fold, html_links, text_links

FOLDER = (
    Path(os.environ.get("FEED_CORPUS", Path(__file__).parents[3] / "shared" / "data" / "feeds")) / "smallweb"
)
NOW = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 23, 6, 0, 30, tzinfo=UTC)
FEEDS = 12


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path, f"sqlite:///{tmp_path / 'digest.db'}", at=NOW) as house:
        yield house


@pytest.mark.corpus
@pytest.mark.skipif(not FOLDER.is_dir(), reason="the public feed collection is not there: set FEED_CORPUS")
@pytest.mark.long
def test_digests_of_real_feeds_have_only_right_links_and_titles(house: House) -> None:
    told: dict[str, str] = {}
    for number, file in enumerate(sorted(FOLDER.iterdir())[:FEEDS]):
        body = file.read_bytes()
        house.feeds.publish(f"/{number}", body, content_type="application/xml")
        house.ok(
            "feeds", "add", house.feeds.url(f"/{number}"), "--no-check", "--trust", "own", "--backfill", "5"
        )
        told |= {entry.link: entry.title for entry in parse_feed(body).entries if entry.link}
        oracle = feedparser.parse(body)
        assert len(parse_feed(body).entries) == len(oracle.entries)
    house.ok(
        "topics",
        "add",
        "all",
        "--name",
        "All",
        "--query",
        "(code, web, people, time, year, work, world, data, day, new) in:all",
    )
    house.ok("subscribers", "add", "ann@example.org", "--topic", "all", "--lang", "en", "--consent", "form")
    house.tick()
    counts = house.tick(MORNING)
    assert counts["failed"] == counts["unknown"] == 0
    mail = house.one_mail()
    links = {
        link for link in text_links(mail.text) if not link.startswith((house.url, "https://news.example.org"))
    }
    assert links
    known = {canonical_url(link).split("://", 1)[-1]: title for link, title in told.items()}
    html = " ".join(unescape(mail.html).split())
    for link in links:
        title = known[link.split("://", 1)[-1]]
        assert link in {unescape(one) for one in html_links(mail.html)}
        assert fold(title)[:60] in html
