"""The next edition of somebody, made by the very code that plans it, in a transaction that is taken back."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select
from sqlmodel import Session, col

from digest.editions import selection
from digest.editions.calendar import next_due, zone
from digest.editions.due import slot_of
from digest.editions.ledger import Ledger
from digest.editions.models import Content, Edition, EditionState, Release
from digest.editions.news import EditionNews
from digest.editions.releases import cut, newest_release
from subscribers.models import Subscriber, SubscriberState, Subscription, Topic

NOBODY = "preview@example.invalid"


class NothingNewError(Exception):
    """There is no news for this reader; the text is one sentence."""


def draft_edition(session: Session, person: Subscriber, *, ledger: Ledger, now: datetime) -> int:
    """The id of a content as the person's next edition would have it; the caller rolls the session back.

    Everything matched and eligible counts as released. Raises NothingNewError.
    """
    cut(session, now=now)
    release_no = newest_release(session)
    due = next_due(
        now,
        cadence=person.cadence,
        weekday=person.weekday,
        local_time=person.local_time,
        timezone=person.timezone,
    )
    local_date = (due or now).astimezone(zone(person.timezone)).date()
    edition = Edition(
        cadence=person.cadence,
        local_time=person.local_time,
        timezone=person.timezone,
        local_date=local_date,
        due_at=due or now,
        expires_at=due or now,
        release_no=release_no,
        state=EditionState.PLANNED,
        created_at=now,
    )
    wishes = selection.gather(
        session,
        [person],
        edition=edition,
        carried=selection.carried_by(session, ledger.last_contents(session, [person.id])),
        news=EditionNews(edition),
        had=ledger.promos_had(session, [person.id]),
    )
    if not wishes.by_key:
        raise NothingNewError("There is no news for this reader since the last edition; nothing to show.")
    session.execute(delete(Edition).where(*slot_of(edition)))  # this very slot may be planned already
    session.add(edition)
    session.flush()
    (key,) = wishes.by_key
    row = {"edition_id": edition.id, "created_at": now, **wishes.compose(key)}
    if not row["item_count"]:
        raise NothingNewError("All that is new for this reader is muted; no mail would be sent.")
    return int(session.execute(insert(Content).values(row).returning(col(Content.id))).scalar_one())


def imagined_reader(
    session: Session, slugs: Sequence[str], *, now: datetime, locale: str, timezone: str
) -> Subscriber:
    """A reader who follows these topics and has seen nothing of the last 24 hours; the caller rolls back."""
    before = select(func.max(Release.no)).where(col(Release.cut_at) <= now - timedelta(days=1))
    since = session.execute(before).scalar_one() or 0
    reader = Subscriber(
        address=NOBODY,
        address_key=NOBODY,
        state=SubscriberState.ACTIVE,
        locale=locale,
        timezone=timezone,
        last_release=since,
        created_at=now,
        confirmed_at=now,
    )
    session.add(reader)
    session.flush()
    for position, slug in enumerate(slugs):
        topic = session.execute(select(col(Topic.id)).where(col(Topic.slug) == slug)).scalar_one_or_none()
        if topic is None:
            raise NothingNewError(f"There is no topic {slug}. `digest topics list` shows them.")
        session.add(Subscription(subscriber_id=reader.id, topic_id=topic, position=position, created_at=now))
    session.flush()
    return reader
