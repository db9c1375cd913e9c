"""Writes down which mails are owed and takes them back; always in the caller's transaction.

System mails are a chunk of one each, so that no one waits for another. `withdraw` changes the very rows that START
changes: the database orders the two, so somebody who left gets no mail that had not begun.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Insert,
    Integer,
    any_,
    bindparam,
    delete,
    false,
    func,
    insert,
    literal,
    literal_column,
    select,
    true,
    update,
)
from sqlmodel import Session, col
from typing_extensions import override

from digest.db import changed, in_batches
from digest.delivery.models import Attempt, Chunk, Delivery, DeliveryState, Instance, MailKind, Reason
from digest.editions.models import Content, Edition
from digest.editions.plan import Alerts, Ledger, PlannedDelivery
from subscribers.models import Cadence, Subscriber
from subscribers.owed import OwedMail
from subscribers.types import metadata, new_public_id

CHUNK: Final = 500
SYSTEM_LANE: Final = 0
QUICK_LANE: Final = 1
EDITION_LANE: Final = 2
_OPEN: Final = (DeliveryState.PLANNED, DeliveryState.DEFERRED)
_GOES_WITH_UNSUBSCRIBE: Final = (MailKind.EDITION, MailKind.WELCOME)


def enqueue(session: Session, mail: OwedMail, *, now: datetime) -> None:
    """Write down a system mail; it leaves as soon as the caller commits."""
    enqueue_all(session, [mail], now=now)


def enqueue_all(session: Session, owed: Sequence[OwedMail], *, now: datetime) -> list[int]:
    """Write down system mails in two statements, however many of one kind; each one's chunk, in the order given."""
    lanes = [_system_lane(mail) for mail in owed]
    alike = Counter((lane, mail.expires_at) for lane, mail in zip(lanes, owed, strict=True))
    free = {key: _equal_chunks(session, count, *key, now=now) for key, count in alike.items()}
    chunks = [free[lane, mail.expires_at].pop() for lane, mail in zip(lanes, owed, strict=True)]
    rows = [_system_row(chunk_id, mail, now) for chunk_id, mail in zip(chunks, owed, strict=True)]
    if rows:
        session.connection().execute(_SYSTEM_MAIL, rows)
    return chunks


def unwrite(session: Session, chunks: Sequence[int]) -> None:
    """Take back system mails of the same transaction: nobody has seen them, and nobody ever will."""
    session.connection().execute(_UNWRITE, {"chunks": chunks})


def withdraw(
    session: Session, subscriber_id: int, *, now: datetime, reason: Reason = Reason.UNSUBSCRIBED
) -> int:
    """Take back what this person has not been sent yet; how many mails.

    Unsubscribe and pause take editions and the welcome; erasure and suppression take everything.
    """
    mine = col(Delivery.subscriber_id) == subscriber_id
    if reason in {Reason.UNSUBSCRIBED, Reason.PAUSED}:
        mine &= col(Delivery.kind).in_(_GOES_WITH_UNSUBSCRIBE)
    return skip(session, mine, reason, now=now)


def skip(
    session: Session,
    which: ColumnElement[bool],
    reason: Reason,
    *,
    now: datetime,
    keeps_windows: bool = False,
) -> int:
    """End open deliveries without sending, and let the next edition carry what they had; how many.

    After a resend nobody can know whether a copy arrived, so those end `unknown` and their window stays where it is.
    """
    open_rows = which & col(Delivery.state).in_(_OPEN)
    ended = {"reason": reason, "settled_at": now, "next_attempt_at": None}
    if not keeps_windows:
        _return_windows(session, open_rows)
    doubtful = update(Delivery).where(open_rows, col(Delivery.resends) > 0)
    plain = update(Delivery).where(open_rows)
    return changed(session, doubtful.values(state=DeliveryState.UNKNOWN, **ended)) + changed(
        session, plain.values(state=DeliveryState.SKIPPED, **ended)
    )


