"""A file of subscribers: every row is taken, or named with its reason; nobody who said no comes back."""

import time
from datetime import UTC, datetime
from uuid import UUID

import pytest

from digest.db import Database
from subscribers import admission, register, suppression, tables
from subscribers.addresses import canonical
from subscribers.admission import Admission, Newcomer
from subscribers.choices import Choices
from subscribers.errors import HeaderError
from subscribers.importing import BATCH, Reader, RowProblem, RowReason
from subscribers.models import Cadence, ConsentKind, SubscriberState, SuppressionReason
from subscribers.unsubscribe import Source, unsubscribe
from subscribers.verification import verify
from tests.integration.subscribers.support import (
    BEN,
    HASHER,
    dump,
    followed,
    joined,
    kinds,
    rows,
    topics,
    wish,
)

HEADER = "email,topics,cadence,time,timezone,language,created_at"


def reader(now: datetime) -> Reader:
    return Reader(topics={"ki", "ukraine"}, languages={"de", "en"}, defaults=Choices(), now=now)


def let_in(
    db: Database, people: list[Newcomer], *, now: datetime, note: str = "Messe 2026"
) -> list[Admission]:
    with db.write() as session:
        return admission.add(
            session, people, note=note, now=now, release_no=12, hasher=HASHER, kind=ConsentKind.IMPORTED
        )


def test_a_row_becomes_a_subscriber_with_its_note_of_consent(db: Database, now: datetime) -> None:
    topics(db, "ki", "ukraine", now=now)
    lines = [
        HEADER,
        "Ann@example.org,ki;ukraine,weekly,18:30,America/New_York,en,2024-05-01T10:00:00+02:00",
        "ben@example.org,,,,,,",
    ]
    [batch] = reader(now).batches(lines)
    assert not batch.problems
    assert let_in(db, batch.people, now=now) == [Admission.ADDED, Admission.ADDED]
    with db.read() as session:
        ann = register.find(session, canonical("ann@example.org"))
    assert ann is not None
    assert (ann.address, ann.cadence, ann.weekday, ann.local_time) == (
        "Ann@example.org",
        Cadence.WEEKLY,
        0,
        "18:30",
    )
    assert (ann.timezone, ann.locale, ann.last_release) == ("America/New_York", "en", 12)
    assert followed(db, ann.public_id) == {"ki", "ukraine"}
    first, second = rows(db, tables.CONSENT)
    assert (first["kind"], first["source"], first["topics"]) == ("imported", "import", ["ki", "ukraine"])
    assert first["requested_at"] == datetime(2024, 5, 1, 8, tzinfo=UTC)
    assert first["person"] == {"address": "Ann@example.org", "note": "Messe 2026"}
    assert (second["cadence"], second["topics"]) == ("daily", [])


def test_nobody_is_let_in_without_a_note(db: Database, now: datetime) -> None:
    with pytest.raises(ValueError, match="note"):
        let_in(db, [Newcomer(address=BEN, choices=Choices())], now=now, note="  ")


def test_no_import_overrules_a_person(db: Database, now: datetime) -> None:
    topics(db, "ki", now=now)
    here = joined(db, wish("here", "ki", local_time="20:00"), now=now)
    left = joined(db, wish("left", "ki"), now=now)
    with db.write() as session:
        unsubscribe(session, left, now=now, source=Source.ONE_CLICK)
        for reason in SuppressionReason:
            suppression.suppress(session, [f"{reason}@example.org"], reason, now=now, hasher=HASHER)
    names = ["here", "left", *SuppressionReason, "new"]
    people = [Newcomer(address=canonical(f"{name}@example.org"), choices=Choices()) for name in names]
    expected = [Admission.PRESENT, Admission.LEFT] + [Admission.SUPPRESSED] * 5 + [Admission.ADDED]
    before = dump(db)
    with db.read() as session:
        assert admission.judge(session, people, hasher=HASHER) == expected
    assert dump(db) == before
    assert let_in(db, people, now=now) == expected
    assert let_in(db, people, now=now)[-1] is Admission.PRESENT
    states = {row["address"]: row["state"] for row in rows(db, tables.SUBSCRIBER)}
    assert states == {
        "here@example.org": SubscriberState.ACTIVE,
        "left@example.org": SubscriberState.UNSUBSCRIBED,
        "new@example.org": SubscriberState.ACTIVE,
    }
    assert followed(db, here) == {"ki"}
    assert kinds(db)[-1] == "imported"
    assert len(kinds(db)) == 4


