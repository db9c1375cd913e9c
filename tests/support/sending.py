"""A worker put together for tests, and editions to send with it: real queue, real transport, the simplest of mails."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from digest.db import Database
from digest.delivery.marks import Marks, marks_for
from digest.delivery.models import Delivery, Reason
from digest.delivery.outbox import EditionLedger
from digest.delivery.queue import Due, Queue
from digest.delivery.settlement import Rules, Settlement
from digest.delivery.witness import Witness
from digest.delivery.worker import Counts, Options, Worker
from digest.editions.models import Content, Edition, EditionState
from digest.editions.plan import PlannedDelivery
from digest.mail.outcome import Outgoing
from digest.mail.transport import Relay, Timeouts, connect
from digest.settings import Tls, UnknownPolicy
from subscribers.models import Cadence, MailFormat, MailLength, Subscriber

PATIENT = Timeouts(connect=timedelta(seconds=10), command=timedelta(seconds=10), dot=timedelta(seconds=10))
"""For tests in which nobody is silent: a busy machine must not look like a lost reply."""
QUICK = Timeouts(
    connect=timedelta(seconds=1),
    secure=timedelta(seconds=1),
    command=timedelta(seconds=0.5),
    dot=timedelta(seconds=0.5),
    quit=timedelta(seconds=0.5),
)


class PlainComposer:
    """Mails of a few lines; the same delivery and date give the same bytes."""

    def __init__(self, size: int = 200) -> None:
        self.filling = (b"x" * 70 + b"\r\n") * (size // 72 + 1)

    def load(self, session: Session, rows: Sequence[Due]) -> None:
        """Nothing is needed."""

    def compose(self, row: Due, *, dated_at: datetime) -> Outgoing:
        assert row.address is not None
        if row.address.startswith("broken"):
            raise ValueError("cannot be composed")
        head = f"Date: {dated_at:%a, %d %b %Y %H:%M:%S +0000}\r\nMessage-ID: <d{row.id}@news.example.org>\r\n\r\n"
        return Outgoing(row.id, "news@news.example.org", row.address, head.encode() + self.filling)


def make_edition(
    session: Session,
    people: int,
    *,
    now: datetime,
    address: str = "r{}@example.org",
    contents: int = 1,
    **values: Any,
) -> int:
    """An edition fully planned for new people, who share its contents evenly, through the ledger that planning uses; its id."""
    first = session.exec(select(Subscriber.id).order_by(col(Subscriber.id).desc())).first() or 0
    release_no = values.pop("release_no", 1)
    edition = Edition(
        cadence=Cadence.DAILY,
        local_time=values.pop("local_time", "07:00"),
        timezone="Europe/Berlin",
        local_date=values.pop("local_date", date(2026, 11, 22)),
        due_at=now,
        expires_at=values.pop("expires_at", now + timedelta(hours=24)),
        release_no=release_no,
        state=EditionState.SENDING,
        is_planned=values.pop("is_planned", True),
        created_at=now,
    )
    session.add(edition)
    session.flush()
    made = [
        Content(
            edition_id=edition.id,
            key=f"k{number}",
            language="de",
            format=MailFormat.HTML,
            length=MailLength.NORMAL,
            created_at=now,
        )
        for number in range(contents)
    ]
    session.add_all(made)
    readers = [
        Subscriber(
            address=address.format(number),
            address_key=address.format(number),
            created_at=now,
            confirmed_at=now,
            last_release=release_no,
        )
        for number in range(first + 1, first + people + 1)
    ]
    session.add_all(readers)
    session.flush()
    rows = [
        PlannedDelivery(reader.id, made[number * contents // people].id, 0, release_no)
        for number, reader in enumerate(readers)
    ]
    EditionLedger().write(session, edition.id, rows, now=now)
    return edition.id


def make_worker(
    db: Database,
    port: int,
    *,
    clock: Callable[[], datetime],
    policy: UnknownPolicy = UnknownPolicy.RESEND,
    owner: str = "w1",
    composer: Any = None,
    suppressed: list[tuple[str, Reason]] | None = None,
    timeouts: Timeouts = PATIENT,
    witness: Witness | None = None,
    marks: Marks | None = None,
    **options: Any,
) -> Worker:
    """A worker on this database and server; call it inside an event loop."""
    given = {
        "connections": 4,
        "first_window": 100,
        "idle_look": timedelta(milliseconds=50),
        "throttled_look": timedelta(milliseconds=20),
    } | options
    settings = Options(**given)
    seen = suppressed if suppressed is not None else []
    settlement = Settlement(
        db,
        Rules(policy=policy, jitter=lambda: 0.0),
        suppress=lambda session, key, reason, at: seen.append((key, reason)),
    )
    relay = Relay(host="127.0.0.1", port=port, tls=Tls.NONE)
    return Worker(
        queue=Queue(db, settlement, owner=owner, lease=settings.lease),
        marks=marks or marks_for(db, is_durable=policy is UnknownPolicy.HOLD),
        composer=composer or PlainComposer(),
        connect=lambda: connect(relay, timeouts=timeouts, tick=timedelta(milliseconds=50)),
        clock=clock,
        options=settings,
        witness=witness,
    )


async def send_all(db: Database, port: int, *, now: datetime, **more: Any) -> Counts:
    """One run of a worker, at a moment, until nothing is due."""
    worker = make_worker(db, port, clock=lambda: now, **more)
    return await asyncio.wait_for(worker.run_until_idle(), 60)


async def until(is_so: Callable[[], bool], *, within: float = 20.0) -> None:
    """Wait until something is so; a test that waits in vain fails."""
    async with asyncio.timeout(within):
        while not is_so():  # noqa: ASYNC110  # what is looked at is another process or thread, which sets no event
            await asyncio.sleep(0.01)


def states(db: Database) -> dict[str, int]:
    """How many deliveries stand in each state."""
    with db.read() as session:
        found: dict[str, int] = {}
        for state in session.exec(select(Delivery.state)):
            found[state.value] = found.get(state.value, 0) + 1
    return found


def deliveries(db: Database) -> list[Delivery]:
    """All deliveries by id."""
    with db.read() as session:
        return list(session.exec(select(Delivery).order_by(col(Delivery.id))))
