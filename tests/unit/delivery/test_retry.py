"""What becomes of a delivery after an attempt, from codes and words alone."""

from datetime import datetime, timedelta

import pytest

from digest.delivery.models import DeliveryState, Reason
from digest.delivery.retry import SCHEDULE, Decision, Standing, decide, given_up, is_throttling, reason_for
from digest.mail.outcome import Outcome, Phase, Reply, Verdict, outcome_of
from digest.settings import UnknownPolicy

FRESH = Standing(state=DeliveryState.IN_DATA, attempts=1, resends=0)
COPY = Standing(state=DeliveryState.IN_DATA, attempts=2, resends=1)
LOST = Outcome(Verdict.LOST, Phase.DOT)


def said(text: str, phase: Phase = Phase.RCPT) -> Outcome:
    code, _, words = text.partition(" ")
    return outcome_of(Reply(int(code), words.encode()), phase)


def judged(
    outcome: Outcome, standing: Standing, now: datetime, policy: UnknownPolicy = UnknownPolicy.RESEND
) -> Decision:
    return decide(outcome, standing, now=now, policy=policy)


@pytest.mark.parametrize(
    ("answer", "phase", "reason"),
    [
        ("550 5.1.1 No such user", Phase.RCPT, Reason.NO_SUCH_ADDRESS),
        ("550 5.1.10 Null MX", Phase.RCPT, Reason.NO_SUCH_ADDRESS),
        ("550 5.4.4 No host", Phase.RCPT, Reason.NO_SUCH_ADDRESS),
        ("550 User unknown", Phase.RCPT, Reason.NO_SUCH_ADDRESS),
        ("550 This mailbox does not exist", Phase.DOT, Reason.NO_SUCH_ADDRESS),
        ("550 5.2.1 user unknown", Phase.RCPT, Reason.MAILBOX),
        ("552 5.2.2 Mailbox full", Phase.RCPT, Reason.MAILBOX),
        ("550 5.4.1 Recipient rejected", Phase.RCPT, Reason.MAILBOX),
        ("550 Requested action not taken", Phase.RCPT, Reason.MAILBOX),
        ("554 5.7.1 Spam", Phase.RCPT, Reason.POLICY),
        ("554 5.6.0 Bad content", Phase.DOT, Reason.POLICY),
        ("550 5.5.1 Protocol", Phase.RCPT, Reason.POLICY),
        ("550 5.1.8 Bad sender", Phase.RCPT, Reason.POLICY),
        ("554 Transaction failed", Phase.DOT, Reason.POLICY),
        ("554 Transaction failed", Phase.DATA, Reason.POLICY),
        ("552 5.3.4 Too big", Phase.CONTENT, Reason.SIZE),
        ("552 Too big", Phase.DOT, Reason.SIZE),
    ],
)
def test_a_refusal_condemns_no_more_than_its_code_says(
    answer: str, phase: Phase, reason: Reason, now: datetime
) -> None:
    outcome = said(answer, phase)
    assert reason_for(outcome) is reason
    decision = judged(outcome, FRESH, now)
    assert (decision.state, decision.reason) == (DeliveryState.FAILED, reason)
    is_gone = reason is Reason.NO_SUCH_ADDRESS
    assert (decision.suppresses, decision.returns_window) == (is_gone, not is_gone)


@pytest.mark.parametrize(
    ("code", "reason"), [("5.1.3", "address"), ("5.3.4", "size"), ("", "error"), ("5.6.0", "error")]
)
def test_what_we_refuse_ourselves_never_suppresses(code: str, reason: str, now: datetime) -> None:
    decision = judged(Outcome(Verdict.REFUSED, Phase.LOCAL, None, code), FRESH, now)
    assert decision.reason is not None
    assert (decision.reason.value, decision.suppresses) == (reason, False)


def test_waits_grow_after_each_temporary_answer_and_then_stay(now: datetime) -> None:
    outcome = said("450 4.2.0 Later")
    waits = [
        judged(outcome, Standing(state=DeliveryState.PLANNED, attempts=n, resends=0), now).next_attempt_at
        for n in range(1, 9)
    ]
    assert [at - now for at in waits if at] == [*SCHEDULE, SCHEDULE[-1], SCHEDULE[-1]]


@pytest.mark.parametrize(("jitter", "minutes"), [(-1, 4.5), (1, 5.5)])
def test_a_wait_moves_by_a_tenth_at_most(jitter: float, minutes: float, now: datetime) -> None:
    decision = decide(said("450 4.2.0 Later"), FRESH, now=now, policy=UnknownPolicy.RESEND, jitter=jitter)
    assert decision.next_attempt_at == now + timedelta(minutes=minutes)


def test_too_many_recipients_is_about_others_and_no_attempt(now: datetime) -> None:
    decision = judged(said("452 4.5.3 Too many recipients"), FRESH, now)
    assert (decision.state, decision.is_counted) == (DeliveryState.DEFERRED, False)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("421 4.3.2 Bye", True),
        ("454 4.0.0 x", True),
        ("451 4.7.1 Slow down", True),
        ("450 4.2.0 Grey", False),
        ("550 5.7.1 No", False),
    ],
)
def test_who_asks_for_less_is_heard(answer: str, expected: bool) -> None:
    assert is_throttling(said(answer)) is expected


def test_a_lost_reply_is_sent_again_once_and_then_unknown(now: datetime) -> None:
    first = judged(LOST, FRESH, now)
    assert (first.state, first.resends, first.next_attempt_at) == (
        DeliveryState.DEFERRED,
        1,
        now + timedelta(minutes=10),
    )
    assert judged(LOST, COPY, now).state is DeliveryState.UNKNOWN


def test_under_hold_a_lost_reply_is_never_sent_again(now: datetime) -> None:
    assert judged(LOST, FRESH, now, UnknownPolicy.HOLD).state is DeliveryState.UNKNOWN


@pytest.mark.parametrize("answer", ["550 5.1.1 No such user", "554 5.7.1 No", "552 5.2.2 Full"])
def test_after_a_resend_every_end_but_sent_is_unknown_and_keeps_its_window(
    answer: str, now: datetime
) -> None:
    decision = judged(said(answer), COPY, now)
    assert (decision.state, decision.returns_window) == (DeliveryState.UNKNOWN, False)
    assert given_up(Reason.EXPIRED, COPY).state is DeliveryState.UNKNOWN


def test_a_temporary_answer_keeps_the_resend_in_mind(now: datetime) -> None:
    assert judged(said("450 4.2.0 Later"), COPY, now).resends == 1


def test_untouched_leaves_the_row_alone_and_undoes_a_start(now: datetime) -> None:
    outcome = Outcome(Verdict.UNTOUCHED, Phase.GATE)
    planned = judged(outcome, Standing(state=DeliveryState.PLANNED, attempts=1, resends=0), now)
    assert planned.state is None
    started = judged(outcome, FRESH, now)
    assert (started.state, started.next_attempt_at, started.is_counted) == (
        DeliveryState.DEFERRED,
        now,
        False,
    )


def test_a_421_to_the_dot_is_an_answer_so_nothing_was_taken(now: datetime) -> None:
    decision = judged(said("421 4.3.2 Closing", Phase.DOT), FRESH, now)
    assert (decision.state, decision.resends, decision.reason) == (
        DeliveryState.DEFERRED,
        0,
        Reason.THROTTLED,
    )