@pytest.mark.parametrize("number", [2500, pytest.param(100_000, marks=pytest.mark.soak)])
def test_a_long_file_comes_in_batch_by_batch(db: Database, now: datetime, number: int) -> None:
    topics(db, "ki", "ukraine", now=now)
    lines = [HEADER, *(f"r{n}@example.org,ki;ukraine,daily,07:00,Europe/Berlin,de," for n in range(number))]
    started = time.perf_counter()
    added = 0
    for batch in reader(now).batches(lines):
        added += let_in(db, batch.people, now=now).count(Admission.ADDED)
    print(f"{number / (time.perf_counter() - started):,.0f} rows a second")  # noqa: T201 - a figure for -s
    assert added == number
    with db.read() as session:
        assert verify(session).ok


def test_ids_of_imported_people_are_random(db: Database, now: datetime) -> None:
    let_in(db, [Newcomer(address=BEN, choices=Choices())], now=now)
    assert all(UUID(str(row["public_id"])).version == 4 for row in rows(db, tables.SUBSCRIBER))


@pytest.mark.parametrize(
    ("row", "reason", "value"),
    [
        ("no-address,ki,daily,07:00,,,", RowReason.ADDRESS, "no-address"),
        ("ben@example.org,ki;nope,daily,07:00,,,", RowReason.TOPIC, "nope"),
        ("ben@example.org,ki,hourly,07:00,,,", RowReason.CADENCE, "hourly"),
        ("ben@example.org,ki,daily,07:15,,,", RowReason.TIME, "07:15"),
        ("ben@example.org,ki,daily,7:00,,,", RowReason.TIME, "7:00"),
        ("ben@example.org,ki,daily,23:00,,,", RowReason.TIME, "23:00"),
        ("ben@example.org,ki,daily,07:00,Mars/Olympus,,", RowReason.TIMEZONE, "Mars/Olympus"),
        ("ben@example.org,ki,daily,07:00,,fr,", RowReason.LANGUAGE, "fr"),
        ("ben@example.org,ki,daily,07:00,,,soon", RowReason.CREATED_AT, "soon"),
        ("ben@example.org,ki,daily,07:00,,,2027-01-01", RowReason.CREATED_AT, "2027-01-01"),
        ("ben@example.org,ki", RowReason.COLUMNS, ""),
        ("ben@example.org,ki,daily,07:00,,,,extra", RowReason.COLUMNS, ""),
        ("ANN@Example.org,ki,daily,07:00,,,", RowReason.DUPLICATE, "ANN@example.org"),
    ],
)
def test_a_bad_row_is_named_and_stops_nobody_else(
    now: datetime, row: str, reason: RowReason, value: str
) -> None:
    lines = [HEADER, "ann@example.org,,,,,,", row, "cleo@example.org,,,,,,"]
    [batch] = reader(now).batches(lines)
    assert [one.address.key for one in batch.people] == ["ann@example.org", "cleo@example.org"]
    assert batch.problems == [RowProblem(3, reason, value)]


@pytest.mark.parametrize(
    ("header", "message"),
    [("", "email"), ("name,topics", "email"), ("email,name", "name"), ("email,topics,topics", "twice")],
)
def test_a_file_of_another_kind_is_refused_at_its_first_line(
    now: datetime, header: str, message: str
) -> None:
    with pytest.raises(HeaderError, match=message):
        next(reader(now).batches([header, "ann@example.org,x"]))


def test_batches_are_of_limited_size(now: datetime) -> None:
    lines = ["email", *(f"r{n}@example.org" for n in range(2 * BATCH + 1))]
    assert [len(batch.people) for batch in reader(now).batches(lines)] == [BATCH, BATCH, 1]
