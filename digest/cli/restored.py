"""The two ways out after an older database was put back; either is done once, and repeating it changes nothing."""

import asyncio
from enum import StrEnum

from digest import stages
from digest.cli import opening
from digest.cli.operator import login
from digest.delivery import witness
from digest.editions.releases import cut_release
from digest.matching.registry import Registry
from digest.matching.storybook import Storybook
from digest.runtime import Runtime


class WayOut(StrEnum):
    """What to do with what the older database still owes."""

    SKIP = "skip"
    """Send nothing of it, and begin anew at the present news: nobody gets a second copy."""
    SEND = "send"
    """Send it as the rows say: nobody is left out, second copies are possible."""


def go_on(way: WayOut) -> tuple[bool, int]:
    """Whether anything was held because of a restore, and how many mails were skipped."""
    return _skip() if way is WayOut.SKIP else _send()


def _send() -> tuple[bool, int]:
    with opening.database() as db, db.write() as session:
        if not witness.is_restored(session):
            return False, 0
        return witness.go_on(session, now=opening.now(), who=login()), 0


def _skip() -> tuple[bool, int]:
    """What came in the meantime is matched and released first, so that it counts as had."""
    with opening.running() as runtime:
        with runtime.db.read() as session:
            if not witness.is_restored(session):
                return False, 0
        asyncio.run(_gather(runtime))
        stages.match(runtime, Registry(), Storybook(runtime.db))
        cut_release(runtime.db, now=runtime.clock())
        with runtime.db.write() as session:
            if not witness.is_restored(session):
                return False, 0
            return True, witness.start_over(session, now=runtime.clock(), who=login())


async def _gather(runtime: Runtime) -> None:
    async with stages.gathering(runtime) as gatherer:
        await gatherer.poll()
