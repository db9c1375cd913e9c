"""The chain shows every change that was not ours, and survives every erasure that was."""

import random
import threading
import tracemalloc
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from digest.db import Database
from subscribers import chain, consent, proof, tables, wording
from subscribers.chain import Anchor
from subscribers.consent import Event
from subscribers.models import ConsentKind
from subscribers.verification import Verification, verify
from tests.integration.subscribers.support import ANN, BEN, joined, rows, topics, wish

DAY = timedelta(days=1)


def events(number: int, *, at: datetime) -> list[Event]:
    return [
        Event(
            kind=ConsentKind.CONFIRMED,
            subject=uuid4(),
            source="form",
            topics=("ki",),
            locale="de",
            cadence="daily",
            requested_at=at,
            person={"address": f"r{n}@example.org"},
            network={"request": "192.0.2.0/24"},
        )
        for n in range(number)
    ]


def append(db: Database, number: int, *, now: datetime) -> list[int]:
    with db.write() as session:
        return consent.append(session, events(number, at=now), now=now)


def check(db: Database, *anchors: Anchor) -> Verification:
    with db.read() as session:
        return verify(session, anchors=anchors)


def change(db: Database, seq: int, column: str, value: object) -> None:
    with db.write() as session:
        if db.is_sqlite:
            session.execute(text("PRAGMA ignore_check_constraints = ON"))
        row = tables.CONSENT.update().where(tables.CONSENT.c.seq == seq)
        session.execute(row.values({column: value}))


def test_an_untouched_chain_is_whole(db: Database, now: datetime) -> None:
    assert check(db) == Verification(events=0, subjects=0, erased=0, head=chain.GENESIS, first_bad=None)
    assert append(db, 3, now=now) == [1, 2, 3]
    assert append(db, 2, now=now) == [4, 5]
    found = check(db)
    assert (found.ok, found.events, found.subjects, found.erased) == (True, 5, 5, 0)
    assert found.head == rows(db, tables.CONSENT)[-1]["hash"]
    assert len({row["person_salt"] for row in rows(db, tables.CONSENT)}) == 5


def test_any_change_in_any_column_is_named(db: Database, now: datetime) -> None:
    append(db, 4, now=now)
    third = rows(db, tables.CONSENT)[2]
    lies: dict[str, object] = {
        "at": now + timedelta(microseconds=1),
        "kind": ConsentKind.IMPORTED,
        "subject": uuid4(),
        "source": "forn",
        "wording_sha256": "0" * 64,
        "locale": "en",
        "topics": ["ki", "sport"],
        "cadence": "weekly",
        "requested_at": None,
        "person_hash": "0" * 64,
        "network_hash": "0" * 64,
        "prev_hash": "0" * 63 + "1",
        "hash": "0" * 63 + "1",
        "person": {"address": "other@example.org"},
        "person_salt": b"0" * 16,
        "network": {"request": "198.51.100.0/24"},
        "network_salt": None,
    }
    for column, lie in lies.items():
        change(db, 3, column, lie)
        found = check(db)
        assert (found.ok, found.first_bad) == (False, 3), column
        change(db, 3, column, third[column])
    assert check(db).ok


def test_a_missing_event_and_a_renumbered_one_are_named(db: Database, now: datetime) -> None:
    append(db, 4, now=now)
    change(db, 4, "seq", 9)
    assert check(db).first_bad == 4
    with db.write() as session:
        session.execute(tables.CONSENT.delete().where(tables.CONSENT.c.seq == 2))
    assert check(db).first_bad == 2


def test_a_value_that_cannot_even_be_read_is_named(db: Database, now: datetime) -> None:
    append(db, 4, now=now)
    damage = "UPDATE consent SET kind = 'nonsense' WHERE seq = 2"
    with db.write() as session:
        if not db.is_sqlite:
            session.execute(text("ALTER TABLE consent DROP CONSTRAINT ck_consent_consent_kind"))
    with db.write() as session:
        if db.is_sqlite:
            session.execute(text("PRAGMA ignore_check_constraints = ON"))
        session.execute(text(damage))
    assert check(db).first_bad == 2


