"""One reader's edition as bytes, spliced from a prepared content: what workers send, previews show and tests of it carry.

A mail is a pure function of (content, person, brand, keys, date): tokens expire by the mail's own date, so a resend is
the same, octet for octet. A test differs in what says so: its tokens, its Message-ID and its campaign.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import Final, NamedTuple, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from digest.editions.house import House
from digest.editions.material import ContentFacts
from digest.links import Links
from digest.mail.dkim import Signer as DkimSigner
from digest.mail.envelope import Envelopes
from digest.mail.errors import SlotError
from digest.mail.message import Form, Letterhead, Message, prepare
from digest.mail.outcome import is_stuffed_already
from digest.mail.parts import Prepared, Shelf
from digest.mail.slots import Slot
from digest.rendering import Rendered, Templates
from subscribers.addresses import readable
from subscribers.tokens import LIFETIMES, Purpose, Signer

_A_YEAR: Final = LIFETIMES[Purpose.PREFERENCES] or timedelta(days=365)
_EXPIRING: Final = ((Slot.PREFERENCES, Purpose.PREFERENCES), (Slot.MUTE, Purpose.MUTE))


class Parts(Protocol):
    """The running parts that mails are made with."""

    @property
    def signer(self) -> Signer: ...  # noqa: D102  # the parts are named after what they are
    @property
    def links(self) -> Links: ...  # noqa: D102
    @property
    def templates(self) -> Templates: ...  # noqa: D102
    @property
    def house(self) -> House: ...  # noqa: D102
    @property
    def letterhead(self) -> Letterhead: ...  # noqa: D102
    @property
    def envelopes(self) -> Envelopes: ...  # noqa: D102
    @property
    def dkim(self) -> DkimSigner | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Ready:
    """A content prepared for any number of readers."""

    prepared: Prepared
    form: Form
    facts: ContentFacts
    slot_key: str
    view_token: str


class Addressee(NamedTuple):
    """Who gets a mail, by which delivery."""

    delivery_id: int
    person: UUID
    address: str
    token_version: int
    confirmed_at: datetime | None


class Press:
    """Makes editions; with `is_test` those that nobody may act by."""

    def __init__(self, parts: Parts, *, is_test: bool = False) -> None:
        self._parts = parts
        self._is_test = is_test
        self._shelf = Shelf()
        self._zone = ZoneInfo(parts.house.timezone)
        self._day = lru_cache(maxsize=4096)(partial(_day_in_words, parts.templates))
        self._prefixes = prefixes(parts.links)

    def ready(self, rendered: Rendered, facts: ContentFacts, public_id: UUID) -> Ready:
        """A rendered content prepared for its readers. Raises MailError."""
        prepared = prepare(rendered, prefixes=self._prefixes, needs=(Slot.UNSUBSCRIBE,), shelf=self._shelf)
        if not is_stuffed_already(b"".join(prepared.pieces)):
            raise SlotError("a line of this mail is not fit for the wire")
        slot_key = "\0".join((facts.cadence, facts.local_time, facts.timezone, str(facts.local_date)))
        view = self._parts.signer.sign(Purpose.VIEW, public_id, is_test=self._is_test)
        return Ready(prepared, self._form(prepared, facts), facts, slot_key, view)

    def mail(self, reader: Addressee, ready: Ready, *, dated_at: datetime) -> Message:
        """The mail of one reader. Raises MailError: this delivery's own failure."""
        slots = self.values(reader, ready, dated_at=dated_at)
        envelope = self._parts.envelopes.edition(
            delivery_id=reader.delivery_id,
            slot_key=f"test\0{dated_at}" if self._is_test else ready.slot_key,
            local_date=ready.facts.local_date,
            subscriber=reader.person,
            recipient=reader.address,
        )
        unsubscribe = self._prefixes[Slot.UNSUBSCRIBE] + slots[Slot.UNSUBSCRIBE]
        return ready.form.fill(envelope, dated_at=dated_at, slots=slots, unsubscribe=unsubscribe)

    def _form(self, prepared: Prepared, facts: ContentFacts) -> Form:
        campaign = "test" if self._is_test else f"e{facts.edition_id}"
        return Form(
            prepared,
            letterhead=self._parts.letterhead,
            campaign=f"{campaign}:{facts.cadence}:edition",
            signer=self._parts.dkim,
        )

    def values(self, reader: Addressee, ready: Ready, *, dated_at: datetime) -> dict[Slot, str]:
        """What differs from reader to reader; one token each, whatever the number of articles."""
        sign, person, is_test = self._parts.signer.sign, reader.person, self._is_test
        values = {
            Slot.UNSUBSCRIBE: sign(Purpose.UNSUBSCRIBE, person, is_test=is_test),
            Slot.VIEW: ready.view_token,
            Slot.ADDRESS: readable(reader.address),
        }
        for slot, purpose in _EXPIRING:
            if slot in ready.prepared.slots:
                version, until = reader.token_version, dated_at + _A_YEAR
                values[slot] = sign(purpose, person, version=version, expires_at=until, is_test=is_test)
        if Slot.SINCE in ready.prepared.slots:
            since = (reader.confirmed_at or dated_at).astimezone(self._zone).date()
            values[Slot.SINCE] = self._day(since, ready.facts.language)
        return values


def prefixes(links: Links) -> dict[Slot, str]:
    """What must stand directly before each token, so that no template sends one elsewhere."""
    return {
        Slot.UNSUBSCRIBE: links.unsubscribe(""),
        Slot.PREFERENCES: links.preferences(""),
        Slot.VIEW: links.view(""),
        Slot.MUTE: links.mute(""),
    }


def _day_in_words(templates: Templates, day: date, language: str) -> str:
    return templates.day(day, lang=language)
