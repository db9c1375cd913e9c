"""An older database is put back: nobody who had said no meanwhile is mailed again."""

from datetime import datetime, timedelta

from digest.db import Database
from subscribers import replay, tables
from subscribers.models import SubscriberState
from subscribers.replay import Fact, FactKind
from tests.integration.subscribers.support import HASHER, dump, joined, kinds, person, rows, wish

HOUR = timedelta(hours=1)


def fact(name: str, kind: FactKind, at: datetime) -> Fact:
    return Fact(at, kind, HASHER.hash(f"{name}@example.org"))


def do(db: Database, *facts: Fact, now: datetime) -> int:
    with db.write() as session:
        return replay.replay(session, facts, now=now, hasher=HASHER, withdraw=lambda *_: None)


def test_what_was_said_after_the_backup_counts_and_what_is_known_does_not(
    db: Database, now: datetime
) -> None:
    left, erased, bounced, back = (
        joined(db, wish(name), now=now) for name in ("left", "erased", "bounced", "back")
    )
    facts = [
        fact("left", FactKind.COMPLAINT, now),
        fact("left", FactKind.LEFT, now + HOUR),
        fact("erased", FactKind.LEFT, now + HOUR),
        fact("erased", FactKind.ERASED, now + 2 * HOUR),
        fact("bounced", FactKind.HARD_BOUNCE, now + HOUR),
        fact("back", FactKind.LEFT, now - HOUR),
        fact("unknown", FactKind.ERASED, now + HOUR),
    ]
    assert do(db, *facts, now=now + 3 * HOUR) == 2
    assert person(db, left).state is SubscriberState.UNSUBSCRIBED
    assert person(db, bounced).state is SubscriberState.ACTIVE
    assert person(db, back).state is SubscriberState.ACTIVE
    assert erased not in {row["public_id"] for row in rows(db, tables.SUBSCRIBER)}
    stopped = {row["address_hash"]: row["reason"].value for row in rows(db, tables.SUPPRESSION)}
    assert stopped == {HASHER.hash(f"{n}@example.org"): r for n, r in (
        ("left", "complaint"), ("erased", "erased"), ("bounced", "hard_bounce"), ("unknown", "erased")
    )}  # fmt: skip
    assert kinds(db)[4:] == ["unsubscribed", "erased"]
    assert rows(db, tables.CONSENT)[4]["source"] == "restore"
    before = dump(db)
    do(db, *facts, now=now + 4 * HOUR)
    assert dump(db) == before


def test_a_line_is_read_back_and_a_torn_one_is_passed_over(now: datetime) -> None:
    one = fact("ann", FactKind.COMPLAINT, now)
    text = replay.line(one) + "\n"
    assert list(replay.read([text, "\n", text[:-1], text[:40]])) == [one]
    assert "ann" not in text
