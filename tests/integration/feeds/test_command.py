"""`digest feeds` as an operator and a script meet it: against a real server, through the program's own rim."""

import asyncio
import io
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import structlog
from sqlmodel import col, select, update

from digest.cli.app import main
from digest.db import Database
from digest.feeds.exchange import Limits
from digest.feeds.fetch import Fetcher
from digest.feeds.models import Article, ArticleState, Feed, Trust
from digest.feeds.poll import fetch_now
from digest.feeds.pool import ParsePool
from digest.feeds.registry import add_feed
from digest.matching.match import match_new
from digest.matching.registry import Registry
from tests.integration.feeds.conftest import ALLOWED, no_sleep
from tests.support.documents import news, rss
from tests.support.feedserver import Answer, FeedServer

HOUR = timedelta(hours=1)
NOW = datetime.now(UTC)
LATE = NOW - timedelta(days=9)


@dataclass
class Shell:
    """Types commands; `printed` and `errors` hold what the last one said."""

    capture: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    db: Database
    pool: ParsePool
    printed: str = ""
    errors: str = ""

    def feeds(self, *words: object) -> int:
        """Run `digest feeds …`; the exit code."""
        self.monkeypatch.setattr(sys, "argv", ["digest", "feeds", *map(str, words)])
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        else:
            code = 0
        self.printed, self.errors = self.capture.readouterr()
        return code

    def json(self, *words: object, code: int = 0) -> Any:
        """Run a command with --json; its document."""
        assert self.feeds(*words, "--json") == code
        return json.loads(self.printed)

    def subscribe(self, url: str, *, trust: Trust = Trust.THIRD) -> None:
        """Add a feed and read it, without the processes a command would start."""
        with self.db.write() as session:
            add_feed(session, url, trust=trust, now=NOW, policy=ALLOWED)
        self.gather()

    def gather(self) -> None:
        """Ask every feed now."""
        asyncio.run(self._gather())

    async def _gather(self) -> None:
        with self.db.read() as session:
            ids = session.exec(select(Feed.id)).all()
        limits = Limits(spacing=timedelta())
        async with Fetcher(agent="digest/test", policy=ALLOWED, limits=limits) as fetcher:
            await fetch_now(
                self.db, fetcher, self.pool, feed_ids=ids, clock=lambda: NOW, rng=Random(1), sleep=no_sleep
            )

    def states(self) -> dict[str, tuple[ArticleState, str]]:
        """What the tables say of each article, by the number in its title."""
        with self.db.read() as session:
            rows = session.exec(select(Article).order_by(col(Article.id))).all()
        return {row.title.split()[1]: (row.state, row.state_reason) for row in rows}


