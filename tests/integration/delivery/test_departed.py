"""Who had left stays unmailed when an older database is put back."""

import shutil
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import select

from digest.cli import opening
from digest.db import Database
from digest.delivery import witness
from digest.delivery.departed import Departed, replayer
from digest.delivery.outbox import forget
from digest.delivery.witness import Seen, Witness
from subscribers import privacy, suppression, unsubscribe
from subscribers.hashing import AddressHasher
from subscribers.models import Subscriber, SubscriberState, SuppressionReason
from subscribers.unsubscribe import Source
from tests.support.factories import make_subscriber

HASHER = AddressHasher(b"k" * 32)
HOUR = timedelta(hours=1)


def people(db: Database) -> dict[str, str]:
    with db.read() as session:
        return {one.address.split("@")[0]: one.state.value for one in session.exec(select(Subscriber))}


def leave_and_erase(db: Database, now: datetime, ids: dict[str, UUID]) -> None:
    """Ann leaves, Ben has himself erased, Cleo's mailbox is gone."""
    with db.write() as session:
        unsubscribe.unsubscribe(session, ids["ann"], now=now, source=Source.PAGE)
    with db.write() as session:
        erasing = lambda person, address: forget(session, person, address, now=now)  # noqa: E731
        privacy.erase(session, ids["ben"], now=now, hasher=HASHER, source="page", withdraw=erasing)
    with db.write() as session:
        keys = ["cleo@example.org"]
        suppression.suppress(session, keys, SuppressionReason.HARD_BOUNCE, now=now, hasher=HASHER)


@pytest.fixture
def put_back(sqlite_url: str, now: datetime, tmp_path: Path) -> Database:
    """A database as it was before three people left; a fourth left and came back before the copy was made."""
    file, copy = sqlite_url.removeprefix("sqlite:///"), tmp_path / "copy.db"
    log = tmp_path / "departures.log"
    early = (now - 9 * HOUR).isoformat()
    log.write_text(f"half a li\n{early} left {UUID(int=4).hex} -\n- returned {UUID(int=4).hex} -\n", "ascii")
    db = Database(sqlite_url)
    db.before_commit = Departed(log).keep
    with db.write() as session:
        ids = {
            name: make_subscriber(session, name, now=now - 5 * HOUR, **more).public_id
            for name, more in (("ann", {}), ("ben", {}), ("cleo", {}), ("back", {"public_id": UUID(int=4)}))
        }
    with sqlite3.connect(file) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    source.close()
    target.close()
    leave_and_erase(db, now, ids)
    db.close()
    for suffix in ("-wal", "-shm"):
        Path(file + suffix).unlink(missing_ok=True)
    shutil.copy(copy, file)
    return Database(sqlite_url)


def test_who_had_left_is_gone_from_an_older_database_before_anything_is_sent(
    put_back: Database, now: datetime, tmp_path: Path
) -> None:
    departed = Departed(tmp_path / "departures.log")
    assert people(put_back) == dict.fromkeys(("ann", "ben", "cleo", "back"), "active")
    file = tmp_path / "witness.json"
    with put_back.write() as session:
        identity = witness.note(session).instance
    Witness(file).write(Seen(identity, 99, 0))
    with put_back.write() as session:
        assert witness.check(session, Witness(file, replayer(departed, HASHER)), now=now + HOUR)
    assert people(put_back) == {"ann": "unsubscribed", "cleo": "active", "back": "active"}
    with put_back.read() as session:
        stopped = suppression.reasons(
            session, ["ann@example.org", "ben@example.org", "cleo@example.org"], hasher=HASHER
        )
    assert {key: one.reason for key, one in stopped.items()} == {
        "ben@example.org": SuppressionReason.ERASED,
        "cleo@example.org": SuppressionReason.HARD_BOUNCE,
    }
    put_back.close()


def test_repeating_it_changes_nothing_and_the_file_names_nobody(
    put_back: Database, now: datetime, tmp_path: Path
) -> None:
    departed = Departed(tmp_path / "departures.log")
    before = len(list(departed.read()))
    put_back.before_commit = departed.keep
    for expected in (True, False):
        with put_back.write() as session:
            assert bool(departed.replay(session, now=now, hasher=HASHER)) is expected
    assert len(list(departed.read())) == before
    assert "@" not in (tmp_path / "departures.log").read_text(encoding="ascii")
    put_back.close()


def test_a_disk_that_is_full_keeps_nobody_from_leaving(db: Database, now: datetime) -> None:
    db.before_commit = Departed(Path("/dev/full")).keep
    with db.write() as session:
        ann = make_subscriber(session, "ann", now=now).public_id
    with db.write() as session:
        unsubscribe.unsubscribe(session, ann, now=now, source=Source.PAGE)
    assert people(db) == {"ann": SubscriberState.UNSUBSCRIBED}


def test_every_command_keeps_departures_beside_the_database(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGEST_DATABASE_URL", sqlite_url)
    monkeypatch.setattr(Database, "require_schema", lambda _: None)
    with opening.unchecked(opening.settings()) as runtime:
        assert runtime.db.before_commit is not None
