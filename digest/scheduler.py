"""Which stage runs when: ticks in memory, in UTC, that only write rows; a UNIQUE row decides what is due, never cron.

The only APScheduler import. Gathering has a thread with a loop of its own, which a tick merely wakes; the other stages
share one thread, so that the registry of topics is never used by two at once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta
from typing import Any, Final

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import SQLAlchemyError

from digest import stages, threads
from digest.matching.registry import Registry
from digest.matching.storybook import Storybook
from digest.runtime import Runtime

POLL_EVERY: Final = timedelta(seconds=30)
MATCH_EVERY: Final = timedelta(seconds=10)
PLAN_EVERY: Final = timedelta(seconds=10)
TIDY_EVERY: Final = timedelta(hours=1)

_log = structlog.get_logger(__name__)


@contextmanager
def ticking(runtime: Runtime, *, on_planned: Callable[[], None]) -> Iterator[None]:
    """Run every stage but sending until the block ends; `on_planned` is called when there is mail to send."""
    registry, stories = Registry(), Storybook(runtime.db)

    def plan() -> None:
        if stages.plan(runtime).deliveries:
            on_planned()

    with threads.gathering(runtime) as gather:
        jobs: dict[str, tuple[Callable[[], Any], timedelta]] = {
            "gather": (gather, POLL_EVERY),
            "match": (lambda: stages.match(runtime, registry, stories), MATCH_EVERY),
            "plan": (plan, PLAN_EVERY),
            "tidy": (lambda: stages.tidy(runtime), TIDY_EVERY),
        }
        scheduler = _scheduler(jobs)
        scheduler.start()
        try:
            yield
        finally:
            scheduler.shutdown(wait=True)


def _scheduler(jobs: dict[str, tuple[Callable[[], Any], timedelta]]) -> BackgroundScheduler:
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(1)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 3600},
    )
    for name, (job, every) in jobs.items():
        run = _steadily(name, job)
        scheduler.add_job(run, id=name)  # once at the start, in this order
        scheduler.add_job(run, "interval", seconds=every.total_seconds(), id=f"{name} again")
    return scheduler


def _steadily(name: str, job: Callable[[], Any]) -> Callable[[], None]:
    """A job whose failure is told and does not end the next run."""

    def run() -> None:
        try:
            job()
        except SQLAlchemyError as error:
            _log.warning("stage_failed", stage=name, error=type(error).__name__)
        except Exception:  # noqa: BLE001 - the rim of a stage
            _log.exception("stage_failed", stage=name)

    return run
