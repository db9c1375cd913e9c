"""What a system mail says, from its row: links are signed when it is sent, so no token is ever stored."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from digest.delivery.models import MailKind
from digest.delivery.queue import Due
from digest.editions.compose import NO_LINKS
from digest.links import Links
from digest.rendering.context import MailLinks, SystemContext
from subscribers.addresses import readable
from subscribers.tokens import LIFETIMES, Purpose, Signer

_A_YEAR = LIFETIMES[Purpose.PREFERENCES] or timedelta(days=365)


def system_context(
    row: Due, dated_at: datetime, *, links: Links, signer: Signer, timezone: str
) -> SystemContext:
    """The context of a system mail's templates. Raises LookupError when its person or request is gone."""
    data = dict(row.data or {})
    zone = str(data.get("timezone") or timezone)
    return SystemContext(
        mail={
            "is_test": False,
            "sent_on": dated_at.astimezone(ZoneInfo(zone)).date().isoformat(),
            "timezone": zone,
        },
        subscriber={"address": readable(row.address or ""), "since": None},
        links=_links(row, data, dated_at, links, signer),
        data=data,
    )


def _links(row: Due, data: dict[str, Any], dated_at: datetime, links: Links, signer: Signer) -> MailLinks:
    made = MailLinks(**NO_LINKS)
    match row.kind:
        case MailKind.CONFIRMATION | MailKind.ADDRESS_CHANGE:
            ends = datetime.fromisoformat(data["expires_at"])
            made["confirm"] = links.confirm(
                signer.sign(Purpose.CONFIRM, UUID(data["request"]), expires_at=ends)
            )
        case MailKind.ALREADY:
            made["preferences"] = links.preferences(_preferences(row, dated_at, signer))
        case MailKind.WELCOME:
            token = _preferences(row, dated_at, signer)
            made["preferences"], made["pause"] = links.preferences(token), links.pause(token)
            made["unsubscribe"] = links.unsubscribe(signer.sign(Purpose.UNSUBSCRIBE, _person(row)))
        case MailKind.MANAGE:
            ends = datetime.fromisoformat(data["expires_at"])
            made["manage"] = links.preferences(
                signer.sign(Purpose.ACCOUNT, _person(row), version=row.token_version, expires_at=ends)
            )
        case MailKind.GOODBYE:
            made["subscribe"] = links.subscribe()
        case _:
            pass
    return made


def _preferences(row: Due, dated_at: datetime, signer: Signer) -> str:
    return signer.sign(
        Purpose.PREFERENCES, _person(row), version=row.token_version, expires_at=dated_at + _A_YEAR
    )


def _person(row: Due) -> UUID:
    if row.person is None:
        raise LookupError("the person is gone")
    return row.person
