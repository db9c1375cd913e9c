"""Every mail in a real browser: readable for everyone, light and dark, at any width, and it asks nobody for anything."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, FloatRect, Page, Route

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


class Window:
    """One page for all mails: opening it costs more than showing a mail in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        page.route("**/*", self._answer)

    def show(self, source: str, *, width: int = 600) -> Page:
        """The mail at this width; `asked` holds every address it asks for from now on."""
        self.asked.clear()
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.set_content(source)
        return self.page

    def _answer(self, route: Route) -> None:
        self.asked.append(route.request.url)
        route.fulfill(status=200, content_type="image/svg+xml", body=PICTURE)


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Window]:
    with browser.new_context(bypass_csp=True) as context:
        yield Window(context.new_page())


@pytest.mark.parametrize("kind", KINDS)
def test_everybody_can_read_it(window: Window, kind: str) -> None:
    page = window.show(html(kind))
    for mode in MODES:
        page.emulate_media(color_scheme=mode)
        found = Axe().run(page, options=RULES).response["violations"]
        assert [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found] == [], mode


def longest_words() -> str:
    """An edition in which topics, headlines, sources and finds are one word of German."""
    word = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    context = samples.edition(8, promos=2)
    context["promos"][0] = {**context["promos"][0], "title": word, "advertiser": word}
    for section in context["sections"]:
        section["topic"] = word
        for item in section["items"]:
            change: Any = {"title": word, "teaser": word, "source": word, "also_topics": [word]}
            item.update(change)
    return templates().mail("edition", lang="de", context=context).html_text


@pytest.mark.parametrize("name", ["edition", "confirmation", "longest words"])
def test_nothing_reaches_beyond_the_window(window: Window, name: str) -> None:
    page = window.show(longest_words() if name == "longest words" else html(name))
    for width in (320, 375, 599, 600, 800):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_its_style_sheets_nothing_reaches_beyond_the_window_either(window: Window) -> None:
    bare = html("edition").partition("<style")[0] + html("edition").rpartition("</style>")[2]
    page = window.show(bare, width=375)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert page.evaluate("getComputedStyle(document.querySelector('.preheader')).display") == "none"


def test_it_asks_nobody_but_for_the_pictures_of_its_articles(browser: Browser) -> None:
    with browser.new_context() as context:  # one that has not kept any picture
        window = Window(context.new_page())
        window.show(html("edition")).wait_for_load_state("networkidle")
        assert {address.split("/")[2] for address in window.asked} == {"pictures.example"}
        window.show(html("confirmation")).wait_for_load_state("networkidle")
        assert window.asked == []


def test_dark_mode_is_dark(window: Window) -> None:
    page = window.show(html("edition"))
    grounds = {}
    for mode in MODES:
        page.emulate_media(color_scheme=mode)
        grounds[mode] = page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor")
    assert grounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(30, 34, 38)"}


def test_links_to_act_on_are_large_enough_for_a_thumb(window: Window) -> None:
    page = window.show(html("confirmation"), width=375)
    assert [box["height"] >= 44 for box in boxes(page, ".button")] == [True]
    page = window.show(html("edition"), width=375)
    assert [box["height"] >= 36 for box in boxes(page, ".foot-links .link")] == [True, True, True]
    assert all(box["height"] >= 24 for box in boxes(page, ".less"))


def boxes(page: Page, selector: str) -> list[FloatRect]:
    return [box for each in page.locator(selector).all() if (box := each.bounding_box()) is not None]
