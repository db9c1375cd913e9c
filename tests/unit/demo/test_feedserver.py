from html import unescape

import feedparser
import pytest

from digest.demo.samples import NAMES, sample_feed

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("name", NAMES)
async def test_a_feed_is_served_once_and_then_unchanged(browser, name):
    first = await browser.get(f"/news/feeds/{name}")
    assert first.status_code == 200
    for header, validator in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")):
        again = await browser.get(f"/news/feeds/{name}", headers={header: first.headers[validator]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]


async def test_another_validator_gets_the_whole_feed(browser):
    modified = (await browser.get("/news/feeds/blauzeit")).headers["Last-Modified"]
    for headers in (
        {"If-None-Match": '"older"'},
        {"If-Modified-Since": "Sat, 21 Nov 2026 06:00:00 GMT"},
        {"If-None-Match": '"older"', "If-Modified-Since": modified},
    ):
        assert (await browser.get("/news/feeds/blauzeit", headers=headers)).status_code == 200


async def test_every_link_and_image_in_the_feeds_can_be_opened(browser):
    for name in ("blauzeit", "blauzeit-world"):
        parsed = feedparser.parse((await browser.get(f"/news/feeds/{name}")).content)
        for entry in parsed.entries:
            shown = await browser.get(entry.link)
            assert shown.status_code == 200
            assert entry.title in unescape(shown.text)
    for item in (await browser.get("/news/feeds/halbinsel")).json()["items"]:
        assert (await browser.get(item["url"])).status_code == 200
        if "image" in item:
            assert (await browser.get(item["image"])).headers["content-type"] == "image/png"


async def test_an_article_offers_similar_news_by_mail(browser):
    shown = await browser.get("/news/de/chip-aus-dresden-rechnet-mit-licht")
    assert "/subscribe/similar?url=" in shown.text


async def test_a_front_page_shows_every_article_of_its_feed(browser):
    shown = unescape((await browser.get("/news/en")).text)
    assert all(article.title in shown for article in sample_feed("blauzeit-world").articles)
    assert (await browser.get("/news/", follow_redirects=True)).url.path == "/news/de"


@pytest.mark.parametrize(
    "path", ["feeds/x", "images/x.png", "images/..%2f..%2fblauzeit.toml", "nowhere", "de/nothing"]
)
async def test_what_does_not_exist_is_not_found(browser, path):
    assert (await browser.get(f"/news/{path}")).status_code == 404
