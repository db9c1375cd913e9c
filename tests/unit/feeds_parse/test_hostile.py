"""Measure 6, the documents: none of them ends or delays a process by more than it may, none raises anything else.

By default each is a quarter of a megabyte, where a scan that looks back would already take minutes; `soak` makes
them 10 MiB and sends them through the pool with its real limits.
"""

import pytest

from digest.feeds.errors import FeedError, FeedFormatError
from digest.feeds.normalize import normalize_feed
from digest.feeds.parse import parse_feed
from digest.feeds.pool import ParsePool
from tests.unit.feeds_parse.fixtures import read
from tests.unit.feeds_parse.hostile import HOSTILE, SIZE, billion_laughs, external_entity, quadratic_blowup


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_a_small_feed_or_a_format_error(name: str) -> None:
    try:
        document = normalize_feed(parse_feed(HOSTILE[name](256 * 1024)))
    except FeedFormatError as refused:
        assert len(refused.hint) < 100  # noqa: PT017 (either end is right)
        return
    assert len(document.candidates) <= 500
    assert all(len(candidate.title) <= 500 for candidate in document.candidates)
    assert all(len(candidate.summary) <= 1_000 for candidate in document.candidates)
    assert all(len(candidate.content_html.encode()) <= 262_144 for candidate in document.candidates)


@pytest.mark.parametrize("make", [billion_laughs, quadratic_blowup, external_entity])
def test_an_entity_is_only_its_name(make: object) -> None:
    feed = parse_feed(make(10_000))  # type: ignore[operator]  # one of three functions
    assert feed.entries[-1].title in {"&l29;", "&x;", "t"}
    assert "root:" not in repr(feed)


def test_of_a_long_document_the_newest_entries_are_read() -> None:
    def item(n: int) -> bytes:
        return b"<item><title>%d</title><pubDate>2026-07-%02d</pubDate></item>" % (n, n)

    rising = b"<rss><channel>" + b"".join(map(item, range(1, 20)))
    falling = b"<rss><channel>" + b"".join(map(item, range(19, 0, -1)))
    assert [entry.title for entry in parse_feed(rising, limit=3).entries] == ["17", "18", "19"]
    assert [entry.title for entry in parse_feed(falling, limit=3).entries] == ["19", "18", "17"]
    assert parse_feed(falling, limit=3).entry_count == 19


def test_of_a_long_json_feed_the_newest_items_are_read() -> None:
    items = b",".join(b'{"title": "%d", "date_published": "2026-07-%02d"}' % (n, n) for n in range(1, 20))
    assert [entry.title for entry in parse_feed(b'{"items": [' + items + b"]}", limit=2).entries] == [
        "18",
        "19",
    ]


@pytest.mark.soak
@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", HOSTILE)
async def test_ten_megabytes_of_harm_cost_one_job_at_most(name: str) -> None:
    async with ParsePool(processes=1) as pool:
        try:
            document = await pool.parse(HOSTILE[name](SIZE))
            assert len(document.candidates) <= 500
        except FeedError as refused:
            assert str(refused)  # noqa: PT017 (either end is right)
        assert len((await pool.parse(read("atom.xml"))).candidates) == 2
