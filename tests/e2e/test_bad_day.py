"""A bad day: feeds misbehave, the mail server too, the machine dies in the middle. Every promise holds."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support import smtp
from tests.support.feedserver import Answer
from tests.support.house import House, open_house, rss
from tests.support.smtp import Act, Event

EVENING = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 23, 6, 0, 30, tzinfo=UTC)
DAY = timedelta(days=1)
READERS = 60


@pytest.fixture
def house(tmp_path: Path, database_url_empty: str) -> Iterator[House]:
    """Sixty readers of one topic, one healthy feed past its baseline."""
    with open_house(tmp_path, database_url_empty, at=EVENING) as house:
        house.feeds.publish("/feed", rss(("1", "Alte Nachricht", "Von gestern."), at=EVENING - 2 * DAY))
        house.ok("feeds", "add", house.feeds.url("/feed"), "--trust", "own")
        house.ok("topics", "add", "ki", "--name", "KI", "--query", "KI")
        people = tmp_path / "people.csv"
        people.write_text("email,topics\n" + "".join(f"r{n}@example.org,ki\n" for n in range(READERS)))
        house.ok("subscribers", "import", str(people), "--consent", "paper form", "--apply")
        house.tick()
        yield house


def counts(house: House) -> Counter[str]:
    return Counter(one.recipient for one in house.post.accepted)


def test_a_feed_that_changes_all_its_ids_floods_nobody(house: House) -> None:
    articles = [(str(n), f"KI Nummer {n} aus dem Labor in Lindau", f"Text {n}.") for n in range(2, 32)]
    at = MORNING - 5 * DAY
    house.feeds.publish("/feed", rss(*articles, at=at))
    house.ok("feeds", "add", house.feeds.url("/second"), "--no-check")
    house.feeds.publish("/second", rss(*articles, at=at, link="https://alt.example.org/a"))
    house.tick(MORNING - timedelta(hours=2))
    renamed = [(f"neu-{number}", headline, text) for number, headline, text in articles]
    house.feeds.publish("/second", rss(*renamed, at=at, link="https://neu.example.org/b"))
    house.tick(MORNING + timedelta(hours=1))
    house.tick(MORNING + DAY)
    assert house.post.accepted == []


def test_a_hostile_feed_costs_only_its_own_slot(house: House) -> None:
    huge = Answer(
        headers={"Content-Type": "application/rss+xml", "Content-Length": str(10 * 2**30)}, body=b"x"
    )
    house.feeds.script("/huge", huge)
    house.ok("feeds", "add", house.feeds.url("/huge"), "--no-check")
    house.feeds.publish("/feed", rss(("2", "Neue KI", "Trotz allem."), at=MORNING - timedelta(hours=1)))
    house.tick(MORNING)
    assert counts(house) == {f"r{n}@example.org": 1 for n in range(READERS)}
    (huge_row,) = [row for row in house.ok("feeds", "list", "--json").json if row["url"].endswith("/huge")]
    assert huge_row["outcome"] == "too_large"
    assert huge_row["sentence"]
    assert huge_row["next_check_at"]


def test_greylisted_then_dropped_after_the_dot_each_reader_gets_one_mail_or_one_more_copy(
    house: House,
) -> None:
    heard: set[str] = set()

    def script(event: Event) -> str | Act | None:
        if event.verb == "RCPT" and event.recipient not in heard:
            heard.add(event.recipient)
            return "450 4.2.0 come back later"
        if event.verb == "DOT" and event.recipient in {"r1@example.org", "r2@example.org"}:
            heard.discard(event.recipient)
            return (
                Act.ACCEPT_AND_CLOSE
                if dropped.append(event.recipient) is None and len(dropped) <= 2
                else None
            )
        return None

    dropped: list[str] = []
    house.post.script = script
    house.feeds.publish("/feed", rss(("2", "Neue KI", "Heute früh."), at=MORNING - timedelta(hours=1)))
    for minutes in (0, 10, 30, 60, 120, 180, 240):
        house.digest("tick", "--at", (MORNING + timedelta(minutes=minutes)).isoformat())
    got = counts(house)
    assert set(got) == {f"r{n}@example.org" for n in range(READERS)}
    twice = {address for address, number in got.items() if number > 1}
    assert twice <= {"r1@example.org", "r2@example.org"}
    for address in twice:
        copies = [one for one in house.post.accepted if one.recipient == address]
        assert len({one.message_id for one in copies}) == 1
        assert len({one.sha256 for one in copies}) == 1
    (edition,) = [
        one for one in house.ok("editions", "list", "--json").json if one["local_date"] == "2026-11-23"
    ]
    assert edition["state"] == "finished"
    assert edition["deliveries"]["sent"] + edition["deliveries"]["unknown"] == READERS


@pytest.mark.long  # three programs started for real; the crash tests of delivery stop at every step, by default
def test_killed_in_the_middle_and_restarted_with_two_workers_nobody_is_skipped_or_doubled(
    house: House,
) -> None:
    house.feeds.publish("/feed", rss(("2", "Neue KI", "Heute früh."), at=MORNING - timedelta(hours=1)))
    kill_at = READERS // 3
    process: list[subprocess.Popen[bytes]] = []

    def script(event: Event) -> None:
        if event.verb == "DOT" and event.count == kill_at and process:
            os.kill(process[0].pid, signal.SIGKILL)

    house.post.script = script
    command = [sys.executable, "-m", "digest.cli", "tick", "--at", MORNING.isoformat()]
    environment = {**os.environ, **house.environment, "DIGEST_SMTP__CONNECTIONS": "2"}
    process.append(subprocess.Popen(command, env=environment, cwd=house.folder, stderr=subprocess.DEVNULL))
    assert process[0].wait(90) == -signal.SIGKILL
    before = counts(house)
    assert 0 < len(before) < READERS
    house.post.script = smtp.Server().script
    again = [
        subprocess.Popen(
            [*command[:-1], (MORNING + timedelta(minutes=5)).isoformat()],
            env=environment,
            cwd=house.folder,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    for one in again:
        one.wait(90)
    deadline = time.monotonic() + 60
    while len(counts(house)) < READERS and time.monotonic() < deadline:
        house.digest("tick", "--at", (MORNING + timedelta(minutes=20)).isoformat())
    got = counts(house)
    assert set(got) == {f"r{n}@example.org" for n in range(READERS)}
    assert sum(got.values()) - READERS <= 2, "more second copies than connections that were open at the kill"
    assert all(number <= 2 for number in got.values())
