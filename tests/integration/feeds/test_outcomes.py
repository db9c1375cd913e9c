"""Every outcome through a whole round: a code, a sentence, a count, a next attempt, and nothing forgotten."""

import gzip
from datetime import timedelta

import pytest
import structlog
from sqlmodel import col, select

from digest.cli.opening import configure_logging
from digest.feeds import poll, tally
from digest.feeds.errors import ParserMemory, ParserTimeout
from digest.feeds.health import health
from digest.feeds.models import FeedFetch, FeedState, HostState
from digest.feeds.outcomes import Outcome
from digest.feeds.pool import ParsePool
from digest.feeds.settle import Result, settle
from tests.integration.feeds.conftest import Rounds
from tests.support.documents import news, rss
from tests.support.feedserver import Answer, FeedServer
from tests.unit.feeds_parse.readers import read_as_told

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HTML = {"Content-Type": "text/html"}
ANSWERS = {
    Outcome.THROTTLED: Answer(status=429),
    Outcome.UNAUTHORIZED: Answer(status=401),
    Outcome.NOT_FOUND: Answer(status=404),
    Outcome.SERVER_ERROR: Answer(status=500),
    Outcome.BAD_STATUS: Answer(status=418),
    Outcome.GONE: Answer(status=410),
    Outcome.NOT_A_FEED: Answer(body=b"<!doctype html><html><body>Hallo</body></html>", headers=HTML),
    Outcome.UNREADABLE: Answer(
        body=b'{"version": "https://jsonfeed.org/version/1.1", "items": [', headers={}
    ),
    Outcome.BAD_COMPRESSION: Answer(body=b"x", headers={"Content-Encoding": "br"}),
    Outcome.TOO_LARGE: Answer(raw=b"HTTP/1.1 200 -\r\nContent-Length: 99999999\r\n\r\n"),
    Outcome.CONNECT: Answer(raw=b""),
    Outcome.BAD_REDIRECT: Answer(status=302),
    Outcome.TOO_MANY_REDIRECTS: Answer(status=302, headers={"Location": "/too_many_redirects"}),
    Outcome.BLOCKED_URL: Answer(status=302, headers={"Location": "ftp://feed.example/"}),
    Outcome.DNS: Answer(status=302, headers={"Location": "http://nowhere.example/"}),
    Outcome.EMPTY: Answer(body=rss([])),
}
SOONEST = timedelta(minutes=48)
"""An hour less the jitter: longer than what the claim wrote down in case nobody came back."""


async def test_every_answer_has_its_outcome_and_a_next_attempt(rounds: Rounds, server: FeedServer) -> None:
    for outcome in ANSWERS:
        server.publish(f"/{outcome}", rss([news(1, published=rounds.now)]))
        rounds.add(server.url(f"/{outcome}", host=f"{outcome.replace('_', '-')}.example"))
    await rounds.poll()
    before = {feed_id: rounds.feed(feed_id) for feed_id in range(1, len(ANSWERS) + 1)}
    for outcome, answer in ANSWERS.items():
        server.script(f"/{outcome}", answer)
    counts = await rounds.poll(after=2 * DAY)
    assert [counts.outcomes[feed_id] for feed_id in before] == list(ANSWERS)
    with rounds.db.read() as session:
        lines = {line.id: line for line in health(session, now=rounds.now, lang="de")}
        rows = {row.feed_id: row for row in session.exec(select(FeedFetch).order_by(col(FeedFetch.id))).all()}
        counted = {outcome: number for outcome, number in tally.totals(session).items() if number}
    assert counted == {Outcome.CHANGED: len(ANSWERS)} | dict.fromkeys(ANSWERS, 1)
    for feed_id, outcome in enumerate(ANSWERS, start=1):
        feed, line = rounds.feed(feed_id), lines[feed_id]
        assert feed.next_check_at >= rounds.now + SOONEST
        assert feed.claimed_until is None
        assert feed.error_count == (0 if outcome.is_ok else 1)
        assert feed.state is (FeedState.ACTIVE if outcome.is_ok else FeedState.RETRYING)
        assert feed.document == before[feed_id].document
        if not outcome.is_ok:
            assert (feed.etag, feed.body_sha256) == (before[feed_id].etag, before[feed_id].body_sha256)
        assert (line.outcome, rows[feed_id].outcome) == (outcome, outcome)
        assert line.sentence
        assert line.next_check_at is not None


