"""A year of ticks over daylight-saving in three zones: exactly one daily edition for each local date."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import select
from sqlmodel import col

from digest import stages
from digest.db import Database
from digest.editions.models import Edition
from digest.feeds.models import Feed
from digest.runtime import Runtime
from digest.settings import load
from tests.support import smtp
from tests.support.factories import make_article, make_feed, make_subscriber, make_topic, subscribe
from tests.support.house import ENVIRONMENT
from tests.support.site import Clock

ZONES = {"Europe/Berlin": "02:30", "America/New_York": "02:30", "Australia/Lord_Howe": "02:15"}
EUROPE_AUTUMN = date(2026, 10, 25)
CHANGES = [
    date(2026, 3, 8),
    date(2026, 3, 29),
    date(2026, 4, 5),
    date(2026, 10, 4),
    EUROPE_AUTUMN,
    date(2026, 11, 1),
]
"""When clocks change in one of the zones."""
ROUND_EACH = [
    pytest.param(
        on - timedelta(days=2),
        on + timedelta(days=2),
        id=f"{on:%B-%d}",
        marks=[] if on == EUROPE_AUTUMN else [pytest.mark.long],
    )
    for on in CHANGES
]
YEAR = pytest.param(
    date(2026, 1, 2), date(2026, 12, 31), id="year", marks=[pytest.mark.soak, pytest.mark.timeout(1800)]
)


@pytest.mark.parametrize(("first", "last"), [*ROUND_EACH, YEAR])
def test_there_is_one_daily_edition_per_local_date_in_every_zone(
    sqlite_url: str, first: date, last: date
) -> None:
    start = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(days=1)
    db = Database(sqlite_url)
    with db.write() as session:
        topic = make_topic(session, "ki", query="KI", now=start)
        for zone, at in ZONES.items():
            person = make_subscriber(session, _name(zone), now=start, timezone=zone, local_time=at)
            subscribe(session, person, topic, now=start)
        feed_id = make_feed(session, now=start, state="paused").id
    with smtp.running() as post:
        given = {**ENVIRONMENT, "DIGEST_DATABASE_URL": sqlite_url, "DIGEST_SMTP__PORT": str(post.port)}
        clock = Clock(start)
        runtime = Runtime(load(given, env_file=None), db, clock, Random(1))
        asyncio.run(_live(runtime, clock, feed_id, until=last + timedelta(days=2)))
        got = Counter((one.recipient, one.message_id) for one in post.accepted)
    with db.read() as session:
        rows = list(
            session.execute(select(col(Edition.timezone), col(Edition.local_date), col(Edition.state)))
        )
    db.close()
    assert max(got.values()) == 1
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    for zone in ZONES:
        found = [
            day for name, day, state in rows if name == zone and state == "finished" and first <= day <= last
        ]
        assert sorted(found) == dates
        mails = [recipient for recipient, _ in got if recipient == f"{_name(zone)}@example.org"]
        assert len(mails) == len([1 for name, _, state in rows if name == zone and state == "finished"])


def _name(zone: str) -> str:
    return zone.rsplit("/", maxsplit=1)[-1].lower()


async def _live(runtime: Runtime, clock: Clock, feed_id: int, *, until: date) -> None:
    """A tick about every six hours at odd minutes, with news before each: every hour of a change comes to pass."""
    number = 0
    while clock.now.date() < until:
        clock.now += timedelta(hours=5, minutes=55)
        number += 1
        with runtime.db.write() as session:
            make_article(
                session, session.get_one(Feed, feed_id), f"KI Nummer {number}", number=number, now=clock.now
            )
        await stages.tick(runtime)
