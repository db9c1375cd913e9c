"""The mails that an act of a reader owes, written down in the act's own transaction."""

from dataclasses import replace

from sqlmodel import Session

from digest.delivery import outbox
from digest.delivery.models import MailKind
from digest.editions.calendar import next_due
from digest.web.site import Site
from subscribers.models import Cadence
from subscribers.owed import OwedMail


def owe(site: Site, session: Session, *mails: OwedMail | None) -> None:
    """Write down each mail that is owed; a welcome says when the first edition comes."""
    for mail in mails:
        if mail is not None:
            outbox.enqueue(session, _dated(site, mail), now=site.now())


def _dated(site: Site, mail: OwedMail) -> OwedMail:
    if mail.kind != MailKind.WELCOME:
        return mail
    data = mail.data
    at = next_due(
        site.now(),
        cadence=Cadence(data["cadence"]),
        weekday=data["weekday"],
        local_time=data["time"],
        timezone=data["timezone"],
    )
    return replace(mail, data={**data, "next_at": at.isoformat() if at else None})
