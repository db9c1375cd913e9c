"""How commands open what they need, with exactly as much checked as they use."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog

from digest import runtime as composition
from digest.db import Database
from digest.runtime import Runtime
from digest.settings import Settings, load


def settings() -> Settings:
    """The settings of this process, its logging set up. Raises SettingsError."""
    found = load()
    configure_logging(found.log_level)
    return found


def configure_logging(level: str) -> None:
    """Log lines go to stderr with ids, never addresses; stdout belongs to answers."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def keep_log(settings: Settings) -> None:
    """A service also logs what simply happens, such as each day's end of the chain of consent, unless told otherwise."""
    if "log_level" not in settings.model_fields_set:
        configure_logging("info")


@contextmanager
def database() -> Iterator[Database]:
    """The database alone, with the schema this program needs."""
    db = Database(settings().database_url)
    try:
        db.require_schema()
        yield db
    finally:
        db.close()


@contextmanager
def unchecked(settings: Settings) -> Iterator[Runtime]:
    """A runtime whatever the settings lack: for finding out what that is."""
    with composition.started(settings) as runtime:
        yield runtime


@contextmanager
def running(*, at: datetime | None = None) -> Iterator[Runtime]:
    """A runtime that can sign links; with `at` its clock stands still at that moment."""
    clock = (lambda: at) if at is not None else composition.utc_now
    with composition.started(settings(), clock=clock) as runtime:
        composition.require_links(runtime)
        yield runtime


@contextmanager
def sending(*, at: datetime | None = None) -> Iterator[Runtime]:
    """A runtime that may send: everything a lawful, signed mail needs is there."""
    with running(at=at) as runtime:
        composition.require_sending(runtime)
        yield runtime


def now() -> datetime:
    """The present moment, for commands that need no runtime."""
    return composition.utc_now()
