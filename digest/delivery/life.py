"""A worker's life in the database: it arrives, beats, listens to the others, clears up after the dead, and leaves.

Blocking; called in threads. Each method is one or two short transactions and may be repeated.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import text

from digest.db import Database
from digest.delivery import beats, routes, witness
from digest.delivery.beats import Identity
from digest.delivery.settlement import Settlement
from digest.delivery.throttle import Throttle
from digest.delivery.tidy import tidy
from digest.delivery.witness import Witness

_log = structlog.get_logger(__name__)

_TOUCH = text("UPDATE worker SET beat = beat + 1 WHERE id = :me")


@dataclass(frozen=True, slots=True)
class Life:
    """What one worker tells the others, and learns from them. `monotonic` is the clock of the throttle, in seconds."""

    db: Database
    me: Identity
    settlement: Settlement
    throttle: Throttle
    rate: float
    witness: Witness
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    beat_every: timedelta

    def arrive(self) -> None:
        """Be known before anything is claimed, free what the dead of this machine held, and know what the others know.

        With others at work a common rate is shared from the next beat on, when they have noticed: until then nothing goes.
        """
        with self.db.write() as session:
            is_restored = witness.check(session, self.witness, now=self.clock())
            beats.arrive(session, self.me, now=self.clock())
            freed = beats.reap(session, self.me)
        if freed:
            _log.warning("reaped", chunks=freed)
        if is_restored:
            _log.error("restored", hint="an older database was put back; see `digest editions list`")
        else:
            self.testify()
        self.listen()
        if self.beat() > 1 and self.rate:
            self.throttle.rate.not_before = self.monotonic() + self.beat_every.total_seconds()

    def testify(self) -> None:
        """Let the file outside the database know how far we are; before the first dot of anything new."""
        with self.db.write() as session:
            seen = witness.note(session)
        self.witness.write(seen)

    def beat(self) -> int:
        """Show that this worker lives, and take its share of the common rate; how many live."""
        with self.db.write() as session:
            living = beats.beat(session, self.me, now=self.clock())
        self.throttle.rate.per_second = self.rate / living
        return living

    def flush(self) -> None:
        """Bring all marks so far onto the disk: on SQLite a commit that waits for it takes the earlier ones along."""
        with self.db.engine.begin() as connection:
            connection.execute(_TOUCH, {"me": self.me.id})

    def listen(self) -> None:
        """Learn which providers want no mail."""
        now, at = self.clock(), self.monotonic()
        with self.db.read() as session:
            found = routes.pauses(session, now=now)
        for provider, until in found.items():
            self.throttle.pause(provider, until=at + (until - now).total_seconds())

    def tell_pause(self, provider: str) -> None:
        """Let the others know that a provider wants no mail."""
        window = self.throttle.window(provider)
        until = self.clock() + timedelta(seconds=window.paused_until - self.monotonic())
        _log.warning("provider_paused", provider=provider, until=until.isoformat())
        with self.db.write() as session:
            routes.pause(session, provider, until=until, window=window.size, reason="asked for less")

    def clear_up(self) -> None:
        """Free chunks of the dead, end what is over, finish editions."""
        with self.db.write() as session:
            beats.reap(session, self.me)
            lease_now = self.db.lease_clock(session)
        tidy(self.db, self.settlement, now=self.clock(), lease_now=lease_now)

    def leave(self) -> None:
        """Be known no more."""
        with self.db.write() as session:
            beats.leave(session, self.me)
