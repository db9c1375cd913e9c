"""Stops an edition that does harm: too many addresses that do not exist, or a house that will not have our mail.

Pure: counts go in, and the sentence for the operator comes out once when a limit is passed.
"""

from dataclasses import dataclass, field
from typing import Final

from digest.delivery.models import DeliveryState, Reason

_FIRST: Final = 1000
_GONE: Final = (20, 0.02)
_POLICY_RUN: Final = 10
_POLICY: Final = (200, 0.05)


@dataclass(slots=True)
class Breaker:
    """One edition as one worker sees it."""

    attempts: int = 0
    gone: int = 0
    policy: int = 0
    policy_run: int = 0
    unfit: set[int] = field(default_factory=set)
    """Contents whose mails cannot be made."""

    def saw(self, state: DeliveryState, reason: Reason | None) -> str:
        """Count one end; why the edition should be held, or an empty text. After tripping the count starts anew."""
        self.attempts += 1
        self.gone += reason is Reason.NO_SUCH_ADDRESS
        self.policy += reason is Reason.POLICY
        if reason is Reason.POLICY:
            self.policy_run += 1
        elif state is DeliveryState.SENT:
            self.policy_run = 0
        why = self._why()
        if why:
            self.attempts = self.gone = self.policy = self.policy_run = 0
        return why

    def _why(self) -> str:
        least, share = _GONE
        if self.attempts <= _FIRST and self.gone >= least and self.gone > share * self.attempts:
            return f"{self.gone} of {self.attempts} addresses do not exist"
        if self.policy_run >= _POLICY_RUN:
            return f"{self.policy_run} mails in a row were refused for what we are or send"
        of, share = _POLICY
        if self.attempts >= of and self.policy > share * self.attempts:
            return f"{self.policy} of {self.attempts} mails were refused for what we are or send"
        return ""
