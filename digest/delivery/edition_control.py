"""The operator's hand on editions: hold, release, cancel, try again. Idempotent, on record, one transaction of the caller each.

Locks go edition, subscriber, delivery, as everywhere. A held chunk has a new fence: at the next commit not one further
dot is allowed, while answers to dots already written are still recorded by their rows' own fence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select, update
from sqlmodel import Session, col

from digest.db import changed
from digest.delivery.interventions import OPERATOR, record
from digest.delivery.models import Action, Chunk, Delivery, DeliveryState, Instance, Reason
from digest.delivery.outbox import skip
from digest.delivery.queue import finish_edition
from digest.editions.models import Edition, EditionState
from subscribers.models import Subscriber
from subscribers.types import metadata
from subscribers.upsert import insert

CANCELLED: Final = "cancelled"
_INSTANCE: Final = metadata.tables["instance"]
_RUNNING: Final = (EditionState.PLANNED, EditionState.SENDING)
_STARTED: Final = (DeliveryState.IN_DATA, DeliveryState.SENT, DeliveryState.UNKNOWN)
_AGAIN_FOR: Final = timedelta(hours=24)

Lift = Callable[[Session, list[int]], None]
"""Lifts the suppressions of these subscribers."""


class EditionError(Exception):
    """The command does not fit the edition; one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Retried:
    """What `retry` did: deliveries planned again, and those that stay because a later edition has their news."""

    planned: int
    kept: int


def hold(session: Session, edition_id: int, *, reason: str, now: datetime, who: str = OPERATOR) -> bool:
    """Stop an edition; False when it is held already. Raises EditionError."""
    edition = _edition(session, edition_id)
    if edition.state is EditionState.HELD:
        return False
    if edition.state not in _RUNNING:
        raise EditionError(f"Edition {edition_id} is {edition.state.value}: there is nothing to hold.")
    edition.state = EditionState.HELD
    edition.hold_reason = reason[:200]
    session.add(edition)
    _hold_chunks(session, col(Chunk.edition_id) == edition_id)
    record(session, Action.HOLD, edition_id, who=who, now=now, reason=reason)
    return True


def hold_all(session: Session, *, reason: str, now: datetime, who: str = OPERATOR) -> bool:
    """Stop everything but system mails, planning included; False when all is held already."""
    instance = the_instance(session)
    if instance.hold_reason:
        return False
    instance.hold_reason = reason[:300]
    session.add(instance)
    _hold_chunks(session, col(Chunk.lane) > 0)
    record(session, Action.HOLD, None, who=who, now=now, reason=reason)
    return True


def release(session: Session, edition_id: int, *, now: datetime, who: str = OPERATOR) -> bool:
    """Let a held edition go on where it stopped; False when it is not held. Raises EditionError."""
    edition = _edition(session, edition_id)
    if edition.state is not EditionState.HELD:
        if edition.state in _RUNNING:
            return False
        raise EditionError(f"Edition {edition_id} is {edition.state.value}: there is nothing to release.")
    its = col(Chunk.edition_id) == edition_id
    has_chunks = session.execute(select(col(Chunk.id)).where(its).limit(1)).first() is not None
    edition.state = EditionState.SENDING if has_chunks else EditionState.PLANNED
    edition.hold_reason = ""
    session.add(edition)
    session.flush()
    if not the_instance(session).hold_reason:
        session.execute(update(Chunk).where(its, col(Chunk.is_open)).values(is_held=False))
    finish_edition(session, edition_id, now=now)
    record(session, Action.RELEASE, edition_id, who=who, now=now)
    return True


def release_all(session: Session, *, now: datetime, who: str = OPERATOR, reason: str = "") -> bool:
    """Undo `hold_all`; editions held for their own reason stay held. False when nothing was held."""
    instance = the_instance(session)
    if not instance.hold_reason:
        return False
    instance.hold_reason = ""
    session.add(instance)
    own = select(col(Edition.id)).where(
        (col(Edition.state) == EditionState.HELD) | (col(Edition.reason) == CANCELLED)
    )
    free = col(Chunk.edition_id).is_(None) | col(Chunk.edition_id).not_in(own)
    session.execute(update(Chunk).where(col(Chunk.is_open), col(Chunk.is_held), free).values(is_held=False))
    record(session, Action.RELEASE, None, who=who, now=now, reason=reason)
    return True


def cancel(
    session: Session, edition_id: int, *, now: datetime, returns_news: bool = False, who: str = OPERATOR
) -> int:
    """Send nothing more of an edition; how many deliveries were skipped. Raises EditionError.

    With `returns_news` the next edition carries what these people did not get. What is past its dot still ends by its
    answer; with nothing sent at all the edition itself is skipped.
    """
    edition = _edition(session, edition_id)
    if edition.reason == CANCELLED:
        return 0
    if edition.state in {EditionState.FINISHED, EditionState.SKIPPED}:
        raise EditionError(f"Edition {edition_id} is {edition.state.value}: there is nothing to cancel.")
    its = col(Delivery.edition_id) == edition_id
    _hold_chunks(session, col(Chunk.edition_id) == edition_id)
    skipped = skip(session, its, Reason.CANCELLED, now=now, keeps_windows=not returns_news)
    _close_chunks(session, edition_id)
    has_started = session.execute(
        select(col(Delivery.id)).where(its, col(Delivery.state).in_(_STARTED)).limit(1)
    ).first()
    edition.reason = CANCELLED
    edition.is_planned = True
    edition.hold_reason = ""
    edition.state = EditionState.SENDING if has_started else EditionState.SKIPPED
    edition.finished_at = None if has_started else now
    session.add(edition)
    session.flush()
    finish_edition(session, edition_id, now=now)
    reason = "its news come again" if returns_news else ""
    record(session, Action.CANCEL, edition_id, who=who, now=now, reason=reason, deliveries=skipped)
    return skipped


