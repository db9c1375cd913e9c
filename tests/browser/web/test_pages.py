"""Every page as a person meets it: by keyboard, mistakes told first, with and without scripts, safe to open."""

import itertools
from collections.abc import Iterator, Mapping

import pytest
from playwright.sync_api import Browser, Page, expect

from digest.feeds.models import Article
from subscribers.models import Cadence, SubscriberState
from subscribers.tokens import Purpose
from tests.browser.web.states import FIRST, SAVE
from tests.browser.web.watching import watched
from tests.browser.web.world import ARTICLE_URL, World
from tests.integration.web.conftest import Story

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)  # how long we look before we say it never came
PHONE = {"width": 375, "height": 800}
WHERE = "document.activeElement.name || document.activeElement.textContent.trim().slice(0, 21)"


@pytest.fixture
def page(browser: Browser, worlds: Mapping[str, World]) -> Iterator[Page]:
    """A watched page in German, on the site where all is only shown."""
    home = worlds["de"].story.site.url
    with watched(browser, home, locale="de", viewport=PHONE, base_url=home) as found:
        yield found


def test_the_keyboard_reaches_everything_in_reading_order(page: Page) -> None:
    page.goto("/subscribe")
    reached = []
    for _ in range(28):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(WHERE))
    names = [name for name, _ in itertools.groupby(reached)]
    assert names[:10] == [
        "Beispiel-News", "email", "", "topic", "query", "Weitere eigene Themen", "cadence", "Kostenlos anmelden",
        "action", "Impressum",
    ]  # fmt: skip


def test_what_has_focus_is_never_hidden_by_the_bar_that_saves(
    page: Page, worlds: Mapping[str, World]
) -> None:
    page.goto(worlds["de"].link(Purpose.PREFERENCES, "ann"))
    page.focus("main input >> nth=0")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.bar *')"):
            break
        assert page.evaluate(
            "document.activeElement.getBoundingClientRect().bottom <= document.querySelector('.bar').getBoundingClientRect().top"
        ), page.evaluate(WHERE)
    assert page.evaluate("document.activeElement.value") == "save"


def test_an_error_is_told_first_and_leads_to_its_field(page: Page, worlds: Mapping[str, World]) -> None:
    page.goto("/subscribe")
    worlds["de"].story.site.clock.move(seconds=3)
    page.click(FIRST)
    assert page.title().startswith("Fehler: ")
    assert page.evaluate("document.activeElement.id") == "errors"
    page.click("#errors a")
    assert page.evaluate("document.activeElement.id") == "email"
    assert page.locator("#email").get_attribute("aria-invalid") == "true"


def test_a_long_list_of_topics_can_be_searched(page: Page) -> None:
    page.goto("/subscribe")
    page.fill("[type=search]", "KLIM")
    assert page.locator(".chips .choice:visible").all_inner_texts() == ["Klima und Energie"]
    page.fill("[type=search]", "quark")
    expect(page.locator(".chips + [role=status]")).to_contain_text("Kein solches Thema")
    page.keyboard.press("Enter")
    assert page.url.endswith("/subscribe"), "searching sends nothing"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ann@gmial.com", "ann@gmail.com"),
        ("ann@gmx.dee", "ann@gmx.de"),
        ("ann@wb.de", "ann@web.de"),
        ("ann@gmail.com", None),
        ("ann@example.org", None),
    ],
)
def test_a_slip_in_the_address_is_asked_about_and_never_changed_unasked(
    page: Page, typed: str, meant: str | None
) -> None:
    page.goto("/subscribe")
    page.fill("#email", typed)
    page.locator("#email").blur()
    assert page.input_value("#email") == typed
    asked = page.locator("#email + [role=status]")
    if meant is None:
        expect(asked).to_be_empty()
        return
    expect(asked).to_have_text(f"Meintest du {meant}?")
    asked.locator("button").click()
    assert page.input_value("#email") == meant


