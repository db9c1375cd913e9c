"""What this machine has seen, kept outside the database: an older copy that is put back does not send everything again.

A small file holds the installation's identity, its count of beats and the highest delivery. It is written (temporary file,
fsync, rename) after the database has committed the same, so it is never ahead of a database that only crashed. A file
that is ahead means that an older database was put back: everything is held until the operator chooses.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import func, make_url, select, text, update
from sqlmodel import Session, col

from digest.delivery import edition_control, outbox
from digest.delivery.interventions import OPERATOR, WITNESS
from digest.delivery.models import Chunk, Delivery, Reason
from digest.editions.models import Edition, EditionState, Release
from digest.settings import Settings
from subscribers.models import Subscriber
from subscribers.types import new_public_id

_log = structlog.get_logger(__name__)

WITNESS_FILE: Final = "digest-witness.json"
DEPARTURES_FILE: Final = "digest-departures.log"
RESTORED: Final = (
    "An older copy of the database was put back: this machine has already seen delivery {seen}, the database knows {known}. "
    "Choose `digest editions release --all --restored skip` (no second copies) or `… --restored send` (nobody is left out)."
)


@dataclass(frozen=True, slots=True)
class Seen:
    """How far an installation had come."""

    instance: str
    beat: int
    delivery: int


def state_file(settings: Settings, name: str) -> Path | None:
    """Where this machine keeps a file: the state directory, or beside the SQLite file; None without either."""
    url = make_url(settings.database_url)
    folder = settings.state_dir
    if folder is None and url.get_backend_name() == "sqlite" and url.database:
        folder = Path(url.database).absolute().parent
    return folder / name if folder is not None and folder.is_dir() else None


class Witness:
    """One machine's file; None as path means that there is no lasting directory, and so no protection.

    `replay` is done to an older database before anything else: it learns who has left since.
    """

    def __init__(
        self, path: Path | None, replay: Callable[[Session, datetime], None] = lambda _session, _now: None
    ) -> None:
        self.replay = replay
        self._path = path
        self._last: Seen | None = None

    def read(self) -> Seen | None:
        """What was written last; None without a file, or when it is damaged."""
        if self._path is None or not self._path.exists():
            return None
        try:
            return Seen(**json.loads(self._path.read_text(encoding="ascii")))
        except (ValueError, TypeError):
            return None

    def write(self, seen: Seen) -> None:
        """Keep it, whatever happens to this process or the power."""
        if self._path is None or seen == self._last:
            return
        draft = self._path.with_suffix(".new")
        with draft.open("w", encoding="ascii") as file:
            json.dump(asdict(seen), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        self._last = seen

    def covers(self, delivery_id: int) -> bool:
        """Whether the file already knows of this delivery, so that its dot may go."""
        return self._path is None or (self._last is not None and self._last.delivery >= delivery_id)


def note(session: Session) -> Seen:
    """Count a beat of the installation; what to write into the file once this has committed."""
    instance = edition_control.the_instance(session)
    instance.beat += 1
    instance.delivery_mark = max(instance.delivery_mark, _highest(session))
    session.add(instance)
    return Seen(str(instance.public_id), instance.beat, instance.delivery_mark)


def check(session: Session, witness: Witness, *, now: datetime) -> bool:
    """Hold everything if the file is ahead of the database; True when it is."""
    seen = witness.read()
    instance = edition_control.the_instance(session)
    if seen is None or UUID(seen.instance) != instance.public_id:
        return False
    if seen.beat <= instance.beat and seen.delivery <= instance.delivery_mark:
        return False
    instance.delivery_mark = max(instance.delivery_mark, _highest(session))
    reason = RESTORED.format(seen=seen.delivery, known=instance.delivery_mark)
    edition_control.hold_all(session, reason=reason, now=now, who=WITNESS)
    _start_above(session, seen.delivery, now=now)
    witness.replay(session, now)
    return True


def is_restored(session: Session) -> bool:
    """Whether everything is held because an older database was put back, and nobody has chosen yet."""
    return edition_control.the_instance(session).hold_reason.startswith(RESTORED.partition(":")[0])


def go_on(
    session: Session, *, now: datetime, who: str = OPERATOR, reason: str = "what was owed is sent"
) -> bool:
    """The operator's `--restored send`: as the rows say; second copies are possible. False when nothing was held."""
    _begin_anew(session)
    return edition_control.release_all(session, now=now, who=who, reason=reason)


def start_over(session: Session, *, now: datetime, who: str = OPERATOR) -> int:
    """The operator's `--restored skip`: nothing open is sent, and everybody begins at the newest release.

    Poll, match and cut a release before. How many deliveries were skipped.
    """
    newest = session.execute(select(func.max(col(Release.no)))).scalar_one() or 0
    skipped = outbox.skip(
        session, col(Delivery.edition_id).is_not(None), Reason.RESTORED, now=now, keeps_windows=True
    )
    session.execute(
        update(Subscriber).values(last_release=newest), execution_options={"synchronize_session": False}
    )
    open_editions = col(Edition.state).in_([EditionState.PLANNED, EditionState.SENDING, EditionState.HELD])
    session.execute(
        update(Edition)
        .where(open_editions)
        .values(
            state=EditionState.SKIPPED,
            reason=Reason.RESTORED,
            is_planned=True,
            hold_reason="",
            finished_at=now,
        )
    )
    session.execute(
        update(Chunk)
        .where(col(Chunk.edition_id).is_not(None), col(Chunk.is_open))
        .values(is_open=False, is_held=False)
    )
    go_on(session, now=now, who=who, reason=f"what was owed is skipped: {skipped}")
    _log.warning("restored_skip", skipped=skipped, release=newest)
    return skipped


def _begin_anew(session: Session) -> None:
    """A new identity: what the files of all machines say of the old one is the past."""
    instance = edition_control.the_instance(session)
    instance.public_id = new_public_id()
    session.add(instance)


def _highest(session: Session) -> int:
    return session.execute(select(func.max(col(Delivery.id)))).scalar_one() or 0


def _start_above(session: Session, delivery_id: int, *, now: datetime) -> None:
    """New ids start above what was ever used, so a Message-ID never names two mails."""
    if session.connection().dialect.name == "postgresql":
        session.execute(
            text(
                "SELECT setval(pg_get_serial_sequence('delivery', 'id'), greatest(:id, nextval('delivery_id_seq')))"
            ),
            {"id": delivery_id},
        )
        return
    if _highest(session) < delivery_id:
        outbox.reserve(session, delivery_id, now=now)
