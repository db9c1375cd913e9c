"""Is everything in order? Each question gets a yes or a sentence that says what to do."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlmodel import col

from digest.db import Database, DatabaseError
from digest.delivery.edition_control import the_instance
from digest.delivery.post import relay_of
from digest.editions.models import Edition
from digest.feeds.models import Feed, FeedState
from digest.feeds.registry import flooded_feeds
from digest.mail.errors import MailError
from digest.mail.transport import RouteError, connect
from digest.rendering.errors import RenderingError
from digest.runtime import Runtime
from digest.settings import is_loopback, missing_for_sending
from subscribers.models import Subscriber

OLD_LINKS: Final = timedelta(days=731)
"""So long after its edition a link to unsubscribe must still work."""
CLOCK_SKEW: Final = timedelta(seconds=2)
_AILING: Final = (FeedState.BROKEN, FeedState.FAILING, FeedState.DORMANT, FeedState.GONE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One question: its name, whether all is well, and a sentence. A warning is no failure."""

    name: str
    ok: bool
    sentence: str
    is_warning: bool = False


def examine(runtime: Runtime) -> list[Finding]:
    """Look at everything a morning's mail depends on; nothing is changed, no mail is sent."""
    questions: list[Callable[[Runtime], Iterator[Finding]]] = [
        _settings,
        _clock,
        _templates,
        _sender,
        _smtp,
        _holds,
        _feeds,
        _zones,
        _proxy,
        _old_keys,
    ]
    return [finding for question in questions for finding in question(runtime)]


def examine_database(db: Database) -> Finding:
    """Whether the database answers and has this program's tables."""
    try:
        db.require_schema()
    except DatabaseError as error:
        return Finding("database", ok=False, sentence=str(error))
    return Finding("database", ok=True, sentence="The database answers and its schema is current.")


def _settings(runtime: Runtime) -> Iterator[Finding]:
    problems = missing_for_sending(runtime.settings)
    for problem in problems:
        yield Finding("settings", ok=False, sentence=problem)
    if not problems:
        yield Finding("settings", ok=True, sentence="Sender, imprint, keys and address are set.")


def _clock(runtime: Runtime) -> Iterator[Finding]:
    if runtime.db.is_sqlite:
        yield Finding("clock", ok=True, sentence="Database and program share this machine's clock.")
        return
    with runtime.db.read() as session:
        theirs = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    skew = abs(theirs - runtime.clock())
    is_fine = skew <= CLOCK_SKEW
    yield Finding(
        "clock",
        ok=True,
        is_warning=not is_fine,
        sentence="The clocks of database and machine agree."
        if is_fine
        else f"The database's clock differs by {skew.total_seconds():.0f} seconds: set up time synchronisation.",
    )


def _templates(runtime: Runtime) -> Iterator[Finding]:
    try:
        runtime.templates.check()
    except RenderingError as error:
        yield Finding("templates", ok=False, sentence=f"A template cannot be used: {error}.")
        return
    yield Finding("templates", ok=True, sentence="All templates load.")


def _sender(runtime: Runtime) -> Iterator[Finding]:
    if not runtime.settings.sender.address:
        return
    try:
        signer = (runtime.letterhead, runtime.envelopes, runtime.dkim)[2]
    except (MailError, OSError) as error:
        yield Finding("sender", ok=False, sentence=f"The sender cannot be used: {error}.")
        return
    if signer is None:
        yield Finding(
            "dkim",
            ok=True,
            is_warning=True,
            sentence="No DKIM key is set: the relay must sign, List-Unsubscribe and List-Unsubscribe-Post included.",
        )
    if not runtime.settings.sender.bounce_address:
        yield Finding(
            "bounces",
            ok=True,
            is_warning=True,
            sentence="DIGEST_SENDER__BOUNCE_ADDRESS is not set: bounces cannot be matched to a mail.",
        )


def _smtp(runtime: Runtime) -> Iterator[Finding]:
    try:
        asyncio.run(_log_in(runtime))
    except (RouteError, MailError) as error:
        yield Finding(
            "smtp", ok=False, sentence=f"The mail server cannot be used: {error}. Check DIGEST_SMTP__*."
        )
        return
    yield Finding("smtp", ok=True, sentence="The mail server answers and lets us in.")


async def _log_in(runtime: Runtime) -> None:
    link = await connect(relay_of(runtime.settings))
    await link.quit()


def _holds(runtime: Runtime) -> Iterator[Finding]:
    with runtime.db.read() as session:
        reason = the_instance(session).hold_reason
    if reason:
        yield Finding(
            "hold",
            ok=False,
            sentence=f"Everything is held: {reason}. `digest editions release --all` lets it go on.",
        )


def _feeds(runtime: Runtime) -> Iterator[Finding]:
    with runtime.db.read() as session:
        total = session.execute(select(func.count()).select_from(Feed)).scalar_one()
        ailing = session.execute(
            select(func.count()).select_from(Feed).where(col(Feed.state).in_(_AILING))
        ).scalar_one()
        flooded = flooded_feeds(session)
    if not total:
        yield Finding(
            "feeds",
            ok=True,
            is_warning=True,
            sentence="There are no feeds yet: `digest feeds add https://…`.",
        )
    elif ailing or flooded:
        yield Finding(
            "feeds",
            ok=True,
            is_warning=True,
            sentence=f"{ailing} of {total} feeds need attention, {flooded} brought a flood that waits for your "
            "decision: `digest feeds list` says why.",
        )
    else:
        yield Finding("feeds", ok=True, sentence=f"All {total} feeds are well.")


def _zones(runtime: Runtime) -> Iterator[Finding]:
    with runtime.db.read() as session:
        names = session.execute(select(col(Subscriber.timezone)).distinct()).scalars().all()
    broken = []
    for name in {*names, runtime.settings.timezone}:
        try:
            ZoneInfo(name)
        except (OSError, ValueError, LookupError):
            broken.append(name)
    if broken:
        yield Finding("zones", ok=False, sentence=f"There is no zone data for {', '.join(sorted(broken))}.")
    else:
        yield Finding("zones", ok=True, sentence="Every time zone in use is known.")


def _proxy(runtime: Runtime) -> Iterator[Finding]:
    """A proxy that does not say who asks makes all visitors one, so those limits are skipped."""
    settings = runtime.settings
    if is_loopback(settings.base_url) or not settings.proxies:
        return
    sentence = (
        f"Readers come through a proxy at {', '.join(settings.proxies)}: it must send X-Forwarded-For, "
        "or the limits per network are skipped."
    )
    yield Finding("proxy", ok=True, sentence=sentence)


def _old_keys(runtime: Runtime) -> Iterator[Finding]:
    """Until when an old key is needed: nobody knows its own last edition, but none is later than the newest."""
    settings = runtime.settings
    if not settings.secret_keys_old and not settings.secret_keys_unsubscribe:
        return
    with runtime.db.read() as session:
        newest = session.execute(select(func.max(col(Edition.local_date)))).scalar_one()
    if newest is None:
        yield Finding("old keys", ok=True, sentence="No edition was ever sent: no old key is needed.")
        return
    sentence = (
        "Links of two years must work: an old key is needed until two years after the last edition it signed; "
        f"the newest edition is of {newest}, so none after {newest + OLD_LINKS}."
    )
    yield Finding("old keys", ok=True, sentence=sentence)