def test_matches_follow_what_is_typed_and_nothing_is_stored(page: Page, worlds: Mapping[str, World]) -> None:
    site = worlds["de"].story.site
    for path in ("/subscribe", worlds["de"].link(Purpose.PREFERENCES, "ann")):
        page.goto(path)
        before = site.dump()
        page.locator("#query").press_sequentially("Windkraft")
        expect(page.locator("#query-hits")).to_contain_text("2 Treffer")
        assert page.locator("#query-hits mark").first.inner_text() == "Windkraft"
        page.fill("#query", "((")
        expect(page.locator("#query-hits")).to_contain_text("An Stelle")
        assert site.dump() == before


@pytest.mark.parametrize("has_script", [True, False])
@pytest.mark.parametrize("lang", ["de", "en"])
def test_ann_signs_up_confirms_chooses_and_leaves(
    browser: Browser, story: Story, lang: str, *, has_script: bool
) -> None:
    site = story.site
    with watched(browser, site.url, locale=lang, base_url=site.url, java_script_enabled=has_script) as page:
        page.goto("/subscribe")
        page.fill("[name=email]", "cleo@example.org")
        page.check("[name=topic][value=ki]")
        page.fill("#query", "Windkraft -Offshore")
        page.check("[name=cadence][value=weekly]")
        page.select_option("[name=weekday]", "4")
        site.clock.move(seconds=20)
        page.click(FIRST)
        assert page.url.endswith("/subscribe/check-inbox?lang=" + lang)
        page.goto(story.confirm_path("cleo@example.org"))
        page.click(FIRST)
        assert story.person("cleo").cadence is Cadence.WEEKLY
        page.click("main .rows a >> nth=0")
        page.check("[name=topic][value=raumfahrt]")
        page.click(SAVE)
        assert page.locator("[role=status].good").count() == 1
        assert page.locator("[value=raumfahrt]").first.is_checked()
        page.click("main section:last-of-type .button")
        page.click(FIRST)
        cleo = story.person("cleo")
        assert (cleo.state, cleo.locale) == (SubscriberState.UNSUBSCRIBED, lang)


@pytest.mark.parametrize("has_script", [True, False])
def test_ben_follows_what_is_like_an_article_ends_it_and_follows_it_again(
    browser: Browser, worlds: Mapping[str, World], *, has_script: bool
) -> None:
    world = worlds["de"]
    story, name = world.story, "ben-with" if has_script else "ben-without"
    with watched(
        browser, story.site.url, locale="de", base_url=story.site.url, java_script_enabled=has_script
    ) as page:
        page.goto(f"/subscribe/similar?url={ARTICLE_URL}")
        assert "2 OF (" in page.input_value("#query")
        assert page.is_checked("[value=ukraine]")
        page.fill("#email", f"{name}@example.org")
        story.site.clock.move(seconds=20)
        page.click(FIRST)
        page.goto(story.confirm_path(f"{name}@example.org"))
        page.click(FIRST)
        page.click("main .rows a >> nth=0")
        own = page.locator("fieldset", has_text="Eigene Themen").locator(".choice")
        expect(own).to_contain_text("endet am")
        expect(own).to_contain_text("Rutte sucht nach Lösungen")


def test_links_opened_by_a_scanner_with_scripts_change_nothing(browser: Browser, story: Story) -> None:
    story.sign_up()
    paths = [story.confirm_path(), f"{story.path(Purpose.MUTE)}?a=1"]
    paths += [story.path(one) for one in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES, Purpose.ACCOUNT)]
    before = story.site.dump()
    with watched(browser, story.site.url, locale="de") as page:
        for path in paths:
            page.goto(story.site.url + path, wait_until="networkidle")
    assert story.site.dump() == before


def test_what_came_from_a_feed_runs_nothing_in_the_archive(browser: Browser, story: Story) -> None:
    with story.site.db.write() as session:
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
