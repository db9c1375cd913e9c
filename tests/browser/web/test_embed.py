"""The snippets of docs/how-to/embed.md, word for word, on a page of another site."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from typing_extensions import override

from digest.settings import Embed
from subscribers.models import SignupRequest
from tests.integration.web.conftest import Story

pytestmark = pytest.mark.browser
DOCUMENT = Path(__file__).parents[3] / "docs" / "how-to" / "embed.md"


def snippet(name: str, story: Story) -> str:
    """A snippet as the guide prints it, with the address of this site."""
    text = DOCUMENT.read_text(encoding="utf-8")
    found = re.search(rf"<!-- snippet: {name} -->\n```html\n(.*?)```", text, re.DOTALL)
    assert found, f"the guide has no snippet {name}"
    return found[1].replace("https://news.example.org", story.site.url)


@contextmanager
def foreign_page(body: str) -> Iterator[str]:
    """A page under `localhost`: another site than `127.0.0.1`, where another port would only be another origin."""
    document = f'<!DOCTYPE html><html lang="de"><meta charset="utf-8"><title>x</title>{body}'.encode()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(document)

        @override
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://localhost:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_plain_form_leads_to_our_page(browser: Browser, story: Story) -> None:
    with foreign_page(snippet("plain", story)) as url:
        page = browser.new_page()
        page.goto(url)
        page.fill("[name=email]", "ben@example.org")
        page.click("button")
        assert page.url == f"{story.site.url}/subscribe/check-inbox?lang=de"
        page.close()
    request = story.one(SignupRequest)
    assert (request.source, request.page) == ("footer", url)


def test_the_script_keeps_the_reader_on_the_page(browser: Browser, story: Story) -> None:
    with foreign_page(snippet("script", story)) as url:
        page = browser.new_page()
        page.goto(url)
        page.fill("[name=email]", "ben@example")
        page.click("button")
        page.wait_for_selector("[role=status][data-state=error]")
        assert page.locator("[name=email]").get_attribute("aria-invalid") == "true"
        page.fill("[name=email]", "ben@example.org")
        page.click("button")
        page.wait_for_selector("[role=status][data-state=done]")
        assert page.url == url
        assert "Postfach" in page.inner_text("[role=status]") or "Beispiel-News" in page.inner_text(
            "[role=status]"
        )
        page.close()
    assert story.one(SignupRequest).source == "article"


def test_when_the_call_fails_the_form_is_simply_submitted(browser: Browser, story: Story) -> None:
    with foreign_page(snippet("script", story)) as url:
        page = browser.new_page()
        page.goto(url)
        page.route(
            "**/subscribe",
            lambda route: route.abort() if route.request.resource_type == "fetch" else route.continue_(),
        )
        page.fill("[name=email]", "ben@example.org")
        page.click("button")
        page.wait_for_url("**/subscribe/check-inbox?lang=de")
        page.close()
    assert story.one(SignupRequest).address == "ben@example.org"


def test_a_frame_answers_inside_itself(browser: Browser, story: Story) -> None:
    with foreign_page(snippet("frame", story)) as url:
        page = browser.new_page()
        page.goto(url)
        frame = page.frame_locator("iframe")
        frame.locator("[name=email]").wait_for()
        story.site.clock.move(seconds=5)
        frame.locator("button").first.click()
        frame.locator("[role=alert]").wait_for()
        frame.locator("[name=email]").fill("ben@example.org")
        story.site.clock.move(seconds=5)
        frame.locator("button").first.click()
        frame.get_by_text("Fast geschafft").wait_for()
        assert page.url == url
        page.close()
    assert story.one(SignupRequest).source == "iframe"


def test_listed_origins_shut_other_pages_out(browser: Browser, story: Story) -> None:
    runtime = story.site.runtime
    embed = Embed(origins=["https://www.example.org"])
    object.__setattr__(runtime, "settings", runtime.settings.model_copy(update={"embed": embed}))
    with foreign_page(snippet("plain", story)) as url:
        page = browser.new_page()
        page.goto(url)
        page.fill("[name=email]", "ben@example.org")
        with page.expect_navigation() as navigation:
            page.click("button")
        assert navigation.value is not None
        assert navigation.value.status == 403
        page.close()
    with foreign_page(snippet("frame", story)) as url:
        page = browser.new_page()
        page.goto(url)
        assert page.frame_locator("iframe").locator("form").count() == 0
        page.close()
    assert story.rows(SignupRequest) == []
