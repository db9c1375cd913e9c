"""The demo's pages in a real Chromium: accessible, no overflow, nothing leaves the machine; in light and dark."""

import asyncio
import os
import shutil
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
MAIL = (
    b"From: Blauzeit <news@news.example>\r\nSubject: Eight new articles\r\nContent-Language: en\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/html; charset=utf-8\r\n\r\n<!DOCTYPE html><html lang='en'><head><title>x</title></head>"
    b"<body><h1>Hi</h1><script>document.title='ran'</script><img src='http://tracker.example/x.png' alt=''></body>"
)


@contextmanager
def chromium():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; set CHROMIUM to the path of one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def look_at(base_url, paths):
    """Faults found on the pages, as sentences."""
    faults = []

    def stayed_home(response):
        if not response.url.startswith(base_url):
            faults.append(f"asked {response.url}")

    def stopped_by_policy(request):
        if request.failure != "csp":
            faults.append(f"{request.url} failed: {request.failure}")

    with chromium() as browser:
        for scheme, width in (("light", 375), ("dark", 1024)):
            context = browser.new_context(
                viewport={"width": width, "height": 800}, color_scheme=scheme, locale="de-DE"
            )
            page = context.new_page()
            page.on("response", stayed_home)
            page.on("requestfailed", stopped_by_policy)
            for path in paths:
                page.goto(base_url + path)
                faults += [f"{path} {scheme} {width}: {fault}" for fault in faults_of(page)]
            context.close()
    return faults


def faults_of(page):
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}
    broken = Axe().run(page, options=rules).response["violations"]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        yield "overflow"
    if any("ran" in frame.title() for frame in page.frames):
        yield "a mail ran a script"
    yield from (f"{one['id']} {one['nodes'][0]['html'][:120]}" for one in broken)


async def test_every_page_is_accessible_fits_the_screen_and_asks_nobody_else(browser, mailbox, now):
    for name in ("ann", "ben", "cleo"):
        mailbox.keep(MAIL, return_path="", recipients=(f"{name}@example.org",), now=now)
    paths = [
        "/inbox/",
        "/inbox/1",
        "/inbox/2?show=phone",
        "/inbox/2?show=text",
        "/inbox/3?show=source",
        "/news/de",
        "/news/en/machine-that-asks-back",
    ]
    assert await asyncio.to_thread(look_at, str(browser.base_url).rstrip("/"), paths) == []
