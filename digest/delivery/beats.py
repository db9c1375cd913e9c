"""Signs of life: which workers there are, how many share the rate, and whose chunks nobody works on any more.

A dead worker of this machine is known by its process, so its chunks are free at once; one of another machine is known
by the end of its leases. A process in another namespace cannot be seen from here and is never declared dead.
"""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlmodel import Session, col

from digest.db import changed
from digest.delivery.models import Chunk, Worker
from subscribers.types import metadata
from subscribers.upsert import insert

ALIVE: Final = timedelta(seconds=30)
"""A worker seen within this is counted as working."""
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE: Final = Path("/proc/self/ns/pid")


@dataclass(frozen=True, slots=True)
class Identity:
    """Which process on which machine, since which start of it."""

    id: str
    host: str
    boot: str
    namespace: str
    pid: int


def identity(worker_id: str) -> Identity:
    """The running process, as others can check on it."""
    boot = _BOOT_ID.read_text(encoding="ascii").strip() if _BOOT_ID.exists() else ""
    namespace = str(_NAMESPACE.readlink()) if _NAMESPACE.exists() else ""
    return Identity(worker_id, socket.gethostname(), boot, namespace, os.getpid())


def arrive(session: Session, me: Identity, *, now: datetime) -> None:
    """Write down that this worker exists, before it claims anything; saying it again after a failure is harmless."""
    row = insert(session, metadata.tables["worker"]).values(
        id=me.id, host=me.host, boot=me.boot, namespace=me.namespace, pid=me.pid, beat=0, seen_at=now
    )
    session.execute(row.on_conflict_do_nothing())


def beat(session: Session, me: Identity, *, now: datetime) -> int:
    """Say that this worker lives; how many do."""
    session.execute(update(Worker).where(col(Worker.id) == me.id).values(beat=Worker.beat + 1, seen_at=now))
    living = select(func.count()).select_from(Worker).where(col(Worker.seen_at) > now - ALIVE)
    return max(1, int(session.execute(living).scalar_one()))


def leave(session: Session, me: Identity) -> None:
    """Forget this worker, and let go of whatever it should still hold."""
    session.execute(update(Chunk).where(col(Chunk.owner) == me.id).values(owner="", lease_until=0.0))
    session.execute(delete(Worker).where(col(Worker.id) == me.id))


def reap(session: Session, me: Identity, *, is_running: Callable[[int], bool] | None = None) -> int:
    """Free the chunks of workers of this machine that are dead for certain; how many chunks."""
    others = session.execute(
        select(col(Worker.id), col(Worker.boot), col(Worker.namespace), col(Worker.pid)).where(
            col(Worker.host) == me.host, col(Worker.id) != me.id
        )
    ).all()
    running = is_running or _is_running
    dead = [
        worker_id
        for worker_id, boot, namespace, pid in others
        if boot != me.boot or (namespace == me.namespace and not running(pid))
    ]
    if not dead:
        return 0
    session.execute(delete(Worker).where(col(Worker.id).in_(dead)))
    freed = (
        update(Chunk).where(col(Chunk.owner).in_(dead), col(Chunk.is_open)).values(owner="", lease_until=0.0)
    )
    return changed(session, freed)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
