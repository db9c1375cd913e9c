"""Hundreds of servers without a network: each has its rhythm, its moods and its memory of who asked when.

It stands where the fetcher stands and notes every breach of manners: a validator not sent, a request before the floor
or before the silence it asked for, a third request at once.
"""

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from digest.feeds.body import Body
from digest.feeds.document import Candidate, ParsedDocument
from digest.feeds.exchange import Fetched, FetchRequest
from digest.feeds.hosts import host_key
from digest.feeds.models import Trust
from digest.feeds.outcomes import Outcome
from digest.feeds.schedule import FLOORS

HOUR = timedelta(hours=1)


class Killed(BaseException):
    """The poller's process ends in the middle of a request."""


@dataclass
class Site:
    """One feed of the world."""

    url: str
    trust: Trust
    gap: timedelta
    etag: str | None
    last_modified: str | None
    version: int = 0
    told: int = -1
    asked_at: datetime | None = None
    is_unsure: bool = False


@dataclass
class World:
    """All sites; `breaches` is what a good guest leaves empty."""

    start: datetime
    rng: Random
    is_calm: bool = False
    sites: dict[str, Site] = field(default_factory=dict)
    breaches: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    unchanged: int = 0
    killed: int = 0
    died_at: datetime | None = None
    """The round that was killed last, by its beginning; requests of one round are seconds later than that."""
    quiet_until: dict[str, datetime] = field(default_factory=dict)
    asked_for_quiet: dict[str, datetime] = field(default_factory=dict)
    under_way: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.now = self.start

    def build(self, count: int) -> None:
        """Make sites, two or three to a host."""
        for number in range(count):
            url = f"https://f{number}.host{number * 2 // 5}.example/feed"
            self.sites[url] = Site(
                url=url,
                trust=self.rng.choice(list(Trust)),
                gap=HOUR * self.rng.choice([1, 3, 8, 24, 100]),
                etag=self.rng.choice([None, '"0"', 'W/"0"']),
                last_modified=self.rng.choice([None, "gestern"]),
            )

    def clock(self) -> datetime:
        """The time of this world."""
        return self.now

    async def fetch(self, request: FetchRequest, /) -> Fetched:
        """Ask a site; what comes after a while is its answer."""
        host = host_key(request.url)
        self.under_way[host] += 1
        if self.under_way[host] > 2:
            self.breaches["a third request at once"] += 1
        try:
            await asyncio.sleep(0)
            if request.rests(host):
                return Fetched(outcome=Outcome.THROTTLED, detail="resting", url=request.url)
            return self.answer(self.sites[request.url], request, request.now)
        finally:
            self.under_way[host] -= 1

    def answer(self, site: Site, request: FetchRequest, now: datetime) -> Fetched:
        """Judge the guest, then answer as such servers do."""
        self._judge(site, request, now)
        mood = 1.0 if self.is_calm else self.rng.random()
        if mood < 0.01:
            wait = HOUR * self.rng.choice([0.5, 2, 30])
            if self.died_at != self.now:  # who is dead remembers nothing
                self.quiet_until[host_key(site.url)] = now + max(min(wait, 24 * HOUR), timedelta(seconds=60))
                self.asked_for_quiet[host_key(site.url)] = self.now
            return Fetched(
                outcome=Outcome.THROTTLED, status=self.rng.choice([429, 503]), wait=wait, url=site.url
            )
        if mood < 0.04:
            return Fetched(
                outcome=self.rng.choice([Outcome.TIMEOUT, Outcome.DNS, Outcome.SERVER_ERROR]), url=site.url
            )
        site.is_unsure = self.died_at == self.now
        site.version = int((now - self.start) / site.gap)
        sent = (request.etag, request.last_modified)
        if site.version == site.told and any(sent) and sent == self._validators(site):
            self.unchanged += 1
            return Fetched(outcome=Outcome.UNCHANGED, status=304, url=site.url)
        return self._document(site)

    def _judge(self, site: Site, request: FetchRequest, now: datetime) -> None:
        self.requests += 1
        is_known = site.told >= 0 and not site.is_unsure
        if is_known and (request.etag, request.last_modified) != self._validators(site):
            self.breaches["a validator was not sent"] += 1
        if site.asked_at is not None and now - site.asked_at < FLOORS[site.trust]:
            self.breaches["asked before the floor"] += 1
        if now < self.quiet_until.get(host_key(site.url), now):
            self.breaches["asked a host that rests"] += 1
        site.asked_at = now

    def _validators(self, site: Site) -> tuple[str | None, str | None]:
        etag = site.etag and site.etag.replace("0", str(site.told))
        return etag, site.last_modified and f"{site.last_modified} {site.told}"

    def _document(self, site: Site) -> Fetched:
        before, site.told = site.told, site.version
        spool = tempfile.SpooledTemporaryFile()  # noqa: SIM115  # closed with the body
        fetched = Fetched(
            outcome=None,
            status=200,
            url=site.url,
            body=Body(size=1, sha256=f"{site.url[8:20]} {site.version}", _spool=spool),
            etag=self._validators(site)[0],
            last_modified=self._validators(site)[1],
        )
        if not self.is_calm and self.rng.random() < 0.01:  # the answer is lost with the process that asked
            spool.close()
            site.told = before
            self.killed += 1
            self._forget()
            raise Killed
        return fetched

    def _forget(self) -> None:
        """What was answered in this moment died with the process that asked."""
        self.died_at = self.now
        for site in self.sites.values():
            site.is_unsure = True
        for host, at in self.asked_for_quiet.items():
            if at == self.now:
                self.quiet_until.pop(host, None)

    async def parse(
        self, body: bytes, *, url: str = "", content_type: str | None = None, is_own: bool = False
    ) -> ParsedDocument:
        """What the parser would say of the site's newest document."""
        site = self.sites[url]
        numbers = range(site.version, max(site.version - 60, -1), -1)
        told = [self._candidate(site, number, position) for position, number in enumerate(numbers)]
        return ParsedDocument(format="rss20", title=site.url, candidates=tuple(told))

    def _candidate(self, site: Site, number: int, position: int) -> Candidate:
        name = f"{site.url}/{number}"
        return Candidate(
            position=position,
            guid=name,
            link=name,
            link_key=name.partition("//")[2],
            title=f"Artikel {number} von {site.url}",
            summary=name,
            published=self.start + number * site.gap,
            fingerprint=name,
        )
