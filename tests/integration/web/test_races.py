"""Two hundred people leave or are erased while their mails are in every state: after our answer no mail is begun."""

import random
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from digest.delivery.availability import is_unavailable
from digest.delivery.committer import Ended
from digest.delivery.marks import SentMark, StartMark, marks_for
from digest.delivery.models import Delivery, DeliveryState, Reason
from digest.delivery.outbox import skip
from digest.delivery.queue import Claim, Due, Queue
from digest.delivery.settlement import Rules, Settlement
from digest.mail.outcome import Outcome, Phase, Reply, Verdict, outcome_of
from digest.settings import UnknownPolicy
from subscribers.models import Subscriber
from subscribers.tokens import Purpose
from tests.integration.web.conftest import Story
from tests.support.sending import make_edition

LEAVERS = 200
LOST = Outcome(Verdict.LOST, Phase.DOT)
LATER = outcome_of(Reply(450, b"4.2.0 Later"), Phase.RCPT)
REFUSED = outcome_of(Reply(550, b"5.7.1 No"), Phase.RCPT)
OPEN = {DeliveryState.PLANNED, DeliveryState.DEFERRED}


class Hand:
    """A worker, one step at a time; remembers when it began each mail."""

    def __init__(self, story: Story) -> None:
        self.now, self.lease_clock = story.site.clock.now, [1000.0]
        self.db = story.site.db
        self.marks = marks_for(self.db, is_durable=False)
        rules = Rules(policy=UnknownPolicy.HOLD, jitter=lambda: 0.0)
        self.settlement = Settlement(self.db, rules, suppress=lambda *_: None)
        self.began: dict[int, float] = {}

    def claim(self, owner: str) -> Claim | None:
        """The chunk, after the lease of whoever had it."""
        self.lease_clock[0] += 121
        lease = timedelta(seconds=120)
        queue = Queue(
            self.db, self.settlement, owner=owner, lease=lease, lease_clock=lambda: self.lease_clock[0]
        )
        return queue.claim(now=self.now)

    def start(self, claim: Claim, row: Due) -> bool:
        """Ask to begin this mail now."""
        mark = StartMark(row.id, claim.chunk_id, claim.fence, self.now)
        asked_at, started = self._write([], [mark])
        if row.id in started:
            self.began[row.id] = asked_at
        return row.id in started

    def _write(self, sent: list[SentMark], starts: list[StartMark]) -> tuple[float, set[int]]:
        """When the marks were asked for, and which were given; a worker too waits while the pages write."""
        while True:
            asked_at = time.monotonic()
            try:
                return asked_at, self.marks.write(sent, starts)
            except sqlite3.OperationalError as error:
                assert is_unavailable(error), error  # noqa: PT017  # anything else is a fault

    def end(self, claim: Claim, row: Due, outcome: Outcome | None) -> None:
        """Write what became of it; None is the server's 250."""
        if outcome is None:
            self._write([SentMark(row.id, claim.fence, self.now, 250, "ok")], [])
        else:
            self.settlement.settle([Ended(row.id, claim.fence, outcome, self.now)])

    def spread(self, claim: Claim) -> list[Due]:
        """Bring the mails into every state; those left in their data come back."""
        in_data = []
        for number, row in enumerate(claim.rows):
            match number % 7:
                case 1:
                    self.start(claim, row)
                    in_data.append(row)
                case 2:
                    self.start(claim, row)
                    self.end(claim, row, None)
                case 3:
                    self.end(claim, row, LATER)
                case 4:
                    self.end(claim, row, REFUSED)
                case 5:
                    self.start(claim, row)
                    self.end(claim, row, LOST)
                case 6:
                    with self.db.write() as session:
                        skip(session, col(Delivery.id) == row.id, Reason.PAUSED, now=self.now)
        return in_data

    def send(self, rows: Sequence[Due], claim: Claim, *, after: Sequence[Future[Any]]) -> None:
        """Begin and end one mail after the other, in step with the answers: all through it some have left, some have not."""
        for number, row in enumerate(rows):
            after[number * len(after) // len(rows)].result()
            if self.start(claim, row):
                self.end(claim, row, None)

    def states(self) -> dict[int, DeliveryState]:
        """Every mail's state by its number."""
        with self.db.read() as session:
            return dict(session.exec(select(Delivery.id, Delivery.state)).all())


def test_no_mail_is_begun_after_the_answer_whatever_its_state(story: Story) -> None:
    leave_all_at_once(story)


@pytest.mark.long
def test_no_mail_is_begun_after_the_answer_on_both_databases(both: Story) -> None:
    leave_all_at_once(both)


def leave_all_at_once(story: Story) -> None:
    with story.site.db.write() as session:
        make_edition(session, LEAVERS, now=story.site.clock.now)
    hand = Hand(story)
    claim = hand.claim("first")
    assert claim is not None
    assert len(claim.rows) == LEAVERS
    in_data = hand.spread(claim)
    assert set(hand.states().values()) == set(DeliveryState)
    with story.site.db.read() as session:
        mails = session.exec(
            select(Delivery.id, Subscriber.public_id).join(
                Subscriber, col(Subscriber.id) == Delivery.subscriber_id
            )
        ).all()

    def leave(mail: tuple[int, object]) -> tuple[int, float]:
        number, public_id = mail
        if number % 2:
            answer = story.site.client.post(story.path(Purpose.UNSUBSCRIBE, public_id))
        else:
            path = story.path(Purpose.ACCOUNT, public_id) + "/erase"
            answer = story.site.client.post(path, data={"sure": "yes"})
        answered_at = time.monotonic()
        assert answer.status_code == 200
        return number, answered_at

    random.Random(7).shuffle(mails)
    with ThreadPoolExecutor(4) as crowd:
        leaving = [crowd.submit(leave, mail) for mail in mails]
        for row in in_data:
            hand.end(claim, row, None)
        hand.send([row for row in claim.rows if row.id not in hand.began], claim, after=leaving[:100])
        hand.now += timedelta(hours=1)  # what was deferred is due again, under another worker
        if again := hand.claim("second"):
            hand.send(again.rows, again, after=leaving[100:])
        answered = dict(one.result() for one in leaving)
    assert {number: at for number, at in hand.began.items() if at > answered[number]} == {}
    assert not OPEN & set(hand.states().values())
    hand.now += timedelta(hours=1)
    rest = hand.claim("third")
    assert rest is None or rest.rows == []
    hand.marks.close()
