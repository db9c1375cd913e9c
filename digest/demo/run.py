"""The demo: publisher, readers, mail catcher and inbox in one process on loopback, with everything in a temporary folder.

What happens in it is `stages.tick`, as in `digest tick`, and then what `digest run` does; nothing here gathers, matches,
plans or sends.
"""

import asyncio
import signal
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from digest import runtime, scheduler, stages, threads
from digest.demo import catcher, feedserver, staging
from digest.demo.inbox import PREFIX, Inbox
from digest.demo.mailbox import Mailbox
from digest.demo.samples import Place
from digest.demo.serving import bound, serving
from digest.feeds.exchange import Limits
from digest.runtime import Clock, Runtime

_PACE: Final = Limits(spacing=timedelta())
"""The publisher is this very process: there is nobody to be gentle with."""


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


def run_demo(
    *,
    port: int,
    once: bool,
    folder: Path | None = None,
    announce: Callable[[str], None] = lambda _: None,
) -> Summary:
    """Send the sample digests; unless `once`, keep inbox and pages open on `port` until Ctrl-C. Raises `DemoError`.

    The mails stay in `folder`; without one they stay in a new folder with `once`, else they go when the demo ends.
    `announce` is told a line when there is something to look at. With `once` any free port is taken.
    """
    if once:
        return asyncio.run(_once(folder or Path(tempfile.mkdtemp(prefix="newsdigest-mails-"))))
    with tempfile.TemporaryDirectory(prefix="newsdigest-mails-") as mails:
        return asyncio.run(_until_stopped(folder or Path(mails), port=port, announce=announce))


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
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with demo(mails, port=port) as running:
        announce(
            f"{running.summary.mails} mails are in the inbox: {running.inbox_url} (Ctrl-C ends the demo)"
        )
        await asyncio.to_thread(_work, running.runtime, stop)
        return running.summary


def _work(parts: Runtime, stop: threading.Event) -> None:
    """Do what becomes due, so that a newcomer's own sign-up is answered, until `stop` is set.

    Not in the loop of the mail catcher: the sender's last words on ending need somebody to hear them.
    """
    with threads.sending(parts) as wake, scheduler.ticking(parts, on_planned=wake):
        stop.wait()


async def _first_tick(parts: Runtime, mailbox: Mailbox) -> Summary:
    began = parts.clock()
    # In a loop of its own, so that the pages answer meanwhile.
    counts = await asyncio.to_thread(asyncio.run, stages.tick(parts, pace=_PACE))
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
