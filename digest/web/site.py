"""What a handler needs, in one frozen value: the runtime, the writer, the limits, the counters, the pages.

`create_app` makes it once; a handler gets it with `site_of(request)`.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from babel import Locale
from sqlmodel import Session
from starlette.requests import Request

from digest.db import Database
from digest.links import Links
from digest.runtime import Runtime
from digest.settings import Settings
from digest.web.assets import Asset
from digest.web.catalogue import Catalogue
from digest.web.formcache import FormCache
from digest.web.limits import Limits, Network, client_address
from digest.web.metrics import Metrics
from digest.web.orders import Order
from digest.web.proof import Proofs
from digest.web.writer import Writer
from subscribers.hashing import AddressHasher
from subscribers.tokens import LIFETIMES, Purpose, Signer

T = TypeVar("T")
PREFERENCES_LIFE = LIFETIMES[Purpose.PREFERENCES] or timedelta()


@dataclass(frozen=True, slots=True)
class Site:
    """One app's composition; everything in it is shared by all requests."""

    runtime: Runtime
    writer: Writer[Order]
    limits: Limits
    metrics: Metrics
    catalogue: Catalogue
    forms: FormCache
    proofs: Proofs
    assets: Mapping[str, Asset]
    proxies: tuple[Network, ...]
    origin: str
    """Scheme, host and port of our own pages, as a browser sends it."""
    paths: Links
    """The addresses of our pages without scheme and host: for links between pages."""

    @property
    def settings(self) -> Settings:
        """What the operator set."""
        return self.runtime.settings

    @property
    def db(self) -> Database:
        """For looking only; what changes goes through the writer."""
        return self.runtime.db

    @property
    def links(self) -> Links:
        """The maker of public addresses."""
        return self.runtime.links

    @property
    def signer(self) -> Signer:
        """The maker and reader of tokens."""
        return self.runtime.signer

    @property
    def hasher(self) -> AddressHasher:
        """Hashes addresses for lists that outlive them."""
        return self.runtime.hasher

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes of the languages there are, sorted."""
        return tuple(sorted(self.runtime.templates.languages))

    @property
    def publisher(self) -> str:
        """Who answers for the newsletter, by name."""
        return self.settings.imprint.name or self.settings.site.name

    @property
    def contact(self) -> str:
        """The address that people can write to, or ""."""
        return self.settings.sender.reply_to or self.settings.sender.address

    @property
    def sender(self) -> str:
        """Whom the mails are from, by name."""
        return self.settings.sender.name or self.settings.site.name

    def locale(self, code: str) -> Locale:
        """How a language writes dates, days and its own name."""
        return Locale.parse(code)

    def preferences(self, public_id: UUID, version: int) -> str:
        """The path of somebody's preference centre, with the least power and for a year."""
        expires_at = self.now() + PREFERENCES_LIFE
        return self.paths.preferences(
            self.signer.sign(Purpose.PREFERENCES, public_id, version=version, expires_at=expires_at)
        )

    def unsubscribe(self, public_id: UUID) -> str:
        """The path where somebody can leave."""
        return self.paths.unsubscribe(self.signer.sign(Purpose.UNSUBSCRIBE, public_id))

    def now(self) -> datetime:
        """The time, aware UTC."""
        return self.runtime.clock()

    async def read(self, look: Callable[[Session], T]) -> T:
        """Look something up without holding the event loop."""
        return await asyncio.to_thread(self._look, look)

    def client(self, request: Request) -> str | None:
        """The address of the visitor, never stored or logged; None where only a proxy is known."""
        state = request.scope.setdefault("state", {})
        if "client" not in state:
            peer = request.client.host if request.client else None
            state["client"] = client_address(peer, request.headers, self.proxies)
        found: str | None = state["client"]
        return found

    def _look(self, look: Callable[[Session], T]) -> T:
        with self.db.read() as session:
            return look(session)


def site_of(request: Request) -> Site:
    """The composition of the app that got this request."""
    site: Site = request.app.state.site
    return site


def origin_of(base_url: str) -> str:
    """`https://news.example.org` of `https://news.example.org/mail`."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def networks(entries: list[str]) -> tuple[Network, ...]:
    """The proxies of the settings, each an address or a network."""
    return tuple(ip_network(entry, strict=False) for entry in entries)
