"""A page under watch: it asks no other host, sets no cookie, stores nothing, and no script complains."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page


@contextmanager
def watched(browser: Browser, home: str, **options: Any) -> Iterator[Page]:
    """A page in a context of its own; what it did is judged at the end."""
    context = browser.new_context(reduced_motion="reduce", **options)
    page, foreign, complaints = context.new_page(), [], []
    page.on("request", lambda one: foreign.append(one.url) if not one.url.startswith(home) else None)
    page.on("console", lambda one: complaints.append(one.text) if "status of" not in one.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield page
        assert foreign == []
        assert complaints == []
        assert context.cookies() == []
        if options.get("java_script_enabled", True):
            assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    finally:
        context.close()
