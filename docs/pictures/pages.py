"""Draw the readers' pages for the documentation: the browser tests' site, at the widths of a telephone, a tablet and a desk.

`python docs/pictures/pages.py` needs the development tools and `chromium` in the PATH; nothing but this machine is asked.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from digest.db import Database
from tests.browser.conftest import ARGUMENTS
from tests.browser.web.conftest import served
from tests.browser.web.states import states
from tests.browser.web.world import World
from tests.support.schema import create_tables

HERE: Final = Path(__file__).parent
WIDTHS: Final = {
    "subscribe": (375, 600, 1024),
    "preferences": (375, 1024),
    "similar": (600,),
    "confirm": (375,),
}
DARK: Final = frozenset({("subscribe", 600), ("preferences", 375)})
HEIGHT: Final = 900


def draw(browser: Browser, world: World) -> None:
    """Take each picture of one language's pages."""
    for state in states(world):
        for width in WIDTHS.get(state.name, ()):
            take(browser, world.story.site.url + state.path, HERE / f"{state.name}-{width}.png", width)


def take(browser: Browser, url: str, target: Path, width: int) -> None:
    """Show a page and keep what a reader sees first."""
    name = target.stem.rpartition("-")[0]
    context = browser.new_context(
        locale="en",
        color_scheme="dark" if (name, width) in DARK else "light",
        reduced_motion="reduce",
        viewport={"width": width, "height": HEIGHT},
    )
    page = context.new_page()
    page.goto(url, wait_until="networkidle")
    page.screenshot(path=target)
    context.close()


def main(chromium: str) -> None:
    """Write the story into a database of its own, serve it, and draw."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        url = f"sqlite:///{folder}/digest.db"
        database = Database(url)
        create_tables(database.engine)
        database.close()
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        with served(url) as worlds:
            draw(browser, worlds["en"])
        browser.close()


if __name__ == "__main__":
    found = shutil.which("chromium")
    if found is None:
        sys.exit("There is no chromium in the PATH: install your system's package to draw the pictures.")
    main(found)
