"""Who left, kept outside the database and on disk before we answer: after a restore nobody who had left is mailed again.

One line a departure or return, appended and fsynced: time, way, a random id or keyed hash, the reason of a suppression.
"""

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlmodel import Session, col

from digest.delivery.models import Reason
from digest.delivery.outbox import forget, withdraw
from subscribers import privacy, suppression, unsubscribe
from subscribers.departures import Departure, Way, noted
from subscribers.hashing import AddressHasher
from subscribers.models import Subscriber, SubscriberState, SuppressionReason
from subscribers.unsubscribe import Source

_log = structlog.get_logger(__name__)


class Departed:
    """The file of one machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, session: Session) -> None:
        """Write down what a transaction noted, before it commits. A disk that fails keeps nobody from leaving."""
        found = noted(session)
        if not found:
            return
        lines = "".join(
            f"{one.at.isoformat() if one.at else '-'} {one.way} {one.who} {one.reason}\n" for one in found
        )
        try:
            with self._path.open("a", encoding="ascii") as file:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            _log.error(
                "departures_unwritten", count=len(found), reason=error.strerror
            )  # the reason says it all

    def read(self) -> Iterator[Departure]:
        """All that was written, oldest first; a line that a power cut left half is passed over."""
        if not self._path.exists():
            return
        for line in self._path.read_text(encoding="ascii").splitlines():
            try:
                at, way, who, reason = line.split(" ")
                yield Departure(Way(way), who, None if at == "-" else datetime.fromisoformat(at), reason)
            except ValueError:
                continue

    def replay(self, session: Session, *, now: datetime, hasher: AddressHasher) -> int:
        """Let everybody who had left be gone from an older database, too; how many departures were new to it."""
        count, erased = 0, set[str]()
        for one in {one.who: one for one in self.read()}.values():  # the last word about each
            if one.way is Way.LEFT:
                count += _leave(session, one, now=now)
            elif one.way is Way.SUPPRESSED:
                reason = SuppressionReason(one.reason)
                count += suppression.suppress_hashes(session, [one.who], reason, now=one.at or now)
                erased |= {one.who} if reason is SuppressionReason.ERASED else set()
        count += _erase(session, erased, now=now, hasher=hasher)
        noted(session)  # it stands in the file already
        return count


def replayer(departed: Departed, hasher: AddressHasher) -> Callable[[Session, datetime], None]:
    """What a witness does when it finds an older database."""

    def replay(session: Session, now: datetime) -> None:
        count = departed.replay(session, now=now, hasher=hasher)
        _log.warning("departures_replayed", count=count)

    return replay


def _leave(session: Session, one: Departure, *, now: datetime) -> bool:
    person = session.execute(select(Subscriber).where(col(Subscriber.public_id) == UUID(one.who))).scalar()
    if person is None or person.state is SubscriberState.UNSUBSCRIBED:
        return False
    left = unsubscribe.unsubscribe(session, person.public_id, now=now, source=Source.RESTORE)
    withdraw(session, person.id, now=now, reason=Reason.UNSUBSCRIBED)
    return left.is_new


def _erase(session: Session, hashes: set[str], *, now: datetime, hasher: AddressHasher) -> int:
    """Erase again those whom the older database brought back."""
    if not hashes:
        return 0
    people = session.execute(select(col(Subscriber.public_id), col(Subscriber.address_key))).all()
    back = [public_id for public_id, key in people if hasher.hash(key) in hashes]
    for public_id in back:
        privacy.erase(
            session,
            public_id,
            now=now,
            hasher=hasher,
            source=Source.RESTORE,
            withdraw=lambda person, address: forget(session, person, address, now=now),
        )
    return len(back)
