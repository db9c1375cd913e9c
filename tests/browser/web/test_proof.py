"""The task against robots in a real browser: solved unnoticed, on our page and on the publisher's, and explained without scripts."""

import pytest
from playwright.sync_api import Browser

from digest.settings import ProofOfWork, Settings, Signup
from subscribers.models import SignupRequest
from tests.browser.web.axe import faults
from tests.browser.web.states import FIRST
from tests.browser.web.test_embed import foreign_page, snippet
from tests.browser.web.watching import watched
from tests.integration.web.conftest import Story

pytestmark = pytest.mark.browser


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"signup": Signup(proof_of_work=ProofOfWork.ON)})


def test_a_reader_signs_up_and_never_sees_the_task(browser: Browser, story: Story) -> None:
    home = story.site.url
    with watched(browser, home, locale="de", base_url=home) as page:
        page.goto("/subscribe?topic=ki")
        assert faults(page) == []
        page.fill("#email", "ben@example.org")
        story.site.clock.move(seconds=20)
        page.click(FIRST)
        page.wait_for_url("**/subscribe/check-inbox?lang=de")
    assert story.one(SignupRequest).address == "ben@example.org"


def test_the_publishers_page_solves_it_too(browser: Browser, story: Story) -> None:
    with foreign_page(snippet("script", story)) as url:
        page = browser.new_page()
        page.goto(url)
        page.fill("[name=email]", "ben@example.org")
        page.click("button")
        page.wait_for_selector("[role=status][data-state=done]")
        assert page.url == url
        page.close()
    assert story.one(SignupRequest).source == "article"


def test_without_scripts_the_page_says_where_to_write(browser: Browser, story: Story) -> None:
    home = story.site.url
    with watched(browser, home, locale="de", base_url=home, java_script_enabled=False) as page:
        page.goto("/subscribe?topic=ki")
        page.fill("#email", "ben@example.org")
        story.site.clock.move(seconds=20)
        page.click(FIRST)
        assert page.title().startswith("Fehler: ")
        assert page.input_value("#email") == "ben@example.org"
        assert "Schreib uns stattdessen" in page.inner_text("main")
    assert story.rows(SignupRequest) == []
