"""Proof of work against robots (ALTCHA): a small task the visitor's own browser solves, from no third party; off by default.

A task is signed and says itself until when it holds, so nothing is stored when it is given out; only what was solved is
remembered, until it would have ended anyway. A process remembers its own.
"""

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from altcha import Challenge, Payload, Solution, create_challenge, verify_solution

from digest.settings import ProofOfWork
from digest.web.limits import Limits, Scope
from subscribers import keys

LIFE = timedelta(hours=2)
COST = 1_000
"""Rounds of PBKDF2 for one try: what setting a task costs us, a third of a millisecond."""
FEWEST_TRIES, MOST_TRIES = 100, 300
"""A browser needs so many tries: about a tenth of a second on a desk, a second on an old telephone."""
BUSY_SHARE = 0.2
"""Under `auto` the task is asked for from this share of the site's limit on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """Sets tasks and takes solutions, each once."""

    mode: ProofOfWork
    limits: Limits
    clock: Callable[[], datetime]
    secret: bytes
    spent: dict[str, datetime] = field(default_factory=dict)

    def is_asked(self) -> bool:
        """Whether a sign-up needs a solution now."""
        if self.mode is ProofOfWork.AUTO:
            return self.limits.share(Scope.SIGN_UP_SITE, "", now=self.clock()) >= BUSY_SHARE
        return self.mode is ProofOfWork.ON

    def task(self) -> str:
        """A fresh task as the browser reads it: base64 of JSON."""
        challenge = create_challenge(
            algorithm="PBKDF2/SHA-256",
            cost=COST,
            counter=FEWEST_TRIES + secrets.randbelow(MOST_TRIES - FEWEST_TRIES),
            data={"until": int((self.clock() + LIFE).timestamp())},  # ours: the library asks the wall clock
            hmac_secret=keys.derive(self.secret, "proof of work"),
            hmac_key_secret=keys.derive(self.secret, "solution"),
        )
        return base64.b64encode(json.dumps(challenge.to_dict()).encode()).decode()

    def spend(self, text: str) -> bool:
        """Whether this solves a task of ours that still holds and was not solved before; now it was."""
        payload = _read(text)
        if payload is None or not self._is_right(payload):
            return False
        parameters, now = payload.challenge.parameters, self.clock()
        until = datetime.fromtimestamp((parameters.data or {})["until"], tz=now.tzinfo)
        self._forget(now)
        if until <= now or parameters.nonce in self.spent:
            return False
        self.spent[parameters.nonce] = until
        return True

    def _is_right(self, payload: Payload) -> bool:
        return verify_solution(
            payload,
            keys.derive(self.secret, "proof of work"),
            hmac_key_secret=keys.derive(self.secret, "solution"),
        ).verified

    def _forget(self, now: datetime) -> None:
        """Drop the oldest that have ended; each is gone within two lives."""
        while self.spent and self.spent[first := next(iter(self.spent))] <= now:
            del self.spent[first]


def _read(text: str) -> Payload | None:
    """What a browser sent, if it has the shape of a solution."""
    try:
        found = json.loads(base64.b64decode(text, validate=True))
        return Payload(Challenge.from_dict(found["challenge"]), Solution.from_dict(found["solution"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
