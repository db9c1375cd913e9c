"""A real Chromium from the PATH; without one, browser tests are skipped with a message (CI always has it)."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

IS_REQUIRED = "DIGEST_TESTS_REQUIRE_BROWSER" in os.environ
"""Read when this file is, before the tests' own environment is cleaned."""
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests; each test opens contexts of its own."""
    path = shutil.which("chromium")
    if path is None and IS_REQUIRED:
        pytest.fail("no chromium in PATH, and here the browser tests must run")
    if path is None:
        pytest.skip("no chromium in PATH: install Debian's package to run the browser tests")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield chromium
        chromium.close()
