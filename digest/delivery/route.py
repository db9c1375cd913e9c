"""The way to the relay: opens connections, and backs off when that does not work, without blaming any mail."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from digest.mail.outcome import Outcome, Phase, Verdict
from digest.mail.transport import Link, RouteError

_log = structlog.get_logger(__name__)

FIRST_BACKOFF: Final = 5.0
LONGEST_BACKOFF: Final = 300.0
STOPPED_BACKOFF: Final = 200.0
"""After a refusal only a person can mend: three tries in ten minutes."""
TRIES_OF_A_TICK: Final = 3
PATIENCE_OF_A_TICK: Final = 30.0
_LOST_OF_DOTS: Final = (3, 20)


class Route:
    """Opens links; while it is down it opens none. `now` is a monotonic clock in seconds."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Link]],
        *,
        now: Callable[[], float],
        first_backoff: float = FIRST_BACKOFF,
    ) -> None:
        self.reason = ""
        self.failures = 0
        self._connect = connect
        self._now = now
        self._first_backoff = first_backoff
        self._backoff = first_backoff
        self._closed_until = 0.0
        self._dots: list[bool] = []
        self._was_open = False
        self._is_nobody_there = False
        self._full_at = 0
        self._mails_a_link = 0
        """How many mails the server takes on one connection, as far as it has shown; 0 = it has not."""

    @property
    def is_down(self) -> bool:
        """Whether connecting would be too early."""
        return self._now() < self._closed_until

    @property
    def is_given_up(self) -> bool:
        """Whether a run that wants to end should not wait for it any longer.

        Where nobody has answered yet one try tells enough; a relay that was there a moment ago gets three.
        """
        tries = 1 if self._is_nobody_there and not self._was_open else TRIES_OF_A_TICK
        return self.failures >= tries or self.wait() > PATIENCE_OF_A_TICK

    def wait(self) -> float:
        """Seconds until connecting may be tried again."""
        return max(0.0, self._closed_until - self._now())

    async def open(self) -> Link | None:
        """A new link, or None while the route is down."""
        if self.is_down:
            return None
        try:
            link = await self._connect()
        except RouteError as error:
            self._is_nobody_there = error.is_unreachable
            self._failed(str(error), is_permanent=error.is_permanent)
            return None
        self._was_open = True
        if self._mails_a_link:
            link.session.mails_left = min(link.session.mails_left, self._mails_a_link)
        return link

    def was_full(self, mails: int) -> None:
        """A link ended because the server takes no more than so many mails on one; said twice, it is the rule."""
        if mails == self._full_at:
            self._mails_a_link = mails
        self._full_at = mails

    def saw(self, outcome: Outcome) -> None:
        """Learn from what became of a mail: acceptance heals, a refused sender and lost replies close the route."""
        if outcome.verdict is Verdict.ACCEPTED:
            self.failures = 0
            self._backoff = self._first_backoff
        elif outcome.verdict is Verdict.UNTOUCHED and outcome.phase is Phase.MAIL:
            self._failed(
                f"mail: {outcome.code}", is_permanent=outcome.code is not None and outcome.code >= 500
            )
        if outcome.phase is Phase.DOT:
            self._count_dot(is_lost=outcome.verdict is Verdict.LOST)

    def _count_dot(self, *, is_lost: bool) -> None:
        """Lost replies are the costly fault: three in twenty, and nothing is sent for a while."""
        limit, span = _LOST_OF_DOTS
        self._dots = [*self._dots[1 - span :], is_lost]
        if is_lost and sum(self._dots) >= limit:
            self._dots = []
            self._failed("lost replies", is_permanent=False, pause=LONGEST_BACKOFF)

    def _failed(self, reason: str, *, is_permanent: bool, pause: float = 0.0) -> None:
        """Close the route for a while. Connections that fail in the same outage are one failure, not many."""
        if self.is_down:
            return
        self.failures += 1
        self.reason = reason
        backoff = pause or (STOPPED_BACKOFF if is_permanent else self._backoff)
        self._closed_until = self._now() + backoff
        self._backoff = min(LONGEST_BACKOFF, self._backoff * 2)
        _log.warning("route_down", reason=reason, seconds=round(backoff), failures=self.failures)
