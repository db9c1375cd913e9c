"""What an event of consent says about a person, in one shape for every way in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from subscribers.chain import utc
from subscribers.choices import OwnTopic


@dataclass(frozen=True, slots=True)
class MailEvidence:
    """The confirmation mail that led here: its Message-ID, when it was accepted, and the server's words."""

    message_id: str
    sent_at: datetime | None
    reply: str = ""


def person_part(
    address: str,
    *,
    page: str = "",
    own: tuple[OwnTopic, ...] = (),
    note: str = "",
    mail: MailEvidence | None = None,
) -> dict[str, Any]:
    """The erasable part about a person; what is unknown is left out."""
    part: dict[str, Any] = {"address": address, "page": page, "note": note}
    part["queries"] = [one.query for one in own]
    if mail:
        part["mail"] = {
            "message_id": mail.message_id,
            "at": utc(mail.sent_at) if mail.sent_at else None,
            "reply": mail.reply,
        }
    return {name: value for name, value in part.items() if value}


def network_part(*, request: str, confirmation: str) -> dict[str, Any]:
    """The erasable part about networks; empty when none is known."""
    part = {"request": request, "confirmation": confirmation}
    return {name: value for name, value in part.items() if value}
