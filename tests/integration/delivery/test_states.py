"""Every row of the table of delivery states: who writes what, and who must not."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select, update

import digest
from digest.db import Database
from digest.delivery.committer import Ended
from digest.delivery.marks import SentMark, StartMark, marks_for
from digest.delivery.models import Attempt, Chunk, Delivery, DeliveryState, Reason
from digest.delivery.outbox import EditionLedger, skip, withdraw
from digest.delivery.queue import Claim, Queue
from digest.delivery.settlement import Rules, Settlement
from digest.mail.outcome import Outcome, Phase, Reply, Verdict, outcome_of, untouched
from digest.settings import UnknownPolicy
from subscribers.models import Subscriber
from tests.support.sending import make_edition

LEASE = timedelta(seconds=120)


@dataclass
class Office:
    """One worker's queue, marks and settlement on a fresh database, with a lease clock of its own."""

    db: Database
    now: datetime
    policy: UnknownPolicy = UnknownPolicy.RESEND
    seconds: list[float] = field(default_factory=lambda: [1000.0])
    suppressed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settlement = Settlement(
            self.db,
            Rules(policy=self.policy, jitter=lambda: 0.0),
            suppress=lambda session, key, reason, at: self.suppressed.append(key),
        )
        self.marks = marks_for(self.db, is_durable=False)

    def queue(self, owner: str) -> Queue:
        clock = lambda: self.seconds[0]  # noqa: E731
        return Queue(self.db, self.settlement, owner=owner, lease=LEASE, lease_clock=clock)

    def claim(self, owner: str = "w1", *, later: timedelta = timedelta(0)) -> Claim:
        claim = self.queue(owner).claim(now=self.now + later)
        assert claim is not None
        return claim

    def start(self, claim: Claim, number: int = 0, *, at: datetime | None = None) -> bool:
        mark = StartMark(claim.rows[number].id, claim.chunk_id, claim.fence, at or self.now)
        return claim.rows[number].id in self.marks.write([], [mark])

    def accept(self, claim: Claim, number: int = 0) -> None:
        self.marks.write([SentMark(claim.rows[number].id, claim.fence, self.now, 250, "ok")], [])

    def end(self, claim: Claim, outcome: Outcome, number: int = 0) -> None:
        self.settlement.settle([Ended(claim.rows[number].id, claim.fence, outcome, self.now)])

    def row(self) -> Delivery:
        with self.db.read() as session:
            return session.exec(select(Delivery).order_by(col(Delivery.id))).first() or pytest.fail("no row")

    def state(self) -> tuple[str, str]:
        row = self.row()
        return row.state.value, row.reason

    def attempts(self) -> list[str]:
        with self.db.read() as session:
            return [one.outcome for one in session.exec(select(Attempt).order_by(col(Attempt.id)))]

    def cursor(self) -> int:
        with self.db.read() as session:
            return session.exec(select(Subscriber.last_release).order_by(col(Subscriber.id))).first() or 0

    def freeze(self) -> None:
        """Longer than a lease passes."""
        self.seconds[0] += 121


@pytest.fixture
def office(db: Database, now: datetime) -> Office:
    with db.write() as session:
        make_edition(session, 1, now=now, release_no=7)
    office = Office(db, now)
    yield office
    office.marks.close()


def said(text: str, phase: Phase) -> Outcome:
    code, _, words = text.partition(" ")
    return outcome_of(Reply(int(code), words.encode()), phase)


LOST = Outcome(Verdict.LOST, Phase.DOT)


def test_start_moves_a_planned_delivery_into_its_data(office: Office) -> None:
    claim = office.claim()
    assert office.start(claim)
    row = office.row()
    assert (row.state, row.attempts, row.dated_at, row.fence) == (
        DeliveryState.IN_DATA,
        1,
        office.now,
        claim.fence,
    )


def test_start_moves_a_deferred_delivery_with_a_fresh_date(office: Office) -> None:
    office.end(office.claim(), said("450 4.2.0 Later", Phase.RCPT))
    office.freeze()
    later = timedelta(minutes=5)
    claim = office.claim("w2", later=later)
    assert office.start(claim, at=office.now + later)
    assert (office.row().attempts, office.row().dated_at) == (2, office.now + later)


def test_start_finds_nothing_under_another_fence(office: Office) -> None:
    old = office.claim()
    office.freeze()
    office.claim("w2")
    assert not office.start(old)
    assert office.state() == ("planned", "")


def test_start_finds_nothing_in_a_held_chunk(office: Office) -> None:
    claim = office.claim()
    with office.db.write() as session:
        session.exec(update(Chunk).values(is_held=True))
    assert not office.start(claim)


def test_start_is_given_once(office: Office) -> None:
    claim = office.claim()
    assert office.start(claim)
    assert not office.marks.write(
        [], [StartMark(claim.rows[0].id, claim.chunk_id, claim.fence + 1, office.now)]
    )


