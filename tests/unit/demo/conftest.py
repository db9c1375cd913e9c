"""The demo's pages over real HTTP on loopback."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from digest.demo import feedserver, inbox
from digest.demo.mailbox import Mailbox
from digest.demo.samples import Place
from digest.demo.serving import bound, serving
from digest.links import Links


@pytest.fixture
def mailbox(tmp_path) -> Mailbox:
    return Mailbox(tmp_path / "mails")


@pytest.fixture
async def browser(mailbox, now) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the inbox and the publisher's site; its base address is theirs."""
    with bound(0) as listener:
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        place = Place(base_url=f"{base_url}{feedserver.PREFIX}", now=now)
        pages = inbox.Inbox(mailbox, figures={"articles": "48 <"}, places={"publisher": place.base_url})
        app = Starlette(
            routes=[
                Mount(inbox.PREFIX, inbox.inbox_site(pages)),
                Mount(feedserver.PREFIX, feedserver.news_site(place, Links(base_url))),
            ]
        )
        async with serving(app, listener), httpx.AsyncClient(base_url=base_url, trust_env=False) as client:
            yield client
