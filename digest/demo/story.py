"""Who reads the sample publisher: its topics, and Ann, Ben and Cleo, who signed up yesterday and whose mail is due now.

Everything goes through the doors that the product has for it; nobody is subscribed without a confirmed request.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from digest.matching import topics
from digest.matching.query import parse_query
from subscribers import addresses, confirmation, signup, wording
from subscribers.choices import Choices, OwnTopic
from subscribers.hashing import AddressHasher
from subscribers.models import Cadence

_SIGNED_UP: Final = timedelta(hours=20)
"""How long ago the readers signed up: less than a day, so that exactly one edition is due to each."""

_CONSENT: Final = {
    "de": "Ja, ich möchte die gewählten Themen von Blauzeit per E-Mail erhalten. Abbestellen geht jederzeit.",
    "en": "Yes, please send me the chosen topics of Blauzeit by email. I can leave at any time.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleTopic:
    """A topic that the publisher offers, for articles in one language."""

    slug: str
    name: str
    query: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleReader:
    """One reader's wishes; the hour is the last full one on their own clock, so that their edition is due."""

    address: str
    locale: str
    timezone: str
    cadence: Cadence
    topics: tuple[str, ...]
    own: tuple[str, ...]

    def choices(self, *, now: datetime) -> Choices:
        """What they typed into the form."""
        here = now.astimezone(ZoneInfo(self.timezone))
        return Choices(
            topics=self.topics,
            own=tuple(OwnTopic(query=str(parse_query(typed)), typed=typed, name=typed) for typed in self.own),
            cadence=self.cadence,
            weekday=here.weekday() if self.cadence is Cadence.WEEKLY else None,
            local_time=f"{here:%H}:00",
            timezone=self.timezone,
            locale=self.locale,
        )


TOPICS: Final = (
    SampleTopic(
        slug="ki-robotik",
        name="KI & Robotik",
        query='KI OR "künstliche Intelligenz" OR Sprachmodell* OR Roboter* OR Robotik',
        language="de",
    ),
    SampleTopic(
        slug="energie-klima",
        name="Energie & Klima",
        query="Energie OR Klima OR Natriumspeicher OR Wärmepumpe OR Windrad",
        language="de",
    ),
    SampleTopic(
        slug="it-sicherheit",
        name="IT-Sicherheit",
        query="IT-Sicherheit OR Passkeys OR Phishing OR category:Sicherheit",
        language="de",
    ),
    SampleTopic(slug="raumfahrt", name="Raumfahrt", query="Raumfahrt OR Mond OR Satellit*", language="de"),
    SampleTopic(
        slug="freie-software",
        name="Freie Software",
        query='"Open Source" OR "freie Software"',
        language="de",
    ),
    SampleTopic(
        slug="mobilitaet",
        name="Mobilität",
        query="Mobilität OR Nachtzug OR Fähre OR Fahrrad",
        language="de",
    ),
    SampleTopic(
        slug="ai-robotics",
        name="AI & Robotics",
        query='AI OR "artificial intelligence" OR robot* OR "language model"',
        language="en",
    ),
    SampleTopic(slug="security", name="Security", query="security OR deepfake OR router", language="en"),
    SampleTopic(slug="space", name="Space", query="space OR moon OR satellite OR orbit", language="en"),
    SampleTopic(
        slug="energy-climate",
        name="Energy & Climate",
        query="energy OR climate OR tidal OR battery",
        language="en",
    ),
)

READERS: Final = (
    SampleReader(
        address="ann@example.org",
        locale="de",
        timezone="Europe/Berlin",
        cadence=Cadence.DAILY,
        topics=("ki-robotik", "energie-klima"),
        own=("Ukraine-Konflikt -Sport",),
    ),
    SampleReader(
        address="ben@example.net",
        locale="en",
        timezone="America/New_York",
        cadence=Cadence.DAILY,
        topics=("ai-robotics", "space", "security"),
        own=("whale OR reef",),
    ),
    SampleReader(
        address="cleo@example.com",
        locale="de",
        timezone="Europe/Berlin",
        cadence=Cadence.WEEKLY,
        topics=("freie-software", "mobilitaet", "raumfahrt"),
        own=("Husum OR Büsum",),
    ),
)


def seed_topics(session: Session, *, now: datetime) -> None:
    """Offer the publisher's topics."""
    for one in TOPICS:
        topics.add_topic(
            session, slug=one.slug, name=one.name, query=one.query, language=one.language, now=now
        )


def seed_readers(session: Session, *, now: datetime, hasher: AddressHasher) -> None:
    """Let the readers sign up and confirm, some hours before `now`; the mails of that day are not sent again."""
    then = now - _SIGNED_UP
    wishes = [_wish(session, reader, now=now, then=then) for reader in READERS]
    for owed in signup.sign_up(session, wishes, now=then, hasher=hasher):
        if owed is None:
            raise LookupError("a sample reader was refused")
        confirmation.confirm(
            session, UUID(owed.data["request"]), now=then, release_no=0, hasher=hasher, is_welcomed=False
        )


def _wish(session: Session, reader: SampleReader, *, now: datetime, then: datetime) -> signup.SignUp:
    words = wording.ensure(session, language=reader.locale, text=_CONSENT[reader.locale], now=then)
    return signup.SignUp(
        address=addresses.canonical(reader.address),
        choices=reader.choices(now=now),
        origin=signup.Origin(source="hosted", wording_id=words),
    )