def test_of_many_starts_each_is_answered_for_itself(db: Database, now: datetime) -> None:
    with db.write() as session:
        make_edition(session, 3, now=now)
    office = Office(db, now)
    claim = office.claim()
    with db.write() as session:
        withdraw(session, 2, now=now)
    granted = office.marks.write(
        [], [StartMark(row.id, claim.chunk_id, claim.fence, now) for row in claim.rows]
    )
    assert granted == {claim.rows[0].id, claim.rows[2].id}
    office.marks.close()


def test_a_temporary_answer_before_the_dot_defers_and_counts(office: Office) -> None:
    office.end(office.claim(), said("450 4.2.0 Later", Phase.RCPT))
    row = office.row()
    assert (row.state, row.attempts, row.next_attempt_at) == (
        DeliveryState.DEFERRED,
        1,
        office.now + timedelta(minutes=5),
    )
    assert office.attempts() == ["deferred"]


def test_a_refusal_before_the_dot_fails_and_returns_the_window(office: Office) -> None:
    office.end(office.claim(), said("550 5.7.1 No", Phase.RCPT))
    assert (office.state(), office.cursor()) == (("failed", "policy"), 0)


def test_an_address_that_does_not_exist_is_suppressed_and_keeps_its_window(office: Office) -> None:
    office.end(office.claim(), said("550 5.1.1 No", Phase.RCPT))
    assert (office.state(), office.cursor()) == (("failed", "no_such_address"), 7)
    assert office.suppressed == ["r1@example.org"]


def test_a_window_that_a_later_edition_has_moved_on_stays_there(office: Office) -> None:
    with office.db.write() as session:
        session.exec(update(Subscriber).values(last_release=9))
    office.end(office.claim(), said("550 5.7.1 No", Phase.RCPT))
    assert office.cursor() == 9


def test_what_is_over_its_time_expires_at_the_next_claim(office: Office) -> None:
    claim = office.claim(later=timedelta(hours=24))
    assert claim.rows == []
    assert (office.state(), office.cursor()) == (("failed", "expired"), 0)


@pytest.mark.parametrize("reason", [Reason.UNSUBSCRIBED, Reason.PAUSED, Reason.SUPPRESSED, Reason.ERASED])
def test_withdrawn_before_start_no_dot_is_allowed_any_more(office: Office, reason: Reason) -> None:
    claim = office.claim()
    with office.db.write() as session:
        assert withdraw(session, 1, now=office.now, reason=reason) == 1
    assert not office.start(claim)
    assert (office.state(), office.cursor()) == (("skipped", reason.value), 0)


def test_withdrawn_after_start_the_mail_had_begun(office: Office) -> None:
    claim = office.claim()
    assert office.start(claim)
    with office.db.write() as session:
        assert withdraw(session, 1, now=office.now) == 0
    office.accept(claim)
    assert office.state() == ("sent", "")


def test_an_open_delivery_is_merged_into_the_next_edition(office: Office) -> None:
    claim = office.claim()
    with office.db.write() as session:
        assert EditionLedger().merge_open(session, [1], edition_id=99, now=office.now) == {1: 0}
    assert office.state() == ("skipped", "merged")
    assert not office.start(claim)


def test_a_delivery_that_may_have_arrived_is_not_merged(office: Office) -> None:
    claim = office.claim()
    office.start(claim)
    office.end(claim, LOST)
    with office.db.write() as session:
        assert EditionLedger().merge_open(session, [1], edition_id=99, now=office.now) == {}


def test_only_250_to_the_dot_writes_sent(office: Office) -> None:
    claim = office.claim()
    office.start(claim)
    office.accept(claim)
    row = office.row()
    assert (row.state, row.code, row.settled_at, office.attempts()) == (
        DeliveryState.SENT,
        250,
        office.now,
        [],
    )


def test_sent_is_not_written_without_start(office: Office) -> None:
    claim = office.claim()
    office.accept(claim)
    assert office.state() == ("planned", "")


def test_an_end_that_is_certain_is_never_overwritten(office: Office) -> None:
    claim = office.claim()
    office.start(claim)
    office.end(claim, said("554 5.7.1 No", Phase.DOT))
    office.accept(claim)
    assert office.state() == ("failed", "policy")


@pytest.mark.parametrize(
    ("answer", "state"),
    [("421 4.3.2 Closing", "deferred"), ("452 4.3.1 Full", "deferred"), ("554 5.7.1 No", "failed")],
)
def test_an_answer_to_the_dot_says_that_nothing_was_taken(office: Office, answer: str, state: str) -> None:
    claim = office.claim()
    office.start(claim)
    office.end(claim, said(answer, Phase.DOT))
    assert (office.state()[0], office.row().attempts, office.row().resends) == (state, 1, 0)


def test_a_lost_reply_is_deferred_once_with_the_same_date(office: Office) -> None:
    claim = office.claim()
    office.start(claim)
    office.end(claim, LOST)
    row = office.row()
    assert (row.state, row.resends, row.dated_at) == (DeliveryState.DEFERRED, 1, office.now)
    assert row.next_attempt_at == office.now + timedelta(minutes=10)
    office.freeze()
    assert office.claim("w2", later=timedelta(minutes=10)).rows[0].dated_at == office.now


