"""A whole installation as its users meet it: the command line, the web pages, a feed and a mail server, nothing else.

The clock is the test's. Commands run in this process through the program's own entry point; the web app runs behind a
real uvicorn; mails are read from what a real SMTP server took.
"""

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import httpx

from digest import runtime as composition
from digest.cli.app import main
from digest.db import Database
from digest.runtime import Runtime
from digest.settings import load
from digest.web.app import create_app
from tests.support import mail as mails
from tests.support import smtp
from tests.support.feedserver import FeedServer
from tests.support.site import Clock, listening, serving

ENVIRONMENT = {
    "DIGEST_SECRET_KEY": "f00dfacef00dfacef00dfacef00dface0123456789",
    "DIGEST_SITE__NAME": "Beispiel-News",
    "DIGEST_SENDER__NAME": "Beispiel-News",
    "DIGEST_SENDER__ADDRESS": "news@news.example.org",
    "DIGEST_IMPRINT__NAME": "Beispiel Verlag",
    "DIGEST_IMPRINT__ADDRESS": "Musterweg 1, 80331 München",
    "DIGEST_IMPRINT__URL": "https://news.example.org/impressum",
    "DIGEST_IMPRINT__PRIVACY_URL": "https://news.example.org/datenschutz",
    "DIGEST_SMTP__HOST": "127.0.0.1",
    "DIGEST_SMTP__TLS": "none",
    "DIGEST_FETCH__ALLOW_PRIVATE": "true",
}


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its one JSON document."""
        return json.loads(self.out)


@dataclass
class House:
    """One installation: `digest(…)` runs a command, `web` is a browser without scripts, `inbox` what arrived."""

    folder: Path
    environment: dict[str, str]
    feeds: FeedServer
    post: smtp.Server
    clock: Clock
    web: httpx.Client
    url: str
    seen: int = 0
    extra: dict[str, str] = field(default_factory=dict)

    def digest(self, *words: str) -> Ran:
        """Run `digest …` as a terminal would, without one."""
        out, err = io.StringIO(), io.StringIO()
        code = 0
        with (
            patch.dict(os.environ, {**self.environment, **self.extra}),
            patch.object(sys, "argv", ["digest", *words]),
            patch.object(sys, "stdin", io.StringIO()),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
        return Ran(code, out.getvalue(), err.getvalue())

    def ok(self, *words: str) -> Ran:
        """Run a command that must succeed."""
        ran = self.digest(*words)
        assert ran.code == 0, f"digest {' '.join(words)} → {ran.code}\n{ran.out}\n{ran.err}"
        return ran

    def tick(self, at: datetime | None = None) -> dict[str, int]:
        """`digest tick --at` the clock's moment."""
        if at is not None:
            self.clock.now = at
        return self.ok("tick", "--at", self.clock.now.isoformat(), "--json").json  # type: ignore[no-any-return]

    def new_mails(self) -> list[mails.Read]:
        """What arrived since the last look, oldest first."""
        fresh = self.post.mails[self.seen :]
        self.seen = len(self.post.mails)
        return [mails.read(one.removesuffix(b".\r\n")) for one in fresh]

    def one_mail(self) -> mails.Read:
        """The one mail that arrived since the last look."""
        fresh = self.new_mails()
        assert len(fresh) == 1, [one.raw("Subject") for one in fresh]
        return fresh[0]

    def path(self, link: str) -> str:
        """A link of a mail as a path of our own pages; a link to anywhere else is an error."""
        assert link.startswith(self.url), link
        return link.removeprefix(self.url)


@contextmanager
def open_house(
    folder: Path, database_url: str, *, at: datetime, environment: dict[str, str] | None = None
) -> Iterator[House]:
    """An installation on an empty database: tables made by `digest db upgrade`, servers running."""
    with ExitStack() as stack:
        feeds = stack.enter_context(FeedServer())
        post = stack.enter_context(smtp.running())
        listener = listening()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        given = {
            **ENVIRONMENT,
            "DIGEST_DATABASE_URL": database_url,
            "DIGEST_BASE_URL": url,
            "DIGEST_SMTP__PORT": str(post.port),
            "DIGEST_FETCH__PORTS": str(feeds.port),
            "DIGEST_STATE_DIR": str(folder),
            **(environment or {}),
        }
        clock = Clock(at)
        house = House(folder, given, feeds, post, clock, None, url)  # type: ignore[arg-type]
        house.ok("db", "upgrade")
        settings = load(given, env_file=None)
        db = Database(database_url)
        stack.callback(db.close)
        parts = Runtime(settings, db, clock, Random(1))
        stack.enter_context(serving(create_app(parts), listener))
        house.web = stack.enter_context(httpx.Client(base_url=url, follow_redirects=True))
        stack.enter_context(patch.object(composition, "utc_now", clock))
        yield house


def rss(*articles: tuple[str, str, str], at: datetime, title: str = "Beispielfeed", link: str = "") -> str:
    """An RSS feed of (number, headline, text), newest first, an hour apart; `at` is when the newest appeared."""
    base = link or "https://news.example.org/artikel"
    items = "".join(
        f"<item><title>{headline}</title><link>{base}/{number}</link><guid isPermaLink='false'>{number}</guid>"
        f"<pubDate>{at - timedelta(minutes=place):%a, %d %b %Y %H:%M:%S} +0000</pubDate>"
        f"<description>{text}</description></item>"
        for place, (number, headline, text) in enumerate(articles)
    )
    return (
        "<?xml version='1.0'?><rss version='2.0'><channel>"
        f"<title>{title}</title><link>https://news.example.org/</link><language>de</language>{items}"
        "</channel></rss>"
    )