@pytest.fixture
def shell(
    database_url: str,
    tmp_path: Path,
    pool: ParsePool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("DIGEST_DATABASE_URL", database_url)
    monkeypatch.setenv("DIGEST_SECRET_KEY", "0123456789abcdef" * 4)
    monkeypatch.setenv("DIGEST_FETCH__ALLOW_PRIVATE", "true")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    db = Database(database_url)
    yield Shell(capsys, monkeypatch, db, pool)
    db.close()


def page(*links: str) -> str:
    named = "".join(f'<link rel="alternate" type="application/rss+xml" href="{link}">' for link in links)
    return f"<!doctype html><html><head>{named}</head><body>Hallo</body></html>"


def test_a_site_is_added_by_its_address_and_read(shell: Shell, server: FeedServer) -> None:
    server.publish("/", page("/feed"), content_type="text/html")
    server.publish("/feed", rss([news(1, published=NOW)]))
    assert shell.feeds("list") == 0
    assert shell.printed.startswith("There are no feeds yet: add one")
    added = shell.json("add", server.url("/"), "--trust", "own", "--tag", "Lokales")
    assert (added["url"], added["trust"]) == (server.url("/feed"), "own")
    assert shell.feeds("add", server.url("/feed")) == 1
    assert shell.errors == f"{server.url('/feed')} is already a feed.\n"
    fetched = shell.json("fetch")
    assert fetched == {
        "feeds_polled": 1, "feeds_changed": 1, "feeds_failed": 0, "articles_new": 1, "articles_updated": 0
    }  # fmt: skip
    line = shell.json("list")[0]
    assert (line["state"], line["outcome"], line["tags"]) == ("active", "changed", ["Lokales"])
    assert (line["sentence"], line["error_count"]) == ("The feed was read and held something new.", 0)
    assert {"next_check_at", "articles_per_week", "unchanged_ratio"} <= set(line)


def test_of_several_feeds_a_script_gets_the_first_and_the_list(shell: Shell, server: FeedServer) -> None:
    server.publish("/", page("/a", "/b"), content_type="text/html")
    for path in ("/a", "/b"):
        server.publish(path, rss([news(1, published=NOW)]))
    assert shell.json("add", server.url("/"))["url"] == server.url("/a")
    assert [line[:2] for line in shell.errors.splitlines()] == ["Th", "1.", "2."]


class Terminal(io.StringIO):
    """A keyboard with somebody at it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("typed", "code", "chosen"), [("2", 0, "/b"), ("7", 2, None)])
def test_of_several_feeds_a_person_picks_one(
    shell: Shell, server: FeedServer, typed: str, code: int, chosen: str | None
) -> None:
    server.publish("/", page(server.url("/a", host="localhost"), "/b"), content_type="text/html")
    for path in ("/a", "/b"):
        server.publish(path, rss([news(1, published=NOW)]))
    shell.monkeypatch.setattr(sys, "stdin", Terminal(f"{typed}\n"))
    assert shell.feeds("add", server.url("/")) == code
    with shell.db.read() as session:
        urls = session.exec(select(Feed.url)).all()
    assert urls == ([] if chosen is None else [server.url(chosen)])


@pytest.mark.long  # seven usual places of one host, each a second after the other
def test_a_site_without_a_feed_is_told_so(shell: Shell, server: FeedServer) -> None:
    server.publish("/", page(), content_type="text/html")
    assert shell.feeds("add", server.url("/")) == 1
    assert "No feed was found" in shell.errors
    assert "names none that can be read" in shell.errors


def test_an_address_that_cannot_be_a_feed_is_refused_with_the_reason(shell: Shell) -> None:
    assert shell.feeds("add", "http://127.0.0.1:9/feed") == 1
    assert "No connection to the server could be made" in shell.errors
    assert shell.json("add", "http://127.0.0.1:9/feed", "--no-check")["id"] == 1
    for words in (("add", "ftp://a.example/"), ("add", "ftp://a.example/", "--no-check")):
        assert shell.feeds(*words) == 1
        assert shell.errors == "Only addresses that begin with http:// or https:// can be asked.\n"


def test_fetching_says_by_its_code_whether_some_or_all_failed(shell: Shell, server: FeedServer) -> None:
    server.publish("/good", rss([news(1, published=NOW)]))
    server.script("/bad", Answer(status=500))
    shell.json("add", server.url("/bad", host="localhost"), "--no-check")
    assert shell.json("fetch", code=1)["feeds_failed"] == 1
    shell.json("add", server.url("/good"))
    assert shell.feeds("fetch", "--lang", "de") == 3
    assert "/bad: Der Server meldet einen eigenen Fehler." in shell.printed
    assert shell.feeds("fetch", server.url("/good")) == 0
    assert "Feeds asked: 1, 0 changed, 0 failed" in shell.printed


def test_trying_shows_all_that_would_be_stored_and_stores_nothing(shell: Shell, server: FeedServer) -> None:
    server.redirect("/old", "/feed")
    server.publish("/feed", rss([news(1, published=NOW), news(2, published=LATE)]), last_modified="gestern")
    tried = shell.json("test", server.url("/old"), "--lang", "de")
    assert tried["sentence"] == "Der Feed wurde gelesen und enthielt Neues."
    assert (tried["hops"][0]["status"], tried["url"]) == (301, server.url("/feed"))
    assert tried["last_modified"] == "gestern"
    first, second = tried["entries"]
    assert (first["state"], second["state"], second["reason"]) == ("eligible", "seed", "baseline")
    assert "guid" in first["keys"]
    assert {"link", "published", "image_url", "summary"} <= set(first)
    assert shell.feeds("test", server.url("/old")) == 0
    assert f"301 {server.url('/feed')}" in shell.printed
    assert shell.json("list") == []
    assert shell.feeds("test", "http://127.0.0.1:9/") == 1


def test_a_rule_is_tried_set_shown_and_heard_and_taken_away(shell: Shell, server: FeedServer) -> None:
    server.publish("/feed", rss([news(1, published=NOW), news(2, published=NOW, text="Ein Gewinnspiel")]))
    word = "Gewinnspiel"
    tried = shell.json("test", server.url(), "--block", word)
    assert [one["state"] for one in tried["entries"]] == ["eligible", "filtered"]
    assert tried["entries"][1]["reason"] == f"blocked by the feed's rule: {word}"
    shell.subscribe(server.url())
    changed = shell.json("change", 1, "--block", word, "--every", 2, "--trust", "own")
    assert (changed["block_query"], changed["interval"], changed["trust"]) == (word, 7200, "own")
    assert shell.json("list")[0]["block_query"] == word
    match_new(shell.db, Registry(), now=NOW)
    assert shell.states()["1"][0] is ArticleState.ELIGIBLE
    assert shell.states()["2"] == (ArticleState.FILTERED, f"blocked by the feed's rule: {word}")
    assert shell.feeds("release", 1, "--article", _link(shell, "2")) == 1
    assert "change the rule" in shell.errors
    assert shell.feeds("change", 1, "--block", "", "--every", 0) == 0
    assert "nothing" in shell.printed
    assert "by its own rhythm" in shell.printed
    asked = len(server.requests)
    for words in (("change", 1), ("test", server.url())):
        assert shell.feeds(*words, "--keep", '"" (') == 1
        assert "cannot be read at position" in shell.errors
    assert len(server.requests) == asked


def test_a_new_rule_reaches_what_was_matched_but_not_released(shell: Shell, server: FeedServer) -> None:
    server.publish("/feed", rss([news(1, published=NOW), news(2, published=NOW)]))
    shell.subscribe(server.url())
    match_new(shell.db, Registry(), now=NOW)
    with shell.db.write() as session:
        session.exec(update(Article).where(col(Article.id) == 1).values(release_no=1))
    shell.json("change", 1, "--keep", "gibtesnicht")
    match_new(shell.db, Registry(), now=NOW)
    assert [state for state, _ in shell.states().values()] == [ArticleState.ELIGIBLE, ArticleState.FILTERED]


def test_one_late_article_is_listed_and_released_in_one_step(shell: Shell, server: FeedServer) -> None:
    server.publish("/feed", rss([news(1, published=NOW)]))
    shell.subscribe(server.url())
    server.publish("/feed", rss([news(1, published=NOW), news(2, published=LATE), news(3, published=LATE)]))
    shell.gather()
    assert shell.json("list")[0]["late"] == 2
    shown = shell.json("show", 1)
    assert {(one["state"], one["reason"]) for one in shown["withheld"]} == {("seed", "late")}
    assert [one["outcome"] for one in shown["fetches"]] == ["changed", "changed"]
    match_new(shell.db, Registry(), now=NOW)
    spelled = _link(shell, "2").replace("https://", "HTTP://") + "?utm_source=mail"
    assert shell.json("release", 1, "--article", spelled)["released"] == 1
    assert shell.states()["2"] == (ArticleState.ELIGIBLE, "")
    assert shell.states()["3"] == (ArticleState.SEED, "late")
    with shell.db.read() as session:
        assert session.exec(select(Article.matched_at).where(Article.id == 2)).one() is None
    assert shell.json("discard", 1, "--article", _link(shell, "1"))["discarded"] == 1
    assert shell.states()["1"] == (ArticleState.WITHDRAWN, "discarded")


def test_what_the_publisher_wants_unmailed_cannot_be_released(shell: Shell, server: FeedServer) -> None:
    server.publish("/feed", rss([news(1, published=NOW), news(2, published=NOW, tags=["No-Mail"])]))
    shell.subscribe(server.url(), trust=Trust.OWN)
    assert shell.states()["2"] == (ArticleState.WITHDRAWN, "no-mail")
    assert shell.feeds("release", 1, "--article", _link(shell, "2")) == 1
    assert "does not want" in shell.errors
    assert shell.states()["2"] == (ArticleState.WITHDRAWN, "no-mail")


def test_only_articles_of_the_named_feed_are_decided_about(shell: Shell, server: FeedServer) -> None:
    server.publish("/a", rss([news(1, published=LATE)]))
    server.publish("/b", rss([news(2, published=LATE)]))
    shell.subscribe(server.url("/a"))
    shell.subscribe(server.url("/b", host="localhost"))
    for word in ("release", "discard"):
        assert shell.feeds(word, 2, "--article", _link(shell, "1")) == 1
        assert "has no article at" in shell.errors
    assert {state for state, _ in shell.states().values()} == {ArticleState.SEED}


def test_what_cannot_be_decided_is_said_and_nothing_is_changed(shell: Shell, server: FeedServer) -> None:
    server.publish("/feed", rss([news(1, published=LATE), news(2, published=LATE)]))
    shell.subscribe(server.url())
    assert shell.feeds("release", 1) == 0
    assert "has no quarantined articles" in shell.printed
    assert shell.feeds("release", 1, "--article", _link(shell, "1"), "--article", "https://no.example/x") == 1
    assert "has no article at https://no.example/x" in shell.errors
    assert shell.states()["1"] == (ArticleState.SEED, "baseline")
    with shell.db.write() as session:
        session.exec(update(Article).values(release_no=1))
    assert shell.feeds("discard", 1, "--article", _link(shell, "1")) == 1
    assert "already been released" in shell.errors
    assert shell.feeds("release", "https://nobody.example/") == 1
    assert "is no feed of ours" in shell.errors


def test_a_flood_is_shown_and_decided_by_command(shell: Shell, server: FeedServer) -> None:
    server.publish("/feed", rss([news(1, published=NOW - HOUR)]))
    shell.subscribe(server.url())
    server.publish("/feed", rss(news(n, published=NOW) for n in range(1, 41)))
    shell.gather()
    assert shell.feeds("list") == 0
    assert "Waiting for your decision: 39" in " ".join(shell.printed.split())
    assert shell.feeds("list", "--lang", "de") == 0
    assert "Warten auf eine Entscheidung: 39" in " ".join(shell.printed.split())
    assert shell.json("release", 1)["released"] == 39
    server.publish("/feed", rss(news(n, published=NOW) for n in range(41, 241)))
    shell.gather()
    assert shell.json("discard", 1)["discarded"] == 200
    assert list(shell.states().values())[-1] == (ArticleState.WITHDRAWN, "discarded")


def test_pausing_resuming_and_removing_say_what_they_did(shell: Shell, server: FeedServer) -> None:
    shell.json("add", server.url(), "--no-check")
    assert shell.json("pause", 1)["state"] == "paused"
    assert shell.feeds("list") == 0
    assert "never" in shell.printed
    assert shell.json("resume", 1)["state"] == "new"
    assert shell.feeds("remove", 1) == 1  # nobody is there to agree
    assert "Say --yes to agree" in shell.errors
    assert shell.feeds("remove", 1, "--yes") == 0
    assert "is removed; its articles stay" in shell.printed


def test_lists_of_feeds_go_in_and_out_and_come_back_the_same(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "feeds.opml"
    file.write_text(
        '<opml version="2.0"><body><outline text="Lokales"><outline text="A" xmlUrl="https://a.example/feed"/></outline>'
        '<outline xmlUrl="https://b.example/rss"/><outline xmlUrl="https://www.a.example/feed"/>'
        '<outline xmlUrl="ftp://c.example/"/></body></opml>'
    )
    result = shell.json("import", file, code=3)
    assert [len(result[name]) for name in ("added", "known", "unusable")] == [2, 1, 1]
    assert shell.feeds("export") == 0
    first = shell.printed
    file.write_text(first)
    assert shell.feeds("import", file) == 0
    assert shell.printed.count("known already: ") == 2
    with shell.db.write() as session:
        for feed in session.exec(select(Feed)).all():
            session.delete(feed)
    shell.json("import", file)
    shell.feeds("export")
    assert shell.printed == first


def test_nothing_is_wider_than_a_terminal(shell: Shell, server: FeedServer) -> None:
    server.publish("/feed", rss(news(n, published=LATE) for n in range(3)))
    shell.subscribe(server.url("/feed?" + "x" * 90))
    shell.subscribe(server.url())
    for words in (("list",), ("show", 2), ("test", server.url())):
        shell.feeds(*words)
        assert max(map(len, shell.printed.splitlines())) <= 80


def _link(shell: Shell, number: str) -> str:
    with shell.db.read() as session:
        rows = session.exec(select(Article)).all()
    return next(row.link for row in rows if row.title.split()[1] == number)
