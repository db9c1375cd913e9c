"""What the demo stands on: settings nobody had to write, a fresh database, the sample story in it, and all pages as one app."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from digest import migrations, runtime
from digest.db import Database
from digest.demo import catcher, feedserver, inbox, serving, story
from digest.demo.inbox import Inbox
from digest.demo.samples import NAMES, Place, sample_feed
from digest.feeds.exchange import Policy
from digest.feeds.models import Trust
from digest.feeds.registry import add_feed
from digest.links import Links
from digest.mail.dkim import new_key
from digest.runtime import Clock, Runtime
from digest.settings import Brand, Dkim, Fetch, Imprint, Sender, Settings, Site, Smtp, Tls
from digest.web.app import create_app

_DOMAIN: Final = "news.example"
_SELECTOR: Final = "demo"
_NEIGHBOUR: Final = "halbinsel"
"""The one sample feed that is not the publisher's own."""


def demo_settings(work: Path, *, place: Place, base_url: str, smtp_port: int) -> Settings:
    """Settings as a publisher would have them, with fresh keys; nothing comes from the environment."""
    front, about = place.home(sample_feed(NAMES[0])), f"{place.base_url}/about"
    return Settings(
        database_url=f"sqlite:///{work / 'demo.db'}",
        secret_key=SecretStr(secrets.token_hex(32)),
        base_url=base_url,
        site=Site(name="Blauzeit", url=front),
        brand=Brand(accent="#2b3aa0", accent_dark="#a9bcff"),
        sender=Sender(name="Blauzeit", address=f"news@{_DOMAIN}"),
        imprint=Imprint(
            name="Blauzeit Verlag (frei erfunden)",
            address="Musterweg 1, 12345 Musterstadt",
            url=about,
            privacy_url=f"{about}#privacy",
        ),
        smtp=Smtp(host=catcher.HOST, port=smtp_port, tls=Tls.NONE, connections=2),
        dkim=Dkim(domain=_DOMAIN, selector=_SELECTOR, key_file=_dkim_key(work)),
        fetch=Fetch(allow_private=True),
    )


@contextmanager
def prepared(settings: Settings, *, place: Place, clock: Clock) -> Iterator[Runtime]:
    """A runtime on a new database that knows topics, readers and feeds, ready to send."""
    db = Database(settings.database_url)
    try:
        migrations.upgrade(db)
    finally:
        db.close()
    with runtime.started(settings, clock=clock) as parts:
        runtime.require_sending(parts)
        with parts.db.write() as session:
            story.seed_topics(session, now=place.now)
            story.seed_readers(session, now=place.now, hasher=parts.hasher)
            for name in NAMES:
                add_feed(
                    session,
                    _feed_url(name, place),
                    trust=Trust.THIRD if name == _NEIGHBOUR else Trust.OWN,
                    now=place.now,
                    policy=Policy(allow_private=True),
                    backfill=len(sample_feed(name).articles),
                )
        yield parts


def demo_app(parts: Runtime, pages: Inbox, place: Place) -> Starlette:
    """Inbox, publisher and the reader's pages under one address."""
    web = create_app(parts)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with web.router.lifespan_context(web):  # a mounted app is not started by itself
            yield

    return Starlette(
        routes=[
            *_mounted(inbox.PREFIX, inbox.inbox_site(pages)),
            *_mounted(feedserver.PREFIX, feedserver.news_site(place, parts.links)),
            Mount("/", web),
        ],
        lifespan=lifespan,
    )


def _mounted(prefix: str, site: Starlette) -> list[BaseRoute]:
    """A site at its prefix, and at the prefix without the last slash: people type that."""

    async def to_home(_: Request) -> Response:
        return RedirectResponse(f"{prefix}/")

    return [Route(prefix, to_home), Mount(prefix, site)]


def places(place: Place, links: Links) -> dict[str, str]:
    """Where a newcomer may go from the inbox."""
    return {"publisher": place.home(sample_feed(NAMES[0])), "sign_up": links.subscribe()}


def _feed_url(name: str, place: Place) -> str:
    """Where a sample feed is asked; the neighbour has a host of its own, for two feeds of one host are asked at once."""
    url = place.feed(sample_feed(name))
    return url.replace("//localhost:", f"//{serving.HOST}:") if name == _NEIGHBOUR else url


def _dkim_key(work: Path) -> Path:
    _, pem = new_key(selector=_SELECTOR)
    file = work / "dkim.pem"
    file.touch(mode=0o600)
    file.write_bytes(pem)
    return file
