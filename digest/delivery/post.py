"""Puts a worker together from the running parts of a process; the only place that knows how its pieces fit."""

import os
import socket
from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from typing import Protocol
from uuid import uuid4

from sqlmodel import Session

from digest.db import Database
from digest.delivery.departed import Departed, replayer
from digest.delivery.mails import Mails
from digest.delivery.marks import marks_for
from digest.delivery.models import Reason
from digest.delivery.press import Parts
from digest.delivery.queue import Queue
from digest.delivery.settlement import Rules, Settlement, Suppress
from digest.delivery.witness import DEPARTURES_FILE, WITNESS_FILE, Witness, state_file
from digest.delivery.worker import Options, Worker
from digest.mail.transport import Link, Relay, connect
from digest.settings import Settings, UnknownPolicy
from subscribers import suppression
from subscribers.hashing import AddressHasher
from subscribers.models import SuppressionReason


class Running(Parts, Protocol):
    """What a process hands over: a `Runtime` fits."""

    @property
    def settings(self) -> Settings: ...  # noqa: D102  # the parts are named after what they are
    @property
    def db(self) -> Database: ...  # noqa: D102
    @property
    def clock(self) -> Callable[[], datetime]: ...  # noqa: D102
    @property
    def hasher(self) -> AddressHasher: ...  # noqa: D102


def post_office(parts: Running, *, options: Options | None = None) -> Worker:
    """A worker, ready to run; call it inside the event loop that will run it.

    `await post_office(runtime).run_until_idle()` sends what is due at the runtime's clock (`digest tick`);
    `await post_office(runtime).run_forever(stop)` sends until the event is set.
    """
    settings = parts.settings
    chosen = options or Options(
        connections=settings.smtp.connections, rate=settings.smtp.rate, lease=settings.worker.lease
    )
    settlement = Settlement(
        parts.db,
        Rules(policy=settings.unknown),
        suppress=suppressor(parts.hasher),
        suppressed=partial(_suppressed, hasher=parts.hasher),
    )
    relay = relay_of(settings)

    async def open_link() -> Link:
        return await connect(relay)

    return Worker(
        queue=Queue(parts.db, settlement, owner=new_owner(), lease=chosen.lease),
        marks=marks_for(parts.db, is_durable=settings.unknown is UnknownPolicy.HOLD),
        composer=Mails(parts),
        connect=open_link,
        clock=parts.clock,
        options=chosen,
        witness=witness_of(parts),
    )


def witness_of(parts: Running) -> Witness:
    """What this machine has seen, and who it knows to have left."""
    departures = state_file(parts.settings, DEPARTURES_FILE)
    path = state_file(parts.settings, WITNESS_FILE)
    return Witness(path, replayer(Departed(departures), parts.hasher)) if departures else Witness(path)


def relay_of(settings: Settings) -> Relay:
    """The relay that the settings name."""
    smtp = settings.smtp
    return Relay(
        host=smtp.host,
        port=smtp.port,
        tls=smtp.tls,
        username=smtp.username,
        password=smtp.password.get_secret_value(),
        ca_file=str(smtp.ca_file) if smtp.ca_file else None,
        hello_name=settings.sender.address.rpartition("@")[2] or "localhost",
    )


def suppressor(hasher: AddressHasher) -> Suppress:
    """Writes a suppression in the transaction that failed the delivery."""

    def suppress(session: Session, address_key: str, reason: Reason, now: datetime) -> None:
        suppression.suppress(
            session, [address_key], SuppressionReason.HARD_BOUNCE, now=now, hasher=hasher, note=reason.value
        )

    return suppress


def _suppressed(session: Session, address_keys: Collection[str], *, hasher: AddressHasher) -> set[str]:
    return set(suppression.reasons(session, address_keys, hasher=hasher))


def new_owner() -> str:
    """A name for this worker that no other has."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid4().hex[:8]}"
