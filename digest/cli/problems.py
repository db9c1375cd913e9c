"""Errors as sentences: what is wrong and what to do next."""

import os
import traceback
from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import OperationalError

from digest.db import DatabaseError
from digest.delivery.edition_control import EditionError
from digest.demo.run import DemoError
from digest.editions.draft import NothingNewError
from digest.editions.promos import PromoError
from digest.feeds.errors import FeedError
from digest.feeds.netguard import NetguardError
from digest.feeds.registry import RegistryError
from digest.mail.errors import MailError
from digest.mail.transport import RouteError
from digest.matching.errors import MatchingError, QueryError
from digest.rendering.errors import RenderingError
from digest.settings import SettingsError
from subscribers.errors import AddressError, HeaderError, SubscribersError

KNOWN = (
    DatabaseError,
    DemoError,
    EditionError,
    FeedError,
    MailError,
    MatchingError,
    NetguardError,
    NothingNewError,
    PromoError,
    RegistryError,
    RenderingError,
    RouteError,
    SettingsError,
)


def sentence(error: BaseException) -> str:
    """What to tell the person at the terminal; with DIGEST_LOG_LEVEL=debug an unknown error shows where it happened."""
    for kind, told in _SENTENCES.items():
        if isinstance(error, kind):
            return told(error)
    if os.environ.get("DIGEST_LOG_LEVEL", "").lower() == "debug":
        return "".join(traceback.format_exception(error))
    return (
        f"Something went wrong inside newsdigest ({type(error).__name__}). "
        "Run the command again with DIGEST_LOG_LEVEL=debug to see where, and please report it."
    )


def _query(error: Any) -> str:
    return f"The query cannot be read at position {error.position + 1}: {error.hint}"


def _database(error: Any) -> str:
    reason = str(error.orig).strip().splitlines()[0]
    return f"The database did not do it: {reason}. Check DIGEST_DATABASE_URL and the disk."


_SENTENCES: dict[type[BaseException], Callable[[Any], str]] = {
    QueryError: _query,
    AddressError: lambda error: f"This is no address we can write to ({error}).",
    HeaderError: lambda error: f"The file cannot be read: {error}.",
    SubscribersError: lambda error: f"That is not possible now: {error}.",
    OperationalError: _database,
    **dict.fromkeys(KNOWN, str),
}
