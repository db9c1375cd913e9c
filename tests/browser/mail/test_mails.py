"""Every mail in a real browser: readable for everyone, light and dark, at any width, and it asks nobody for anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route

from digest.rendering import KINDS, samples
from tests.support.mailroom import templates

pytestmark = pytest.mark.browser

Mode = Literal["light", "dark"]
MODES: tuple[Mode, ...] = ("light", "dark")
# A mail lives in the page of a mail program, which has the landmarks.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "rules": {"landmark-one-main": {"enabled": False}, "region": {"enabled": False}},
    "resultTypes": ["violations"],
}
# Anything may be asked for here but pictures of the articles, and those only because a mail shows them.
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="800"><rect width="1200" height="800" fill="#789"/></svg>'


def html(kind: str) -> str:
    if kind == "edition":
        return templates().mail("edition", lang="de", context=samples.edition(8, promos=2)).html_text
    return templates().mail(kind, lang="de", context=samples.system(kind)).html_text


@contextmanager
def shown(
    browser: Browser, source: str, *, mode: Mode = "light", width: int = 600
) -> Iterator[tuple[Page, list[str]]]:
    """The mail in a window of its own, and every address it asked for."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=200, content_type="image/svg+xml", body=PICTURE)

    with browser.new_context(
        color_scheme=mode, viewport={"width": width, "height": 900}, bypass_csp=True
    ) as context:
        page = context.new_page()
        page.route("**/*", answer)
        page.set_content(source)
        yield page, asked


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_everybody_can_read_it(browser: Browser, kind: str, mode: Mode) -> None:
    with shown(browser, html(kind), mode=mode) as (page, _):
        found = Axe().run(page, options=RULES).response["violations"]
    assert [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found] == []


@pytest.mark.parametrize("width", [320, 375, 599, 600, 800])
@pytest.mark.parametrize("kind", ["edition", "confirmation"])
def test_nothing_reaches_beyond_the_window(browser: Browser, kind: str, width: int) -> None:
    with shown(browser, html(kind), width=width) as (page, _):
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_its_style_sheets_nothing_reaches_beyond_the_window_either(browser: Browser) -> None:
    bare = html("edition").partition("<style")[0] + html("edition").rpartition("</style>")[2]
    with shown(browser, bare, width=375) as (page, _):
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
        assert page.evaluate("getComputedStyle(document.querySelector('.preheader')).display") == "none"


def test_it_asks_nobody_but_for_the_pictures_of_its_articles(browser: Browser) -> None:
    with shown(browser, html("edition")) as (page, asked):
        page.wait_for_load_state("networkidle")
    assert {address.split("/")[2] for address in asked} == {"pictures.example"}
    with shown(browser, html("confirmation")) as (page, asked):
        page.wait_for_load_state("networkidle")
    assert asked == []


def test_dark_mode_is_dark(browser: Browser) -> None:
    grounds = {}
    for mode in MODES:
        with shown(browser, html("edition"), mode=mode) as (page, _):
            grounds[mode] = page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor")
    assert grounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(30, 34, 38)"}


def test_links_to_act_on_are_large_enough_for_a_thumb(browser: Browser) -> None:
    with shown(browser, html("confirmation"), width=375) as (page, _):
        box = page.locator(".button").bounding_box()
    assert box is not None
    assert box["height"] >= 44
