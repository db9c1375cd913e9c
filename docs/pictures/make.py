"""Draw the pictures of the README and of docs/mails.md: the demo is run, and its mails are photographed in a real Chromium.

`make pictures` calls this; it needs `chromium` in the PATH. The demo serves its own images, so the pictures are taken
while it runs. Nothing else is asked for: no network but this machine.
"""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from playwright.async_api import Browser, Route, async_playwright

from digest.demo.run import Demo, demo
from digest.rendering import Templates, directories, samples

HERE: Final = Path(__file__).parent
ENGLISH: Final = "ben"
GERMAN: Final = "ann"
TELEPHONE: Final = 375
COLUMN: Final = 600
ARGUMENTS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

Source = Callable[[Demo], str]


def edition(reader: str) -> Source:
    """That reader's digest: the largest mail the demo sent to that person."""

    def html(running: Demo) -> str:
        theirs = [mail.html for mail in running.mailbox if mail.recipient.startswith(reader)]
        return max(theirs, key=len)

    return html


def system(kind: str, lang: str) -> Source:
    """A system mail, made of sample data."""

    def html(_: Demo) -> str:
        templates = Templates(directories(), publisher=samples.PUBLISHER, language="de")
        return templates.mail(kind, lang=lang, context=samples.system(kind)).html_text

    return html


class Shot(NamedTuple):
    """One picture: its file, the mail, how wide the window is, how much of the mail it shows, and in what state."""

    name: str
    source: Source
    width: int
    height: int = 1000
    is_dark: bool = False
    has_images: bool = True


SHOTS: Final = (
    Shot("digest.png", edition(ENGLISH), COLUMN),
    Shot("digest-dark.png", edition(GERMAN), TELEPHONE, is_dark=True),
    Shot("digest-telephone.png", edition(ENGLISH), TELEPHONE),
    Shot("digest-german.png", edition(GERMAN), COLUMN),
    Shot("digest-no-images.png", edition(ENGLISH), COLUMN, has_images=False),
    Shot("confirmation.png", system("confirmation", "en"), TELEPHONE, 960),
    Shot("confirmation-german-dark.png", system("confirmation", "de"), TELEPHONE, 960, is_dark=True),
    Shot("welcome-german.png", system("welcome", "de"), TELEPHONE, 960),
)


async def draw(chromium: str) -> None:
    """Run the demo and take every picture."""
    with tempfile.TemporaryDirectory() as mails:
        async with demo(Path(mails)) as running, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
            for shot in SHOTS:
                await take(browser, shot.source(running), shot)
            await browser.close()


async def take(browser: Browser, html: str, shot: Shot) -> None:
    """Show the mail as a reader sees it and keep the picture, once all its images are there."""
    context = await browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        device_scale_factor=2 if shot.name in {"digest.png", "digest-dark.png"} else 1,
        color_scheme="dark" if shot.is_dark else "light",
    )
    page = await context.new_page()
    if not shot.has_images:
        await page.route("**/*", _refused)
    await page.set_content(html, wait_until="networkidle")
    await page.screenshot(path=HERE / shot.name)
    await context.close()


async def _refused(route: Route) -> None:
    await route.abort()


if __name__ == "__main__":
    found = shutil.which("chromium")
    if found is None:
        sys.exit("There is no chromium in the PATH: install your system's package to draw the pictures.")
    asyncio.run(draw(found))