def forget(session: Session, subscriber_id: int | None, address: str, *, now: datetime) -> None:
    """Cancel what this person was still owed and take the person out of all that was sent; counts stay.

    Somebody who never confirmed has no id and is found by the address alone. Replies go too: a server may quote it.
    """
    mine = col(Delivery.address) == address
    if subscriber_id is not None:
        mine |= col(Delivery.subscriber_id) == subscriber_id
    skip(session, mine, Reason.ERASED, now=now, keeps_windows=True)
    ids = select(col(Delivery.id)).where(mine).scalar_subquery()
    session.execute(update(Attempt).where(col(Attempt.delivery_id).in_(ids)).values(reply=""))
    blank = {"subscriber_id": None, "address": None, "data": None, "reply": ""}
    session.execute(update(Delivery).where(mine).values(blank))


def _return_windows(session: Session, open_rows: ColumnElement[bool]) -> None:
    """Move cursors back, unless a later edition has moved them on. People are locked before deliveries, as everywhere."""
    its = (
        (col(Delivery.subscriber_id) == col(Subscriber.id))
        & (col(Delivery.release_no) == col(Subscriber.last_release))
        & (col(Delivery.resends) == 0)
        & col(Delivery.edition_id).is_not(None)
        & open_rows
    )
    since = select(func.min(col(Delivery.since))).where(its).correlate(Subscriber).scalar_subquery()
    session.execute(
        update(Subscriber)
        .where(select(col(Delivery.id)).where(its).correlate(Subscriber).exists())
        .values(last_release=since),
        execution_options={"synchronize_session": False},
    )


def reserve(session: Session, delivery_id: int, *, now: datetime) -> None:
    """Use up an id that a lost copy of the database gave to a mail, so that no other mail ever has it."""
    (chunk_id,) = _new_chunks(
        session,
        [{"lane": EDITION_LANE, "ready_at": now, "expires_at": now, "edition_id": None, "is_open": False}],
    )
    gone = {"id": delivery_id, "state": DeliveryState.SKIPPED, "reason": Reason.RESTORED, "settled_at": now}
    session.execute(insert(Delivery).values(_row(chunk_id, now) | gone))


