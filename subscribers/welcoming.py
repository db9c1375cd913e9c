"""The welcome mail: what somebody now gets and when, said once after every beginning and every undo."""

from datetime import datetime

from sqlalchemy.orm import Session

from subscribers import following
from subscribers.models import Subscriber
from subscribers.owed import SYSTEM_MAIL_LIFE, OwedMail


def welcome(session: Session, person: Subscriber, *, now: datetime) -> OwedMail:
    """The welcome mail of a person; `next_at` is None until the caller, who knows the calendar, fills it in."""
    slugs = following.curated_slugs(session, person.id)
    names = following.curated(session, slugs)
    return OwedMail(
        kind="welcome",
        address=person.address,
        subscriber_id=person.id,
        locale=person.locale,
        data={
            "topics": [names[slug] for slug in slugs if slug in names],
            "own_topics": len(following.own_topics(session, person.id)),
            "cadence": person.cadence.value,
            "weekday": person.weekday,
            "time": person.local_time,
            "timezone": person.timezone,
            "next_at": None,
        },
        expires_at=now + SYSTEM_MAIL_LIFE,
    )
