"""Every page as a person meets it: readable, operable by keyboard, at 320 px, in light and dark, with no stray request."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from subscribers.tokens import Purpose
from tests.integration.web.conftest import Story

pytestmark = pytest.mark.browser
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
AXE = Axe()


@contextmanager
def opened(browser: Browser, story: Story, **options: object) -> Iterator[Page]:
    """A page in a context of its own; at the end nothing foreign was asked for, no cookie set, no script complained."""
    context = browser.new_context(**{"locale": "de", "viewport": {"width": 375, "height": 800}} | options)  # type: ignore[arg-type]
    page, foreign, complaints = context.new_page(), [], []
    page.on(
        "request", lambda one: foreign.append(one.url) if not one.url.startswith(story.site.url) else None
    )
    page.on("console", lambda one: complaints.append(one.text) if "status of" not in one.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page
        assert foreign == []
        assert complaints == []
        assert context.cookies() == []
        assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    finally:
        context.close()


def states(story: Story) -> Iterator[tuple[str, str]]:
    """Every page with the button to press on it, errors included."""
    story.sign_up("ben@example.org", query="Windkraft")
    confirm, preferences = story.confirm_path("ben@example.org"), story.path(Purpose.PREFERENCES)
    account, leave = story.path(Purpose.ACCOUNT), story.path(Purpose.UNSUBSCRIBE)
    mute = f"{story.path(Purpose.MUTE)}?a=1"
    yield from (("/", ""), ("/subscribe", ""), ("/subscribe?topic=ki", ""), ("/subscribe/check-inbox", ""))
    yield from (("/subscribe", "main form button >> nth=0"), ("/subscribe", "button[value=preview]"))
    yield from (
        ("/manage", ""),
        ("/manage", "main form button"),
        ("/archive", ""),
        ("/embed/form", ""),
        ("/nope", ""),
    )
    yield from ((confirm, ""), (confirm, "main form button >> nth=0"), (confirm, ""))
    yield from ((preferences, ""), (account, ""), (account, ".danger"), (account, "button[value=save]"))
    yield from (
        (account, "button[value=date]"),
        (account, "button[value='1w']"),
        (account, "button[value=resume]"),
    )
    yield from ((preferences, "form[action$=export] button"), (mute, ""), (mute, "button[value='source:7']"))
    yield from (
        (leave, ""),
        (leave, "main form button"),
        (preferences, ""),
        (account, ""),
        (leave, "form[action$=reason] button"),
    )
    yield from ((leave, "form[action$=undo] button"),)


def visit(page: Page, story: Story, path: str, button: str) -> None:
    page.goto(story.site.url + path)
    if button:
        story.site.clock.move(seconds=3)
        page.click(button)
        page.wait_for_load_state()


@pytest.mark.parametrize(("scheme", "lang"), [("light", "de"), ("dark", "en")])
def test_every_page_state_passes_axe_and_fits_320_pixels(
    browser: Browser, story: Story, scheme: str, lang: str
) -> None:
    size = {"width": 320, "height": 640}
    with opened(browser, story, color_scheme=scheme, locale=lang, viewport=size) as page:
        for path, button in states(story):
            visit(page, story, path, button)
            found = AXE.run(page, options={"runOnly": RULES}).response["violations"]
            told = [(one["id"], [node["html"][:150] for node in one["nodes"]]) for one in found]
            assert told == [], (path, button)
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, (path, button)
            assert page.evaluate("document.documentElement.lang") in {lang, "de"}


def test_the_keyboard_reaches_everything_in_reading_order(browser: Browser, story: Story) -> None:
    with opened(browser, story) as page:
        page.goto(f"{story.site.url}/subscribe")
        reached = []
        for _ in range(14):
            page.keyboard.press("Tab")
            reached.append(
                page.evaluate(
                    "document.activeElement.name || document.activeElement.textContent.trim().slice(0, 21)"
                )
            )
        names = [name for name, _ in itertools.groupby(reached)]
        assert names[:9] == [
            "Beispiel-News", "email", "topic", "query", "Weitere eigene Themen", "cadence", "Kostenlos anmelden", "action", "Impressum",
        ]  # fmt: skip


def test_an_error_is_told_first_and_leads_to_its_field(browser: Browser, story: Story) -> None:
    with opened(browser, story) as page:
        visit(page, story, "/subscribe", "main form button >> nth=0")
        assert page.title().startswith("Fehler: ")
        assert page.evaluate("document.activeElement.id") == "errors"
        page.click("#errors a")
        assert page.evaluate("document.activeElement.id") == "email"
        assert page.locator("#email").get_attribute("aria-invalid") == "true"


@pytest.mark.parametrize("has_script", [True, False])
@pytest.mark.parametrize("lang", ["de", "en"])
def test_ann_signs_up_confirms_chooses_and_leaves(
    browser: Browser, story: Story, lang: str, *, has_script: bool
) -> None:
    with (
        opened(browser, story, java_script_enabled=True, locale=lang)
        if has_script
        else _plain(browser, lang) as page
    ):
        page.goto(f"{story.site.url}/subscribe")
        page.fill("[name=email]", "cleo@example.org")
        page.check("[name=topic][value=ki]")
        page.fill("#query", "Windkraft -Offshore")
        page.check("[name=cadence][value=weekly]")
        page.select_option("[name=weekday]", "4")
        story.site.clock.move(seconds=20)
        page.click("main form button >> nth=0")
        assert page.url.endswith("/subscribe/check-inbox?lang=" + lang)
        page.goto(story.site.url + story.confirm_path("cleo@example.org"))
        page.click("main form button >> nth=0")
        assert story.person("cleo").cadence == "weekly"
        page.click("main .rows a >> nth=0")
        page.check("[name=topic][value=raumfahrt]")
        page.click("button[value=save]")
        assert page.locator("[role=status].good").count() == 1
        assert page.locator("[value=raumfahrt]").first.is_checked()
        page.click("main hr + p a")
        page.click("main form button >> nth=0")
        assert story.person("cleo").state == "unsubscribed"
        assert story.person("cleo").locale == lang


@contextmanager
def _plain(browser: Browser, lang: str) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False, locale=lang)
    yield context.new_page()
    context.close()


def test_links_opened_by_a_scanner_with_scripts_change_nothing(browser: Browser, story: Story) -> None:
    story.sign_up()
    paths = [story.confirm_path(), f"{story.path(Purpose.MUTE)}?a=1"]
    paths += [story.path(one) for one in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES, Purpose.ACCOUNT)]
    before = story.site.dump()
    with opened(browser, story) as page:
        for path in paths:
            page.goto(story.site.url + path)
            page.wait_for_load_state("networkidle")
    assert story.site.dump() == before


def test_what_came_from_a_feed_runs_nothing_in_the_archive(browser: Browser, story: Story) -> None:
    with story.site.db.write() as session:
        from digest.feeds.models import Article

        article = session.get_one(Article, 1)
        article.title = '<script>document.title="owned"</script><img src=x onerror="document.title=1">'
        article.summary = '<svg onload="document.title=2">'
    context = browser.new_context(locale="de")
    page = context.new_page()
    page.goto(f"{story.site.url}/archive/2026-11-22")
    assert page.title() not in {"owned", "1", "2"}
    assert page.locator("script, svg").count() == 0
    assert page.evaluate("window.origin") == "null", "the page is sandboxed"
    context.close()
