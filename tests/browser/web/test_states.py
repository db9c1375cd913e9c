"""Every page in every state: accessible in light and dark, in both languages, and no wider than a small telephone."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.web.axe import Judge
from tests.browser.web.conftest import LANGUAGES
from tests.browser.web.states import State, states
from tests.browser.web.watching import watched
from tests.browser.web.world import World

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.xdist_group("states")]
SMALL = {"width": 320, "height": 640}


def reach(page: Page, world: World, state: State) -> int:
    """Bring the page into a state; the status of the last answer."""
    site = world.story.site
    answer = page.goto(site.url + state.path)
    for field, value in state.fill.items():
        page.check(field) if value == "on" else page.fill(field, value)
    if state.press:
        site.clock.move(seconds=3)
        with page.expect_navigation() as navigation:
            page.click(state.press)
        answer = navigation.value
    assert answer is not None
    return answer.status


def looked_at(page: Page, world: World, chosen: Iterable[State], judge: Judge) -> list[Any]:
    """What is wrong with some states, each told by its name."""
    found: list[Any] = []
    for state in chosen:
        status = reach(page, world, state)
        found += [(state.name, *fault) for fault in judge.faults(page)]
        width = page.evaluate("document.documentElement.scrollWidth")
        told = page.evaluate("document.documentElement.lang")
        if (status, width <= 320, told) != (state.status, True, world.lang):
            found.append((state.name, status, width, told))
    return found


@pytest.fixture(scope="module")
def judge() -> Judge:
    """One for all languages."""
    return Judge()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_state_is_accessible_and_fits_a_small_telephone(
    browser: Browser, worlds: Mapping[str, World], judge: Judge, lang: str
) -> None:
    world = worlds[lang]
    pages = [one for one in states(world) if not one.is_mail]
    with watched(browser, world.story.site.url, locale=lang, viewport=SMALL) as page:
        wrong = looked_at(page, world, pages, judge)
    assert wrong == [], "\n".join(map(str, wrong))


def test_a_mail_in_the_browser_is_accessible_too(
    browser: Browser, worlds: Mapping[str, World], judge: Judge
) -> None:
    """Sandboxed pages let no script of ours in, so here the policy is set aside."""
    for lang, world in worlds.items():
        mails = [one for one in states(world) if one.is_mail]
        context = browser.new_context(bypass_csp=True, reduced_motion="reduce", locale=lang, viewport=SMALL)
        assert looked_at(context.new_page(), world, mails, judge) == []
        context.close()