def retry(
    session: Session,
    edition_id: int,
    *,
    now: datetime,
    refused: bool = False,
    unknown: bool = False,
    lift: Lift | None = None,
    who: str = OPERATOR,
) -> Retried:
    """Send failed deliveries again. Raises EditionError.

    Each first takes its window back, or stays `failed` when a later edition has it. `refused` also tries addresses that
    were said not to exist and lifts their suppression; `unknown` sends a second copy, with the same bytes.
    """
    edition = _edition(session, edition_id)
    if edition.state not in {EditionState.SENDING, EditionState.FINISHED}:
        raise EditionError(
            f"Edition {edition_id} is {edition.state.value}: nothing of it can be tried again."
        )
    its = col(Delivery.edition_id) == edition_id
    failed = its & (col(Delivery.state) == DeliveryState.FAILED)
    wanted = failed & (col(Delivery.reason) != Reason.NO_SUCH_ADDRESS)
    kept = _count(session, wanted) - _take_windows_back(session, wanted)
    planned = _plan_again(session, wanted & _has_window())
    if refused:
        gone = failed & (col(Delivery.reason) == Reason.NO_SUCH_ADDRESS)
        if lift is not None:
            lift(session, list(session.execute(select(col(Delivery.subscriber_id)).where(gone)).scalars()))
        planned += _plan_again(session, gone)
    if unknown:
        planned += _plan_again(session, its & (col(Delivery.state) == DeliveryState.UNKNOWN), resends=1)
    if planned:
        _reopen(session, edition, now=now)
        wishes = " ".join(
            name for name, is_wished in (("refused", refused), ("unknown", unknown)) if is_wished
        )
        record(session, Action.RETRY, edition_id, who=who, now=now, reason=wishes, deliveries=planned)
    return Retried(planned, kept)


def the_instance(session: Session) -> Instance:
    """The row of this installation, made when first asked for."""
    instance = session.get(Instance, 1)
    if instance is None:  # several processes may start at once: the key decides who makes it
        row = Instance(id=1).model_dump()
        session.execute(insert(session, _INSTANCE).values(row).on_conflict_do_nothing())
        instance = session.get_one(Instance, 1)
    return instance


def _edition(session: Session, edition_id: int) -> Edition:
    edition = session.get(Edition, edition_id, with_for_update=True, populate_existing=True)
    if edition is None:
        raise EditionError(f"There is no edition {edition_id}.")
    return edition


def _hold_chunks(session: Session, which: ColumnElement[bool]) -> None:
    session.execute(
        update(Chunk)
        .where(which, col(Chunk.is_open), ~col(Chunk.is_held))
        .values(is_held=True, fence=Chunk.fence + 1)
    )


def _close_chunks(session: Session, edition_id: int) -> None:
    """Close what is through; a chunk with mails past their dot stays, held, until they are answered or expire."""
    running = select(col(Delivery.id)).where(
        col(Delivery.chunk_id) == col(Chunk.id), col(Delivery.state) == DeliveryState.IN_DATA
    )
    session.execute(
        update(Chunk)
        .where(col(Chunk.edition_id) == edition_id, col(Chunk.is_open), ~running.correlate(Chunk).exists())
        .values(is_open=False, is_held=False)
    )


def _count(session: Session, which: ColumnElement[bool]) -> int:
    return int(session.execute(select(func.count()).select_from(Delivery).where(which)).scalar_one())


def _take_windows_back(session: Session, which: ColumnElement[bool]) -> int:
    """Move cursors forward again, where they stand as the failure left them; how many are this edition's again."""
    its = which & (col(Delivery.subscriber_id) == col(Subscriber.id))
    mine = select(col(Delivery.id)).where(its, col(Subscriber.last_release) == col(Delivery.since))
    release_no = select(func.max(col(Delivery.release_no))).where(its).correlate(Subscriber).scalar_subquery()
    session.execute(
        update(Subscriber).where(mine.correlate(Subscriber).exists()).values(last_release=release_no),
        execution_options={"synchronize_session": False},
    )
    return _count(session, which & _has_window())


def _has_window() -> ColumnElement[bool]:
    """The person's cursor stands at the end of this very window."""
    person = select(col(Subscriber.id)).where(
        col(Subscriber.id) == col(Delivery.subscriber_id),
        col(Subscriber.last_release) == col(Delivery.release_no),
    )
    return person.correlate(Delivery).exists()


def _plan_again(session: Session, which: ColumnElement[bool], **more: Any) -> int:
    planned = {"state": DeliveryState.PLANNED, "reason": "", "next_attempt_at": None, "settled_at": None}
    return changed(session, update(Delivery).where(which).values(**planned, **more))


def _reopen(session: Session, edition: Edition, *, now: datetime) -> None:
    waiting = select(col(Delivery.id)).where(
        col(Delivery.chunk_id) == col(Chunk.id), col(Delivery.state) == DeliveryState.PLANNED
    )
    session.execute(
        update(Chunk)
        .where(col(Chunk.edition_id) == edition.id, ~col(Chunk.is_open), waiting.correlate(Chunk).exists())
        .values(
            is_open=True, is_held=False, ready_at=now, expires_at=now + _AGAIN_FOR, claims=0, lease_until=0.0
        )
    )
    edition.state = EditionState.SENDING
    edition.finished_at = None
    edition.counts = {}
    session.add(edition)