async def test_our_own_mistake_ends_nothing_but_that_feed(
    rounds: Rounds, server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug while storing one document: the others are stored, and that feed keeps its old validators."""
    for number in (1, 2, 3):
        server.publish(f"/{number}", rss([news(number, published=rounds.now)]))
        rounds.add(server.url(f"/{number}", host=f"{'abc'[number - 1]}.example"))

    def broken(session: object, results: list[Result], **values: object) -> object:
        settled = settle(session, results, **values)  # type: ignore[arg-type]  # passed through
        if any(result.feed_id == 2 and result.document is not None for result in results):
            raise ZeroDivisionError
        return settled

    monkeypatch.setattr(poll, "settle", broken)
    counts = await rounds.poll()
    assert counts.outcomes == {1: Outcome.CHANGED, 2: Outcome.INTERNAL, 3: Outcome.CHANGED}
    assert rounds.feed(2).etag is None
    assert rounds.feed(2).next_check_at >= rounds.now + SOONEST
    monkeypatch.undo()
    assert (await rounds.poll(after=2 * DAY)).outcomes[2] is Outcome.CHANGED


@pytest.mark.parametrize("error", [ParserTimeout, ParserMemory, ZeroDivisionError])
async def test_a_document_that_kills_its_reader_is_an_outcome(
    light: Rounds, server: FeedServer, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    server.publish("/feed", rss([news(1, published=light.now)]))
    feed_id = light.add(server.url())

    async def parse(*_: object, **__: object) -> object:
        raise error

    monkeypatch.setattr(light.pool, "parse", parse)
    expected: dict[type[Exception], Outcome] = {
        ParserTimeout: Outcome.PARSER_TIMEOUT,
        ParserMemory: Outcome.PARSER_MEMORY,
    }
    assert (await light.poll()).outcomes == {feed_id: expected.get(error, Outcome.INTERNAL)}
    feed = light.feed(feed_id)
    assert (feed.error_count, feed.next_check_at >= light.now + SOONEST) == (1, True)


async def test_a_mistake_of_the_parser_is_logged_with_its_place_and_nothing_of_the_document(
    light: Rounds, server: FeedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.publish("/feed", b"fail")
    feed_id = light.add(server.url())
    configure_logging("info")
    try:
        async with ParsePool(processes=1, read=read_as_told) as light.pool:
            assert (await light.poll()).outcomes == {feed_id: Outcome.INTERNAL}
    finally:
        structlog.reset_defaults()
    feed, printed = light.feed(feed_id), capsys.readouterr().err
    assert (feed.error_count, feed.last_outcome, feed.next_check_at > light.now) == (1, "internal", True)
    assert "ParserBug: KeyError" in printed
    assert "in read_as_told" in printed
    assert "FAIL" not in printed  # the message quotes the document
    assert "Job(" not in printed  # a traceback that shows locals would show the document


@pytest.mark.parametrize("status", [429, 503])
async def test_a_throttled_host_rests_with_all_its_feeds(
    rounds: Rounds, server: FeedServer, status: int
) -> None:
    server.script("/busy", Answer(status=status, headers={"Retry-After": "7200"}))
    server.publish("/calm", rss([news(1, published=rounds.now)]))
    rounds.add(server.url("/busy", host="www.a.example"))
    await rounds.poll()
    rounds.add(server.url("/calm", host="feeds.a.example"))
    other = rounds.add(server.url("/calm", host="b.example"))
    assert set((await rounds.poll(after=HOUR)).outcomes) == {other}
    assert len(server.requests) == 2
    counts = await rounds.poll(after=HOUR)
    assert len(counts.outcomes) >= 1
    assert any(request.host == "feeds.a.example" for request in server.requests)


async def test_a_host_met_by_a_redirect_rests_too(light: Rounds, server: FeedServer) -> None:
    server.redirect("/feed", server.url("/target", host="b.example"), status=302)
    server.script("/target", Answer(status=429, headers={"Retry-After": "86400"}))
    for host in ("c.example", "d.example"):
        light.add(server.url(host=host))
        await light.poll(after=timedelta(minutes=1))
    assert [request.host for request in server.requests].count("b.example") == 1
    with light.db.read() as session:
        row = session.get(HostState, "b.example")
    assert row is not None
    assert (row.strikes, row.reason) == (1, "status 429")


async def test_an_empty_document_takes_nothing_away(light: Rounds, server: FeedServer) -> None:
    document = rss([news(n, published=light.now) for n in (1, 2)])
    server.publish("/feed", document)
    feed_id = light.add(server.url())
    await light.poll()
    known = light.feed(feed_id).document
    for body in (b"", rss([])):
        server.publish("/feed", body)
        assert (await light.poll(after=2 * DAY)).outcomes == {feed_id: Outcome.EMPTY}
        assert light.feed(feed_id).document == known
    server.publish("/feed", document)
    assert (await light.poll(after=2 * DAY)).articles_new == 0


async def test_validators_are_ignored_once_when_the_parser_changed(
    light: Rounds, server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.publish("/feed", rss([news(1, published=light.now)]))
    feed_id = light.add(server.url())
    await light.poll()
    monkeypatch.setattr("digest.feeds.attempt.PARSER_VERSION", 99)
    monkeypatch.setattr("digest.feeds.settle.PARSER_VERSION", 99)
    assert (await light.poll(after=2 * DAY)).outcomes == {feed_id: Outcome.CHANGED}
    assert (await light.poll(after=2 * DAY)).outcomes == {feed_id: Outcome.UNCHANGED}
    assert ["if-none-match" in request.headers for request in server.requests] == [False, False, True]


async def test_the_same_body_without_validators_is_not_parsed_again(
    light: Rounds, server: FeedServer
) -> None:
    body = rss([news(1, published=light.now)])
    server.script(
        "/feed", Answer(body=body), Answer(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})
    )
    feed_id = light.add(server.url())
    await light.poll()
    assert (await light.poll(after=2 * DAY)).outcomes == {feed_id: Outcome.UNCHANGED}


async def test_a_304_refreshes_only_the_validators_it_names(light: Rounds, server: FeedServer) -> None:
    date = "Sun, 22 Nov 2026 05:00:00 GMT"
    server.script(
        "/feed",
        Answer(body=rss([news(1, published=light.now)]), headers={"ETag": '"1"', "Last-Modified": date}),
        Answer(status=304, headers={"ETag": 'W/"2"'}),
    )
    feed_id = light.add(server.url())
    await light.poll()
    await light.poll(after=2 * DAY)
    feed = light.feed(feed_id)
    assert (feed.etag, feed.last_modified) == ('W/"2"', date)


async def test_a_permanent_redirect_is_believed_after_three_successes_over_a_day(
    light: Rounds, server: FeedServer
) -> None:
    server.redirect("/feed", server.url("/new", host="b.example"), status=308)
    server.publish("/new", rss([news(1, published=light.now)]))
    feed_id = light.add(server.url(host="a.example"))
    for _ in range(2):
        await light.poll(after=13 * HOUR)
        assert light.feed(feed_id).url == server.url(host="a.example")
    await light.poll(after=13 * HOUR)
    feed = light.feed(feed_id)
    assert (feed.url, feed.host) == (server.url("/new", host="b.example"), "b.example")
    assert feed.original_url == server.url(host="a.example")
    await light.poll(after=13 * HOUR)
    assert server.requests[-1].path == "/new"
    assert light.feed(feed_id).state is FeedState.ACTIVE


@pytest.mark.parametrize("reason", ["temporary", "owned"])
async def test_a_redirect_that_proves_nothing_is_never_stored(
    light: Rounds, server: FeedServer, reason: str
) -> None:
    server.redirect("/feed", "/new", status=301 if reason == "owned" else 302)
    server.publish("/new", rss([news(1, published=light.now)]))
    feed_id = light.add(server.url())
    if reason == "owned":
        light.add(server.url("/new"))
    for _ in range(5):
        await light.poll(after=13 * HOUR)
    assert light.feed(feed_id).url == server.url()


async def test_gone_for_good_is_believed_after_two_days(light: Rounds, server: FeedServer) -> None:
    server.script("/feed", Answer(status=410))
    feed_id = light.add(server.url())
    for _ in range(3):
        await light.poll(after=30 * HOUR)
    assert light.feed(feed_id).state is FeedState.GONE
    await light.poll(after=400 * DAY)
    assert len(server.requests) == 3


async def test_the_last_fifty_attempts_are_kept(rounds: Rounds, server: FeedServer) -> None:
    server.publish("/feed", rss([news(1, published=rounds.now)]))
    feed_id = rounds.add(server.url())
    with rounds.db.write() as session:
        for _ in range(70):
            session.add(FeedFetch(feed_id=feed_id, at=rounds.now - DAY, outcome="unchanged"))
    await rounds.poll()
    with rounds.db.read() as session:
        rows = session.exec(select(FeedFetch).order_by(col(FeedFetch.id))).all()
    assert (len(rows), rows[-1].outcome) == (50, Outcome.CHANGED)


async def test_an_edition_pulls_stale_feeds_forward(rounds: Rounds, server: FeedServer) -> None:
    server.publish("/feed", rss(news(n, published=rounds.now - n * DAY) for n in range(20)))
    rounds.add(server.url())
    await rounds.poll()
    edition = rounds.now + 3 * HOUR
    early = await rounds.poll(after=2 * HOUR, wanted_by=edition)
    late = await rounds.poll(after=timedelta(minutes=46), wanted_by=edition)
    again = await rounds.poll(after=timedelta(minutes=1), wanted_by=edition)
    assert [one.feeds_polled for one in (early, late, again)] == [0, 1, 0]


async def test_logs_name_feeds_by_number_only(
    light: Rounds, server: FeedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.script("/secret-path", Answer(status=500))
    light.add(server.url("/secret-path"))
    for _ in range(4):
        await light.poll(after=2 * DAY)
    printed = capsys.readouterr().out
    assert "broken" in printed
    assert "secret-path" not in printed
