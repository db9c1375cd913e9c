from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from digest.demo import story
from digest.editions.calendar import Group, slots
from digest.matching.query import parse_query
from subscribers.hashing import AddressHasher
from subscribers.models import Consent, ConsentKind, Subscriber, Subscription, Topic, TopicKind

HASHER = AddressHasher(b"k" * 32)


@pytest.fixture
def seeded(db, now):
    with db.write() as session:
        story.seed_topics(session, now=now)
        story.seed_readers(session, now=now, hasher=HASHER)
    with db.read() as session:
        yield session


def test_everybody_is_a_confirmed_reader_with_proof(seeded):
    readers = {person.address: person for person in seeded.exec(select(Subscriber))}
    assert readers.keys() == {"ann@example.org", "ben@example.net", "cleo@example.com"}
    proofs = seeded.exec(select(Consent).where(Consent.kind == ConsentKind.CONFIRMED)).all()
    assert {proof.subject for proof in proofs} == {person.public_id for person in readers.values()}
    assert all(isinstance(proof.subject, UUID) and proof.wording_id for proof in proofs)


def test_readers_follow_curated_topics_and_their_own(seeded):
    kinds = [topic.kind for topic in seeded.exec(select(Topic).join(Subscription))]
    assert kinds.count(TopicKind.CURATED) == 8
    assert kinds.count(TopicKind.PERSONAL) == 3
    typed = seeded.exec(select(Topic.typed).where(Topic.kind == TopicKind.PERSONAL)).all()
    assert "Ukraine-Konflikt -Sport" in typed


@pytest.mark.parametrize(
    "after", [timedelta(), timedelta(minutes=59), timedelta(hours=13, minutes=1), timedelta(days=3)]
)
def test_exactly_one_edition_is_due_to_each_whatever_the_hour(now, after):
    moment = now + after
    for reader in story.READERS:
        choices = reader.choices(now=moment)
        wish = Group(
            choices.cadence,
            choices.weekday,
            choices.local_time,
            choices.timezone,
            moment - timedelta(hours=20),
        )
        (slot,) = slots(moment, wish)
        assert moment - slot.due_at < timedelta(hours=1)
        assert slot.due_at.astimezone(ZoneInfo(choices.timezone)).minute == 0


def test_no_query_of_the_story_needs_a_hint():
    for typed in [topic.query for topic in story.TOPICS] + [
        own for reader in story.READERS for own in reader.own
    ]:
        assert not parse_query(typed).hints, typed
