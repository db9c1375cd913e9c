"""What is to be proved about somebody, taken from how they stand now: one shape of event for every occasion."""

from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from subscribers import following
from subscribers.consent import Event
from subscribers.evidence import person_part
from subscribers.models import ConsentKind, Subscriber


def event(session: Session, person: Subscriber, kind: ConsentKind, /, *, source: str, **more: Any) -> Event:
    """An event with the topics and cadence a person has now; `more` are further fields of `Event`."""
    now_so = Event(
        kind=kind,
        subject=person.public_id,
        source=source,
        locale=person.locale,
        topics=following.curated_slugs(session, person.id),
        cadence=person.cadence.value,
        person=person_part(person.address, own=following.own_topics(session, person.id)),
    )
    return replace(now_so, **more)