def test_an_anchor_shows_a_chain_that_was_cut_or_written_anew(db: Database, now: datetime) -> None:
    append(db, 5, now=now)
    with db.read() as session:
        anchor = consent.head(session)
    assert check(db, anchor, chain.START).ok
    with db.write() as session:
        session.execute(tables.CONSENT.delete().where(tables.CONSENT.c.seq > 3))
    assert check(db).ok
    assert check(db, anchor).first_bad == 5
    append(db, 2, now=now + DAY)
    assert check(db).ok
    assert check(db, anchor).first_bad == 5


def test_forgetting_leaves_the_chain_whole(db: Database, now: datetime) -> None:
    append(db, 3, now=now)
    subject: UUID = rows(db, tables.CONSENT)[1]["subject"]
    with db.write() as session:
        assert consent.forget_person(session, [subject]) == 1
        assert consent.forget_networks(session, before=now + DAY, limit=1) == 1
    first, second, third = rows(db, tables.CONSENT)
    assert (second["person"], second["person_salt"], second["network"], second["network_salt"]) == (None,) * 4
    assert (first["network"], first["network_salt"]) == (None, None)
    assert first["person"]
    assert third["network"]
    assert check(db).ok


def test_a_part_without_its_salt_is_no_erasure_of_ours(db: Database, now: datetime) -> None:
    append(db, 2, now=now)
    change(db, 1, "person", None)
    assert check(db).first_bad == 1


def test_many_appenders_make_one_unbroken_chain(db: Database, now: datetime) -> None:
    gate, failed = threading.Barrier(6), []

    def run() -> None:
        gate.wait()
        try:
            for _ in range(4):
                append(db, random.randint(1, 3), now=now)
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not failed
    found = check(db)
    assert found.ok
    assert found.events >= 24


def test_nothing_but_the_two_erasures_ever_changes_an_event() -> None:
    """Every statement of the package on this table is an insert, or one of the two updates in consent.py."""
    from pathlib import Path

    import subscribers

    [folder] = subscribers.__path__
    sources = {path.name: path.read_text() for path in Path(folder).glob("*.py")}
    assert sum(source.count("update(CONSENT)") for source in sources.values()) == 2
    assert sources["consent.py"].count("update(CONSENT)") == 2
    for source in sources.values():
        assert "delete(CONSENT)" not in source
        assert "CONSENT.update" not in source
        assert "CONSENT.delete" not in source


def test_a_proof_shows_events_with_their_words_and_both_times(db: Database, now: datetime) -> None:
    topics(db, "ki", now=now)
    joined(db, wish("Ann@example.org", "ki"), now=now)
    with db.read() as session:
        shown = proof.proof(session, ANN, timezone="Europe/Berlin")
        assert proof.proof(session, BEN, timezone="Europe/Berlin") is None
        head = consent.head(session)
    assert shown is not None
    assert (shown.address, shown.head) == ("Ann@example.org", head)
    [event] = shown.events
    assert (event["kind"], event["topics"], event["wording_sha256"]) == (
        "confirmed",
        ["ki"],
        wording.EXTERNAL,
    )
    assert event["at"] == "2026-11-22T06:00:00.000000+00:00"
    assert event["local_at"] == "2026-11-22T07:00:00+01:00"
    again = chain.part_hash(event["person"], bytes.fromhex(event["person_salt"]))
    assert again == event["person_hash"]


def test_a_wording_is_kept_once_per_text_and_language_and_found_by_its_hash(
    db: Database, now: datetime
) -> None:
    with db.write() as session:
        first = wording.ensure(session, language="de", text="Du bestellst …", now=now)
        assert wording.ensure(session, language="de", text="Du bestellst …", now=now + DAY) == first
        other = wording.ensure(session, language="de", text="Du bestellst …!", now=now)
        assert other != first
        name = wording.digest("Du bestellst …")
        assert wording.find(session, name) == wording.find(session, name[:12]) == first
        for bad in ("", name[:11], "%" * 12, "_" * 12, "f" * 64, name + "0", name.upper()):
            assert wording.find(session, bad) is None


@pytest.mark.soak
def test_verifying_takes_flat_memory(db: Database, now: datetime) -> None:
    for _ in range(20):
        append(db, 1000, now=now)
    peaks = []
    for _ in range(2):
        tracemalloc.start()
        assert check(db).ok
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        for _ in range(20):
            append(db, 1000, now=now)
    assert peaks[1] < peaks[0] * 1.2
