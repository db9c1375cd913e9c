"""The demo's pages over real HTTP on loopback."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.routing import Mount

from digest.demo import feedserver, inbox
from digest.demo.mailbox import Mailbox
from digest.demo.samples import Place
from digest.demo.serving import bound, serving
from digest.links import Links
from tests.conftest import NOW


@pytest.fixture
def mailbox(tmp_path) -> Mailbox:
    return Mailbox(tmp_path / "mails")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[tuple[httpx.AsyncClient, inbox.Inbox]]:
    """Inbox and publisher's site, served once for all tests of a file."""
    with bound(0) as listener:
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        place = Place(base_url=f"{base_url}{feedserver.PREFIX}", now=NOW)
        pages = inbox.Inbox(
            Mailbox(Path()), figures={"articles": "48 <"}, places={"publisher": place.base_url}
        )
        app = Starlette(
            routes=[
                Mount(inbox.PREFIX, inbox.inbox_site(pages)),
                Mount(feedserver.PREFIX, feedserver.news_site(place, Links(base_url))),
            ]
        )
        async with serving(app, listener), httpx.AsyncClient(base_url=base_url, trust_env=False) as client:
            yield client, pages


@pytest.fixture
def browser(site, mailbox) -> httpx.AsyncClient:
    """A client of those pages; the inbox shows this test's mailbox."""
    client, pages = site
    pages.mailbox = mailbox
    return client
