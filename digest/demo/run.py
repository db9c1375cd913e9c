"""The demo: publisher, readers, mail catcher and inbox in one process on loopback, with everything in a temporary folder.

What happens in it is `stages.tick`, the same call as `digest tick`; nothing here gathers, matches, plans or sends.
"""

import asyncio
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from digest import runtime, stages
from digest.demo import catcher, feedserver, staging
from digest.demo.inbox import PREFIX, Inbox
from digest.demo.mailbox import Mailbox
from digest.demo.samples import Place
from digest.demo.serving import bound, serving
from digest.feeds.exchange import Limits
from digest.runtime import Clock, Runtime

PAUSE: Final = 2.0
"""Seconds between two looks for something due, while the demo stays open."""

_PACE: Final = Limits(spacing=timedelta())
"""The publisher is this very process: there is nobody to be gentle with."""

_log = structlog.get_logger(__name__)


class DemoError(Exception):
    """The demo cannot start; the text is one sentence for whoever typed the command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the demo did, in the order it happened; `folder` holds the mails, `seconds` is from first request to last mail."""

    feeds: int
    articles: int
    matches: int
    editions: int
    mails: int
    folder: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A demo that runs: its parts, its caught mails, what its first tick did, and the address of its inbox."""

    runtime: Runtime
    mailbox: Mailbox
    summary: Summary
    inbox_url: str


def run_demo(*, port: int, once: bool, announce: Callable[[str], None] = lambda _: None) -> Summary:
    """Send the sample digests; unless `once`, keep inbox and pages open on `port` until Ctrl-C. Raises `DemoError`.

    With `once` any free port is taken and the folder of mails stays; otherwise nothing is left behind. `announce` is
    told a line when there is something to look at.
    """
    if once:
        return asyncio.run(_once(Path(tempfile.mkdtemp(prefix="newsdigest-mails-"))))
    with tempfile.TemporaryDirectory(prefix="newsdigest-mails-") as mails:
        return asyncio.run(_until_stopped(Path(mails), port=port, announce=announce))


@asynccontextmanager
async def demo(mails: Path, *, port: int = 0, clock: Clock = runtime.utc_now) -> AsyncIterator[Demo]:
    """Set everything up, send what is due, and keep it running while the block does. Raises `DemoError`."""
    mailbox = Mailbox(mails)
    with _listening(port) as listener, tempfile.TemporaryDirectory(prefix="newsdigest-") as work:
        base_url = f"http://localhost:{listener.getsockname()[1]}"
        place = Place(base_url=base_url + feedserver.PREFIX, now=clock())
        async with catcher.catching(mailbox, clock=clock) as smtp_port:
            settings = staging.demo_settings(Path(work), place=place, base_url=base_url, smtp_port=smtp_port)
            with staging.prepared(settings, place=place, clock=clock) as parts:
                inbox = Inbox(mailbox, places=staging.places(place, parts.links))
                async with serving(staging.demo_app(parts, inbox, place), listener):
                    summary = await _first_tick(parts, mailbox)
                    inbox.figures = _figures(summary)
                    yield Demo(runtime=parts, mailbox=mailbox, summary=summary, inbox_url=base_url + PREFIX)


async def _once(mails: Path) -> Summary:
    async with demo(mails) as running:
        return running.summary


async def _until_stopped(mails: Path, *, port: int, announce: Callable[[str], None]) -> Summary:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with demo(mails, port=port) as running:
        announce(
            f"{running.summary.mails} mails are in the inbox: {running.inbox_url} (Ctrl-C ends the demo)"
        )
        await keep_ticking(running.runtime, stop)
        return running.summary


async def keep_ticking(parts: Runtime, stop: asyncio.Event) -> None:
    """Do what is due, so that a newcomer's own sign-up is answered, until `stop` is set."""
    while not stop.is_set():
        try:
            await stages.tick(parts)
        except Exception as error:  # noqa: BLE001 - the rim of the demo's loop: one bad round must not close the inbox
            _log.warning("demo_round_failed", error=type(error).__name__)
        try:
            await asyncio.wait_for(stop.wait(), timeout=PAUSE)
        except TimeoutError:
            continue


async def _first_tick(parts: Runtime, mailbox: Mailbox) -> Summary:
    began = parts.clock()
    counts = await stages.tick(parts, pace=_PACE)
    return Summary(
        feeds=counts.feeds_polled,
        articles=counts.articles_new,
        matches=counts.matches,
        editions=counts.editions_planned,
        mails=mailbox.caught,
        folder=str(mailbox.folder),
        seconds=round((parts.clock() - began).total_seconds(), 2),
    )


def _figures(summary: Summary) -> dict[str, str]:
    """The numbers of the inbox's first page."""
    counted = {word: str(getattr(summary, word)) for word in ("feeds", "articles", "matches", "editions")}
    return counted | {"sent": str(summary.mails), "seconds": f"{summary.seconds:.1f} s"}


def _listening(port: int) -> socket.socket:
    try:
        return bound(port)
    except OSError:
        raise DemoError(
            f"Port {port} is taken: end what runs there, or choose another with --port."
        ) from None
