"""Decides what becomes of a delivery after an attempt: pure, from the outcome, the row and the time.

"5xx = dead" is wrong more often than right, so only codes that speak of the address itself condemn it. A lost reply is
the one ambiguity SMTP leaves: the policy allows one more copy at most, or none.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from digest.delivery.models import DeliveryState, Reason
from digest.mail.outcome import Outcome, Phase, Verdict
from digest.settings import UnknownPolicy

SCHEDULE: Final = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120, 240))
"""Waits after the first, second, … temporary answer; the last one repeats."""
AFTER_LOST: Final = timedelta(minutes=10)

_NO_SUCH_ADDRESS: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.4.4"})
_NO_SUCH_WORDS: Final = re.compile(r"user unknown|unknown user|no such user|does not exist", re.IGNORECASE)
_POLICY: Final = re.compile(r"5\.(?:[567]\.\d+|1\.[78])")
_MAILBOX: Final = re.compile(r"5\.[234]\.\d+")
_THROTTLED: Final = re.compile(r"4\.7\.\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the decision needs to know of a delivery. `attempts` includes the one that just ended."""

    state: DeliveryState
    attempts: int
    resends: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to write. `state` None = leave the row as it is."""

    state: DeliveryState | None
    reason: Reason | None = None
    next_attempt_at: datetime | None = None
    resends: int = 0
    is_counted: bool = True
    """Whether this was an attempt about this mail."""
    suppresses: bool = False
    """The address does not exist."""
    returns_window: bool = False
    """The next edition shall carry what this one did not bring."""


def decide(
    outcome: Outcome,
    standing: Standing,
    *,
    now: datetime,
    policy: UnknownPolicy,
    jitter: float = 0.0,
    after_lost: timedelta = AFTER_LOST,
) -> Decision:
    """The next state of a delivery. `jitter` in [-1, 1] moves a retry by up to 10 %."""
    match outcome.verdict:
        case Verdict.ACCEPTED:
            return Decision(state=DeliveryState.SENT, resends=standing.resends)
        case Verdict.DEFERRED:
            return _later(outcome, standing, now, jitter)
        case Verdict.REFUSED:
            return _final(reason_for(outcome), standing)
        case Verdict.LOST:
            return _lost(standing, policy, now + after_lost)
        case Verdict.UNTOUCHED:
            return _untouched(standing, now)


def reason_for(outcome: Outcome) -> Reason:
    """Why a 5xx (or our own refusal to try) ends a delivery."""
    code = outcome.enhanced
    if outcome.phase is Phase.LOCAL:
        return {"5.1.3": Reason.ADDRESS, "5.3.4": Reason.SIZE}.get(code, Reason.ERROR)
    if code == "5.3.4" or (outcome.code == 552 and not code):
        return Reason.SIZE
    if code in _NO_SUCH_ADDRESS or (not code and _NO_SUCH_WORDS.search(outcome.text)):
        return Reason.NO_SUCH_ADDRESS
    if _POLICY.fullmatch(code):
        return Reason.POLICY
    is_mailbox = _MAILBOX.fullmatch(code) or outcome.phase is Phase.RCPT
    return Reason.MAILBOX if is_mailbox else Reason.POLICY


def is_throttling(outcome: Outcome) -> bool:
    """Whether the answer asks for less, rather than speaking of this mail."""
    return outcome.verdict is Verdict.DEFERRED and (
        outcome.code in {421, 454} or bool(_THROTTLED.fullmatch(outcome.enhanced))
    )


def given_up(reason: Reason, standing: Standing) -> Decision:
    """The end of a delivery that will not be tried any more: its time is over, or trying it does harm."""
    return _final(reason, standing)


def _later(outcome: Outcome, standing: Standing, now: datetime, jitter: float) -> Decision:
    is_about_others = outcome.enhanced == "4.5.3"
    turn = max(1, standing.attempts) - 1
    wait = SCHEDULE[0] if is_about_others else SCHEDULE[min(turn, len(SCHEDULE) - 1)]
    return Decision(
        state=DeliveryState.DEFERRED,
        reason=Reason.THROTTLED if is_throttling(outcome) else Reason.LATER,
        next_attempt_at=now + wait * (1 + 0.1 * jitter),
        resends=standing.resends,
        is_counted=not is_about_others,
    )


def _final(reason: Reason, standing: Standing) -> Decision:
    """An end without arrival. After a resend nobody knows whether the first copy arrived: `unknown`."""
    is_unknown = standing.resends > 0
    return Decision(
        state=DeliveryState.UNKNOWN if is_unknown else DeliveryState.FAILED,
        reason=reason,
        resends=standing.resends,
        suppresses=reason is Reason.NO_SUCH_ADDRESS,
        returns_window=not is_unknown and reason is not Reason.NO_SUCH_ADDRESS,
    )


def _lost(standing: Standing, policy: UnknownPolicy, retry_at: datetime) -> Decision:
    if policy is UnknownPolicy.HOLD or standing.resends > 0:
        return Decision(state=DeliveryState.UNKNOWN, reason=Reason.LOST, resends=standing.resends)
    return Decision(state=DeliveryState.DEFERRED, reason=Reason.LOST, next_attempt_at=retry_at, resends=1)


def _untouched(standing: Standing, now: datetime) -> Decision:
    """Without START the row never changed; with it, the dot was certainly not written, so it goes back."""
    if standing.state is not DeliveryState.IN_DATA:
        return Decision(state=None, is_counted=False)
    return Decision(
        state=DeliveryState.DEFERRED,
        reason=Reason.LINK,
        next_attempt_at=now,
        resends=standing.resends,
        is_counted=False,
    )
