"""Draw the pictures of the README: the demo is run, and one of its mails is photographed in a real Chromium.

`make pictures` calls this; it needs `chromium` in the PATH. The demo serves its own images, so the pictures are taken
while it runs. Nothing else is asked for: no network but this machine.
"""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from playwright.async_api import Browser, async_playwright

from digest.demo.mailbox import CaughtMail
from digest.demo.run import Demo, demo

HERE: Final = Path(__file__).parent
READER: Final = "ann"
ARGUMENTS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


class Shot(NamedTuple):
    """One picture: its file, how wide the window is, how much of the mail it shows, and in which colours."""

    name: str
    width: int
    height: int
    is_dark: bool


SHOTS: Final = (
    Shot("digest.png", width=600, height=1000, is_dark=False),
    Shot("digest-dark.png", width=375, height=1000, is_dark=True),
)


async def draw(chromium: str) -> None:
    """Run the demo and take every picture of its first edition."""
    with tempfile.TemporaryDirectory() as mails:
        async with demo(Path(mails)) as running, async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
            for shot in SHOTS:
                await take(browser, edition(running), shot)
            await browser.close()


def edition(running: Demo) -> CaughtMail:
    """The reader's digest: the largest mail the demo sent to that person."""
    theirs = [mail for mail in running.mailbox if mail.recipient.startswith(READER)]
    return max(theirs, key=lambda mail: len(mail.html))


async def take(browser: Browser, mail: CaughtMail, shot: Shot) -> None:
    """Show the mail as a reader sees it and keep the picture, once all its images are there."""
    context = await browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        device_scale_factor=2,
        color_scheme="dark" if shot.is_dark else "light",
    )
    page = await context.new_page()
    await page.set_content(mail.html, wait_until="networkidle")
    await page.screenshot(path=HERE / shot.name)
    await context.close()


if __name__ == "__main__":
    found = shutil.which("chromium")
    if found is None:
        sys.exit("There is no chromium in the PATH: install your system's package to draw the pictures.")
    asyncio.run(draw(found))