class EditionLedger(Ledger):
    """The deliveries of editions, as planning sees them."""

    @override
    def write(
        self, session: Session, edition_id: int, rows: Sequence[PlannedDelivery], *, now: datetime
    ) -> None:
        if not rows:
            return
        edition = session.get_one(Edition, edition_id)
        chunk = {
            "lane": QUICK_LANE if edition.cadence is Cadence.INSTANT else EDITION_LANE,
            "ready_at": now,
            "expires_at": edition.expires_at,
            "edition_id": edition_id,
            "is_held": _is_all_held(session),
        }
        batches = list(in_batches(sorted(rows, key=_by_content), CHUNK))
        chunks = _new_chunks(session, [chunk] * len(batches))
        owed = [(chunk_id, *row) for chunk_id, batch in zip(chunks, batches, strict=True) for row in batch]
        _write_planned(session, edition_id, owed, now=now)

    @override
    def merge_open(
        self, session: Session, subscriber_ids: Sequence[int], *, edition_id: int, now: datetime
    ) -> Mapping[int, int]:
        which = (
            _among(session, subscriber_ids)
            & col(Delivery.edition_id).is_not(None)
            & (col(Delivery.edition_id) != edition_id)
            & (col(Delivery.resends) == 0)
            & col(Delivery.state).in_(_OPEN)
        )
        ended = {"state": DeliveryState.SKIPPED, "reason": Reason.MERGED, "settled_at": now}
        merging = update(_DELIVERY).where(which).values(next_attempt_at=None, **ended)
        returned: dict[int, int] = {}
        for subscriber_id, since in session.connection().execute(
            merging.returning(_DELIVERY.c.subscriber_id, _DELIVERY.c.since)
        ):
            returned[subscriber_id] = min(since, returned.get(subscriber_id, since))
        return returned

    @override
    def last_contents(self, session: Session, subscriber_ids: Sequence[int]) -> Mapping[int, int]:
        newest = (
            select(func.max(col(Delivery.id)))
            .where(
                _among(session, subscriber_ids),
                col(Delivery.content_id).is_not(None),
                col(Delivery.state).not_in([DeliveryState.FAILED, DeliveryState.SKIPPED]),
            )
            .group_by(col(Delivery.subscriber_id))
        )
        rows = session.connection().execute(
            select(_DELIVERY.c.subscriber_id, _DELIVERY.c.content_id).where(col(Delivery.id).in_(newest))
        )
        return {row[0]: row[1] for row in rows}

    @override
    def promos_had(self, session: Session, subscriber_ids: Sequence[int]) -> Mapping[int, Mapping[int, int]]:
        had: dict[int, Counter[int]] = defaultdict(Counter)
        rows = session.connection().execute(
            select(_DELIVERY.c.subscriber_id, col(Content.promos))
            .join(Content, col(Content.id) == col(Delivery.content_id))
            .where(
                _among(session, subscriber_ids),
                col(Delivery.state).not_in([DeliveryState.FAILED, DeliveryState.SKIPPED]),
            )
        )
        for subscriber_id, promos in rows:
            had[subscriber_id].update(promos)
        return had

    @override
    def alerts(
        self, session: Session, subscriber_ids: Sequence[int], *, since: datetime
    ) -> Mapping[int, Alerts]:
        is_open = func.max(col(Delivery.state).in_([*_OPEN, DeliveryState.IN_DATA]).cast(Integer))
        rows = session.connection().execute(
            select(_DELIVERY.c.subscriber_id, is_open, func.count())
            .join(Edition, col(Edition.id) == col(Delivery.edition_id))
            .where(
                _among(session, subscriber_ids),
                col(Edition.cadence) == Cadence.INSTANT,
                col(Delivery.created_at) >= since,
                col(Delivery.state) != DeliveryState.SKIPPED,
            )
            .group_by(col(Delivery.subscriber_id))
        )
        return {person: Alerts(is_open=bool(open_), today=count) for person, open_, count in rows}


def _among(session: Session, subscriber_ids: Sequence[int]) -> ColumnElement[bool]:
    """Deliveries of these people. The ids are one value, so that the statement is the same for any number of them."""
    whose = col(Delivery.subscriber_id)
    if session.connection().dialect.name == "postgresql":
        return whose == any_(literal(list(subscriber_ids), ARRAY(BigInteger)))
    listed = func.json_each(json.dumps(list(subscriber_ids))).table_valued("value")
    return whose.in_(select(listed.c.value))


def _is_all_held(session: Session) -> bool:
    return bool(session.execute(select(col(Instance.hold_reason)).where(col(Instance.id) == 1)).scalar())


def _system_lane(mail: OwedMail) -> int:
    return QUICK_LANE if mail.kind == MailKind.WELCOME else SYSTEM_LANE


def _equal_chunks(
    session: Session, count: int, lane: int, expires_at: datetime, *, now: datetime
) -> list[int]:
    """So many new chunks that differ in nothing but their ids, in one statement."""
    values = {"how_many": count, "lane": lane, "ready_at": now, "expires_at": expires_at}
    return list(session.connection().execute(_CHUNKS, values).scalars())


def _system_row(chunk_id: int, mail: OwedMail, now: datetime) -> dict[str, Any]:
    return {
        "public_id": new_public_id(),
        "chunk_id": chunk_id,
        "created_at": now,
        "kind": MailKind(mail.kind),
        "subscriber_id": mail.subscriber_id,
        "address": mail.address,
        "locale": mail.locale,
        "data": mail.data,
    }


def _chunks_statement() -> Insert:
    numbers = select(literal(1).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < bindparam("how_many")))
    c = _CHUNK.c
    given = [bindparam(column.name, type_=column.type) for column in (c.lane, c.ready_at, c.expires_at)]
    values = [*given, true(), false(), literal(""), literal(0.0), literal(0), literal(0)]
    columns = [
        c.lane,
        c.ready_at,
        c.expires_at,
        c.is_open,
        c.is_held,
        c.owner,
        c.lease_until,
        c.fence,
        c.claims,
    ]
    return insert(_CHUNK).from_select(columns, select(*values).select_from(numbers)).returning(c.id)


