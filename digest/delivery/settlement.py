"""Writes the decided ends of attempts: state, attempt, returned window and suppression in one transaction.

A row is ours to change when its own fence is the one we started it under, or when its chunk is still under our fence.
Everything else is somebody else's by now and is left alone.
"""

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, insert, select, update
from sqlmodel import Session, col

from digest.db import Database
from digest.delivery import retry
from digest.delivery.committer import Ended
from digest.delivery.models import Attempt, Chunk, Delivery, DeliveryState, MailKind, Reason
from digest.delivery.retry import Decision, Standing
from digest.delivery.unmade import is_bad_content
from digest.mail.outcome import Outcome, Phase, Verdict
from digest.settings import UnknownPolicy
from subscribers.models import Subscriber

Suppress = Callable[[Session, str, Reason, datetime], None]
"""Called in the transaction that fails a delivery, with the address key that must not be written to again."""

Suppressed = Callable[[Session, Collection[str]], set[str]]
"""Which of these address keys must not be written to."""

_OPEN = (DeliveryState.PLANNED, DeliveryState.DEFERRED)
_MAILBOX_FAILURES = 3
_MAILBOX_SPAN = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the publisher decided about doubt, and how waits are spread."""

    policy: UnknownPolicy = UnknownPolicy.RESEND
    after_lost: timedelta = retry.AFTER_LOST
    jitter: Callable[[], float] = lambda: random.uniform(-1, 1)  # noqa: S311  # spreads load, guards nothing


class Settled(NamedTuple):
    """What was written for one delivery; `fault` says why the mails of its content cannot be made ("": they can)."""

    edition_id: int | None
    content_id: int | None
    state: DeliveryState
    reason: Reason | None
    fault: str


class _Loaded(NamedTuple):
    """A delivery as it stands, locked."""

    id: int
    kind: MailKind
    edition_id: int | None
    content_id: int | None
    state: DeliveryState
    attempts: int
    resends: int
    fence: int
    chunk_id: int
    subscriber_id: int | None
    since: int
    release_no: int


class Settlement:
    """Settles attempts that did not end in a plain first-try 250."""

    def __init__(
        self,
        db: Database,
        rules: Rules,
        *,
        suppress: Suppress,
        suppressed: Suppressed = lambda _session, _keys: set(),
    ) -> None:
        self.suppressed = suppressed
        self._db = db
        self._rules = rules
        self._suppress = suppress

    def settle(self, ended: Sequence[Ended]) -> list[Settled]:
        """Decide and write; what became of each row that was still ours."""
        written: list[Settled] = []
        with self._db.write() as session:
            for mark in sorted(ended, key=lambda mark: mark.delivery_id):
                row = self._load(session, mark.delivery_id)
                if row is None or not _is_ours(session, row, mark):
                    continue
                decision = self._decide(mark, row)
                if decision.state is not None:
                    self._write(session, row, mark.outcome, decision, at=mark.at)
                    fault = mark.outcome.text if is_bad_content(mark.outcome) else ""
                    written.append(
                        Settled(row.edition_id, row.content_id, decision.state, decision.reason, fault)
                    )
        return written

    def take_over(self, session: Session, chunk_id: int, *, now: datetime) -> int:
        """Decide the rows a dead worker left `in_data`; a resend is due at once. How many there were."""
        rows = session.execute(
            select(col(Delivery.id)).where(
                col(Delivery.chunk_id) == chunk_id, col(Delivery.state) == DeliveryState.IN_DATA
            )
        ).scalars()
        count = 0
        for delivery_id in rows.all():
            row = self._load(session, delivery_id)
            if row is not None and row.state is DeliveryState.IN_DATA:
                outcome = Outcome(Verdict.LOST, Phase.LINK)
                decision = retry.decide(
                    outcome, _standing(row), now=now, policy=self._rules.policy, after_lost=timedelta(0)
                )
                self._write(session, row, outcome, decision, at=now)
                count += 1
        return count

    def expire(self, session: Session, chunk_id: int, *, now: datetime) -> int:
        """Fail what a chunk still owes after its time; how many."""
        return self.fail(session, self._open_rows(session, chunk_id), Reason.EXPIRED, now=now)

    def fail(self, session: Session, delivery_ids: Sequence[int], reason: Reason, *, now: datetime) -> int:
        """End open deliveries that will not be tried (any more); how many."""
        count = 0
        for delivery_id in delivery_ids:
            row = self._load(session, delivery_id)
            if row is None or row.state not in _OPEN:
                continue
            decision = retry.given_up(reason, _standing(row))
            self._write(session, row, None, decision, at=now)
            count += 1
        return count

    def _open_rows(self, session: Session, chunk_id: int) -> Sequence[int]:
        return (
            session.execute(
                select(col(Delivery.id)).where(
                    col(Delivery.chunk_id) == chunk_id, col(Delivery.state).in_(_OPEN)
                )
            )
            .scalars()
            .all()
        )

    def _load(self, session: Session, delivery_id: int) -> _Loaded | None:
        """Lock the person, then the row: the order everywhere."""
        person = select(col(Delivery.subscriber_id)).where(col(Delivery.id) == delivery_id).scalar_subquery()
        session.execute(select(col(Subscriber.id)).where(col(Subscriber.id) == person).with_for_update())
        columns = [getattr(Delivery, name) for name in _Loaded._fields]
        row = session.execute(
            select(*columns).where(col(Delivery.id) == delivery_id).with_for_update()
        ).first()
        return None if row is None else _Loaded(*row)

    def _decide(self, mark: Ended, row: _Loaded) -> Decision:
        return retry.decide(
            mark.outcome,
            _standing(row),
            now=mark.at,
            policy=self._rules.policy,
            jitter=self._rules.jitter(),
            after_lost=self._rules.after_lost,
        )

    def _write(
        self, session: Session, row: _Loaded, outcome: Outcome | None, decision: Decision, *, at: datetime
    ) -> None:
        session.execute(
            update(Delivery).where(col(Delivery.id) == row.id).values(_values(row, outcome, decision, at))
        )
        if outcome is not None and outcome.verdict is not Verdict.UNTOUCHED:
            session.execute(insert(Attempt).values(_attempt(row, outcome, at)))
        if row.kind is not MailKind.EDITION or row.subscriber_id is None:
            return
        if decision.returns_window:
            return_window(session, row.subscriber_id, since=row.since, release_no=row.release_no)
        if decision.suppresses or (decision.reason is Reason.MAILBOX and _keeps_failing(session, row, at)):
            self._suppress_person(session, row.subscriber_id, decision, at)

    def _suppress_person(
        self, session: Session, subscriber_id: int, decision: Decision, at: datetime
    ) -> None:
        key = session.execute(
            select(col(Subscriber.address_key)).where(col(Subscriber.id) == subscriber_id)
        ).scalar()
        if key is not None and decision.reason is not None:
            self._suppress(session, key, decision.reason, at)


def return_window(session: Session, subscriber_id: int, *, since: int, release_no: int) -> None:
    """Let the next edition carry what this one did not bring, unless a later one has already moved on."""
    session.execute(
        update(Subscriber)
        .where(col(Subscriber.id) == subscriber_id, col(Subscriber.last_release) == release_no)
        .values(last_release=since)
    )


def _is_ours(session: Session, row: _Loaded, mark: Ended) -> bool:
    if row.state is DeliveryState.IN_DATA:
        return row.fence == mark.fence
    if mark.outcome.verdict is Verdict.ACCEPTED:  # late evidence: the first sender did get its 250
        return row.fence == mark.fence and row.state in {DeliveryState.DEFERRED, DeliveryState.UNKNOWN}
    if row.state not in _OPEN:
        return False
    fence = select(col(Chunk.fence)).where(col(Chunk.id) == row.chunk_id)
    return session.execute(fence).scalar() == mark.fence


def _standing(row: _Loaded) -> Standing:
    return Standing(state=row.state, attempts=row.attempts + (row.state in _OPEN), resends=row.resends)


def _values(row: _Loaded, outcome: Outcome | None, decision: Decision, at: datetime) -> dict[str, Any]:
    is_final = decision.state is not DeliveryState.DEFERRED
    is_new_attempt = outcome is not None and decision.is_counted and row.state in _OPEN
    values: dict[str, Any] = {
        "state": decision.state,
        "reason": decision.reason or "",
        "next_attempt_at": decision.next_attempt_at,
        "resends": decision.resends,
        "attempts": row.attempts + is_new_attempt,
        "settled_at": at if is_final else None,
    }
    if outcome is not None and outcome.verdict is not Verdict.UNTOUCHED:
        values |= {"code": outcome.code, "reply": outcome.text}
    return values


def _attempt(row: _Loaded, outcome: Outcome, at: datetime) -> dict[str, Any]:
    return {
        "delivery_id": row.id,
        "at": at,
        "outcome": outcome.verdict.value,
        "phase": outcome.phase.value,
        "code": outcome.code,
        "enhanced_code": outcome.enhanced,
        "reply": outcome.text,
    }


def _keeps_failing(session: Session, row: _Loaded, at: datetime) -> bool:
    """Three editions failed at the mailbox over at least seven days, and nothing was sent between."""
    last_sent = (
        select(func.max(col(Delivery.settled_at)))
        .where(col(Delivery.subscriber_id) == row.subscriber_id, col(Delivery.state) == DeliveryState.SENT)
        .scalar_subquery()
    )
    failures, first = session.execute(
        select(func.count(), func.min(col(Delivery.settled_at))).where(
            col(Delivery.subscriber_id) == row.subscriber_id,
            col(Delivery.edition_id).is_not(None),
            col(Delivery.state) == DeliveryState.FAILED,
            col(Delivery.reason) == Reason.MAILBOX,
            (col(Delivery.settled_at) > last_sent) | last_sent.is_(None),
        )
    ).one()
    return bool(failures >= _MAILBOX_FAILURES and at - first >= _MAILBOX_SPAN)