def test_lost_twice_is_unknown_and_keeps_its_window(office: Office) -> None:
    for worker in ("w1", "w2"):
        claim = office.claim(worker, later=timedelta(minutes=10))
        office.start(claim)
        office.end(claim, LOST)
        office.freeze()
    assert (office.state(), office.cursor()) == (("unknown", "lost"), 7)


def test_a_dead_workers_mail_past_its_start_is_due_again_at_once(office: Office) -> None:
    office.start(office.claim())
    office.freeze()
    claim = office.claim("w2")
    assert (claim.taken_over, len(claim.rows), claim.rows[0].resends) == (1, 1, 1)
    assert claim.rows[0].dated_at == office.now


def test_under_hold_what_is_in_doubt_is_unknown_and_never_sent_again(db: Database, now: datetime) -> None:
    with db.write() as session:
        make_edition(session, 1, now=now, release_no=7)
    office = Office(db, now, UnknownPolicy.HOLD)
    office.start(office.claim())
    office.freeze()
    assert office.claim("w2").rows == []
    assert office.state() == ("unknown", "lost")
    office.marks.close()


def test_late_evidence_of_the_first_sender_is_believed(office: Office) -> None:
    first = office.claim()
    office.start(first)
    office.freeze()
    second = office.claim("w2")
    assert office.state() == ("deferred", "lost")
    office.accept(first)
    assert office.state() == ("sent", "")
    assert not office.start(second), "the second copy must not go"


def test_late_evidence_is_not_believed_once_the_second_copy_began(office: Office) -> None:
    first = office.claim()
    office.start(first)
    office.freeze()
    second = office.claim("w2")
    assert office.start(second)
    office.accept(first)
    assert office.state() == ("in_data", "lost")


def test_an_answer_of_a_former_owner_changes_nothing(office: Office) -> None:
    first = office.claim()
    office.freeze()
    office.claim("w2")
    office.end(first, said("550 5.1.1 No", Phase.RCPT))
    assert (office.state(), office.suppressed) == (("planned", ""), [])


def test_a_dot_that_was_never_written_leaves_no_doubt(office: Office) -> None:
    claim = office.claim()
    office.start(claim)
    office.end(claim, untouched(Phase.CONTENT))
    row = office.row()
    assert (row.state, row.reason, row.resends, row.next_attempt_at) == (
        DeliveryState.DEFERRED,
        "link",
        0,
        office.now,
    )
    assert office.attempts() == []


def test_taking_back_after_a_resend_leaves_it_unknown(office: Office) -> None:
    claim = office.claim()
    office.start(claim)
    office.end(claim, LOST)
    with office.db.write() as session:
        skip(session, col(Delivery.id) == claim.rows[0].id, Reason.CANCELLED, now=office.now)
    assert (office.state(), office.cursor()) == (("unknown", "cancelled"), 7)


def test_a_mailbox_is_suppressed_after_three_failed_editions_over_a_week(db: Database, now: datetime) -> None:
    office = Office(db, now)
    days = (0, 3, 8)
    with db.write() as session:
        make_edition(session, 1, now=now)
        for number in range(2):
            edition = make_edition(session, 0, now=now, local_time=f"1{number}:00")
            chunk = Chunk(edition_id=edition, ready_at=now, expires_at=now + timedelta(days=30))
            session.add(chunk)
            session.flush()
            session.add(Delivery(edition_id=edition, subscriber_id=1, chunk_id=chunk.id, created_at=now))
    for day in days:
        office.now = now + timedelta(days=day)
        with db.write() as session:
            session.exec(update(Chunk).values(expires_at=office.now + timedelta(days=1)))
        assert office.suppressed == []
        office.end(office.claim(), said("550 5.2.1 Disabled", Phase.RCPT))
    assert office.suppressed == ["r1@example.org"]
    office.marks.close()


WRITERS = {
    "delivery/marks.py",
    "delivery/settlement.py",
    "delivery/outbox.py",
    "delivery/edition_control.py",
}
FORGETTERS = {"delivery/evidence.py", "delivery/retention.py"}
"""They take the person out of a delivery, or put them in, and leave its state as it is."""


def test_no_other_code_writes_a_deliverys_state() -> None:
    root = Path(digest.__file__).parent
    writes = re.compile(
        r"update\(Delivery\)|insert\(Delivery\)|UPDATE delivery|INSERT INTO delivery|\bDelivery\("
    )
    found = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if path.name != "models.py"
        and "migrations" not in path.parts
        and writes.search(path.read_text(encoding="utf-8"))
    }
    assert found == WRITERS | FORGETTERS
    assert not any(re.search(r"\bstate=", (root / one).read_text(encoding="utf-8")) for one in FORGETTERS)