def _system_mail_statement() -> Insert:
    """Only what differs is a parameter: a batch is written by the hundred."""
    own = ["public_id", "chunk_id", "created_at", "kind", "subscriber_id", "address", "locale", "data"]
    zeros = ["since", "release_no", "attempts", "resends", "fence"]
    values: dict[str, Any] = {name: bindparam(name, type_=_DELIVERY.c[name].type) for name in own}
    values |= {name: literal_column("0") for name in zeros}
    values |= {name: literal_column("''") for name in ("reason", "reply")}
    return insert(_DELIVERY).values(values | {"state": literal_column(f"'{DeliveryState.PLANNED}'")})


def _write_planned(
    session: Session, edition_id: int, owed: Sequence[tuple[int, int, int, int, int]], *, now: datetime
) -> None:
    """Deliveries as (chunk, subscriber, content, since, release), in one statement on the driver: there may be a million."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        columns = dict(
            zip(
                ("chunk", "subscriber", "content", "since", "release"),
                map(list, zip(*owed, strict=True)),
                strict=True,
            )
        )
        connection.exec_driver_sql(_PLANNED_POSTGRESQL, {**columns, "edition": edition_id, "now": now})
        return
    at = now.astimezone(UTC).isoformat(" ", "microseconds")[:26]  # as SQLAlchemy stores it
    connection.exec_driver_sql(_PLANNED_SQLITE, [(edition_id, at, *one) for one in owed])


_PLANNED: Final = (
    "INSERT INTO delivery (kind, state, locale, reason, reply, attempts, resends, fence, public_id,"
    " edition_id, created_at, chunk_id, subscriber_id, content_id, since, release_no)"
    f" SELECT '{MailKind.EDITION}', '{DeliveryState.PLANNED}', '', '', '', 0, 0, 0, "
)
_PLANNED_SQLITE: Final = f"{_PLANNED} lower(hex(randomblob(16))), ?, ?, ?, ?, ?, ?, ?"
_PLANNED_POSTGRESQL: Final = f"""{_PLANNED} gen_random_uuid(), %(edition)s, %(now)s, owed.*
    FROM unnest(%(chunk)s::bigint[], %(subscriber)s::bigint[], %(content)s::bigint[], %(since)s::bigint[],
                %(release)s::bigint[]) AS owed"""


_CHUNK: Final = metadata.tables[Chunk.__tablename__]
_DELIVERY: Final = metadata.tables[Delivery.__tablename__]
_CHUNKS: Final = _chunks_statement()
_UNWRITE: Final = delete(_CHUNK).where(_CHUNK.c.id.in_(bindparam("chunks", expanding=True)))
_SYSTEM_MAIL: Final = _system_mail_statement()


def _new_chunks(session: Session, chunks: Sequence[dict[str, Any]]) -> list[int]:
    blank = {"is_open": True, "is_held": False, "owner": "", "lease_until": 0.0, "fence": 0, "claims": 0}
    statement = insert(Chunk).returning(col(Chunk.id), sort_by_parameter_order=True)
    return list(session.execute(statement, [blank | chunk for chunk in chunks]).scalars())


def _row(chunk_id: int, now: datetime) -> dict[str, Any]:
    """A planned delivery with nothing in it."""
    return {
        "public_id": new_public_id(),
        "kind": MailKind.EDITION,
        "chunk_id": chunk_id,
        "locale": "",
        "since": 0,
        "release_no": 0,
        "state": DeliveryState.PLANNED,
        "reason": "",
        "attempts": 0,
        "resends": 0,
        "fence": 0,
        "created_at": now,
        "reply": "",
    }


def _by_content(row: PlannedDelivery) -> tuple[int, int]:
    """People of one content stand together, so that a chunk touches few."""
    return row.content_id, row.subscriber_id
