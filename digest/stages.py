"""The stages of the machine, each one call: gather, match, plan, send, tidy. Any of them may be killed and run again.

`tick` runs them once in order, by the clock of its runtime; the scheduler runs them for ever.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlmodel import Session

from digest import __version__
from digest.db import Database
from digest.delivery.edition_control import the_instance
from digest.delivery.outbox import EditionLedger, forget
from digest.delivery.post import post_office
from digest.delivery.retention import forget_deliveries
from digest.editions import calendar
from digest.editions.plan import PlanCounts, groups, plan_due
from digest.feeds.exchange import Limits, Policy
from digest.feeds.fetch import Fetcher, user_agent
from digest.feeds.poll import PollCounts, poll_due
from digest.feeds.pool import ParsePool
from digest.feeds.registry import expire_quarantined
from digest.matching.expiry import expire_similar
from digest.matching.match import MatchCounts, match_new
from digest.matching.registry import Registry
from digest.matching.retention import forget_articles
from digest.matching.storybook import Storybook
from digest.runtime import Runtime
from subscribers import anchors, consent
from subscribers.pause import resume_due
from subscribers.privacy import Withdraw
from subscribers.retention import Periods, sweep

log = structlog.get_logger(__name__)
FRESHNESS: Final = timedelta(minutes=15)
"""How long before an edition feeds are asked once more."""


@dataclass(frozen=True, slots=True)
class TickCounts:
    """What one tick did; the keys scripts rely on."""

    feeds_polled: int = 0
    articles_new: int = 0
    matches: int = 0
    editions_planned: int = 0
    deliveries_planned: int = 0
    sent: int = 0
    deferred: int = 0
    failed: int = 0
    unknown: int = 0
    route_error: str = ""


async def tick(runtime: Runtime, *, pace: Limits | None = None) -> TickCounts:
    """Do everything that is due at the runtime's now: poll, match, plan, send until nothing is ready."""
    async with gathering(runtime, pace=pace) as gatherer:
        polled = await gatherer.poll()
    matched = await asyncio.to_thread(match, runtime, Registry(), Storybook(runtime.db))
    planned = await asyncio.to_thread(plan, runtime)
    await asyncio.to_thread(tidy, runtime)
    sent = await post_office(runtime).run_until_idle()
    return TickCounts(
        feeds_polled=polled.feeds_polled,
        articles_new=polled.articles_new,
        matches=matched.matches,
        editions_planned=planned.editions,
        deliveries_planned=planned.deliveries,
        sent=sent.sent,
        deferred=sent.deferred,
        failed=sent.failed,
        unknown=sent.unknown,
        route_error=sent.route_error,
    )


@dataclass(frozen=True, slots=True)
class Gatherer:
    """Asks feeds; it lives in one event loop and keeps its parse processes."""

    runtime: Runtime
    fetcher: Fetcher
    pool: ParsePool

    async def poll(self) -> PollCounts:
        """Ask every feed that is due, and those an edition of the next minutes wants fresh."""
        runtime = self.runtime
        wanted_by = await asyncio.to_thread(next_edition, runtime.db, now=runtime.clock())
        return await poll_due(
            runtime.db, self.fetcher, self.pool, clock=runtime.clock, rng=runtime.rng, wanted_by=wanted_by
        )


@asynccontextmanager
async def gathering(runtime: Runtime, *, pace: Limits | None = None) -> AsyncIterator[Gatherer]:
    """A gatherer for the running loop; its connections and processes end with the block."""
    async with fetching(runtime, pace=pace) as fetcher, ParsePool() as pool:
        yield Gatherer(runtime, fetcher, pool)


def fetching(runtime: Runtime, *, pace: Limits | None = None) -> Fetcher:
    """A fetcher with the publisher's policy, to be used as `async with`."""
    fetch = runtime.settings.fetch
    return Fetcher(
        agent=user_agent(__version__, runtime.settings.base_url),
        policy=Policy(ports=frozenset(fetch.ports), allow_private=fetch.allow_private),
        limits=pace or Limits(),
    )


def next_edition(db: Database, *, now: datetime) -> datetime | None:
    """When the next edition is due, if that is within the minutes in which feeds are asked once more."""
    with db.read() as session:
        wishes = groups(session)
    due = (
        calendar.next_due(
            now,
            cadence=wish.cadence,
            weekday=wish.weekday,
            local_time=wish.local_time,
            timezone=wish.timezone,
        )
        for wish in wishes
    )
    return min((at for at in due if at is not None and at - now <= FRESHNESS), default=None)


def match(runtime: Runtime, registry: Registry, stories: Storybook) -> MatchCounts:
    """Match new and changed articles to topics and stories; registry and storybook are this thread's own."""
    stories.catch_up()
    return match_new(runtime.db, registry, now=runtime.clock(), stories=stories)


def plan(runtime: Runtime) -> PlanCounts:
    """Wake people whose pause is over, then write down every edition that is due and who gets it."""
    with runtime.db.write() as session:
        resume_due(session, now=runtime.clock())
        if the_instance(session).hold_reason:
            return PlanCounts()
    return plan_due(
        runtime.db,
        EditionLedger(),
        now=runtime.clock(),
        catch_up=runtime.settings.catch_up,
        instant=runtime.instant,
    )


def tidy(runtime: Runtime) -> None:
    """End what nobody decided about in time, forget what must not be kept longer, and anchor the proof of consent."""
    now = runtime.clock()
    with runtime.db.write() as session:
        expire_quarantined(session, now=now)
        expire_similar(session, now=now)
    for forget_some in (_forget_people, _forget_deliveries, _forget_articles):
        while forget_some(runtime, now):
            pass
    anchor(runtime)


def _forget_people(runtime: Runtime, now: datetime) -> int:
    kept = runtime.settings.retention
    periods = Periods(
        requests=kept.requests, networks=kept.networks, choices=kept.left, leavers_years=kept.leavers_years
    )
    with runtime.db.write() as session:
        withdraw = _forgetting(session, now)
        return sweep(session, now=now, hasher=runtime.hasher, withdraw=withdraw, periods=periods).total


def _forget_deliveries(runtime: Runtime, now: datetime) -> int:
    kept = runtime.settings.retention
    with runtime.db.write() as session:
        return forget_deliveries(session, now=now, unconfirmed=kept.requests, people=kept.deliveries)


def _forget_articles(runtime: Runtime, now: datetime) -> int:
    kept = runtime.settings.retention
    with runtime.db.write() as session:
        return forget_articles(session, now=now, texts=kept.article_texts, unmatched=kept.articles)


def anchor(runtime: Runtime) -> None:
    """Log where the chain of consent ends today, and note it once a day in the operator's file, if there is one."""
    with runtime.db.read() as session:
        head = consent.head(session)
    on, path = runtime.clock().date(), runtime.settings.consent.anchor_file
    log.info("consent_head", day=on.isoformat(), events=head.seq, head=head.hash)
    if path is None or not head.seq:
        return
    try:
        with path.open("a+", encoding="utf-8") as file:
            file.seek(0)
            if not anchors.has_day(file, on):
                file.write(anchors.line(head, on=on) + "\n")
    except OSError as error:
        log.error("consent_anchor_unwritten", reason=error.strerror)  # noqa: TRY400  # the reason says it all


def _forgetting(session: Session, now: datetime) -> Withdraw:
    def withdraw(subscriber_id: int | None, address: str) -> None:
        forget(session, subscriber_id, address, now=now)

    return withdraw
