"""The bytes of deliveries: a content is rendered and prepared once and kept, each reader's mail is spliced from it.

A mail is a pure function of (content, person, brand, keys, date): tokens expire by the mail's own date, so a resend is
the same, octet for octet. What cannot be rendered fails its own deliveries, once, and nobody else's.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import Final, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select
from sqlmodel import Session, col
from typing_extensions import override

from digest.delivery.compose import Composer
from digest.delivery.models import MailKind
from digest.delivery.queue import Due
from digest.delivery.system_mails import system_context
from digest.editions import compose as editions
from digest.editions.compose import ContentFacts, House, Material
from digest.editions.models import Content
from digest.editions.render import render_content
from digest.links import Links
from digest.mail.dkim import Signer as DkimSigner
from digest.mail.envelope import Envelope, Envelopes
from digest.mail.errors import MailError, SlotError
from digest.mail.message import Letterhead, ListMail, compose, prepare
from digest.mail.outcome import Outgoing, is_stuffed_already
from digest.mail.parts import Prepared, Shelf
from digest.mail.slots import Slot
from digest.rendering import RenderingError, Templates
from subscribers.tokens import LIFETIMES, Purpose, Signer

_log = structlog.get_logger(__name__)

PREPARED_LIMIT: Final = 16 * 2**20
"""Octets of prepared contents that are kept."""
LOADS_KEPT: Final = 4
"""Twice the chunks in hand: what a chunk needs is there until it is through."""
_A_YEAR: Final = LIFETIMES[Purpose.PREFERENCES] or timedelta(days=365)


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
class _Loaded:
    """What some contents are made of, and their public names."""

    material: Material
    names: dict[int, UUID]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A content prepared for any number of readers."""

    prepared: Prepared
    facts: ContentFacts
    slot_key: str
    view_token: str


class Mails(Composer):
    """Composes editions and system mails. `load` may run in a thread, `compose` belongs to one event loop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._shelf = Shelf()
        self._loads: tuple[_Loaded, ...] = ()
        self._ready: OrderedDict[int, _Ready | Exception] = OrderedDict()
        self._kept = 0
        self._zone = ZoneInfo(parts.house.timezone)
        self._day = lru_cache(maxsize=4096)(partial(_day_in_words, parts.templates))
        links = parts.links
        self._prefixes = {
            Slot.UNSUBSCRIBE: links.unsubscribe(""),
            Slot.PREFERENCES: links.preferences(""),
            Slot.VIEW: links.view(""),
            Slot.MUTE: links.mute(""),
        }

    @override
    def load(self, session: Session, rows: Sequence[Due]) -> None:
        """Read the contents of a chunk's editions, unless one of the last reads has them all."""
        ids = {row.content_id for row in rows if row.content_id is not None}
        if not ids or any(ids <= loaded.names.keys() for loaded in self._loads):
            return
        found = session.execute(
            select(col(Content.id), col(Content.public_id)).where(col(Content.id).in_(ids))
        )
        names = {row.id: row.public_id for row in found}
        loaded = _Loaded(_material(session, sorted(names)), names)
        self._loads = (
            *self._loads[1 - LOADS_KEPT :],
            loaded,
        )  # one step: `compose` reads it in another thread

    @override
    def compose(self, row: Due, *, dated_at: datetime) -> Outgoing:
        """One mail. Raises MailError, RenderingError, LookupError: this delivery's own failure."""
        if row.kind is MailKind.EDITION:
            return self._edition(row, dated_at)
        return self._system(row, dated_at)

    def _edition(self, row: Due, dated_at: datetime) -> Outgoing:
        ready = self._content(row.content_id)
        if row.person is None or row.address is None:
            raise LookupError("the person is gone")
        envelope = self._parts.envelopes.edition(
            delivery_id=row.id,
            slot_key=ready.slot_key,
            local_date=ready.facts.local_date,
            subscriber=row.person,
            recipient=row.address,
        )
        unsubscribe = self._parts.signer.sign(Purpose.UNSUBSCRIBE, row.person)
        campaign = f"e{ready.facts.edition_id}:{ready.facts.cadence}:edition"
        slots = self._slots(row, row.person, ready, dated_at)
        list_mail = ListMail(unsubscribe=self._parts.links.unsubscribe(unsubscribe), campaign=campaign)
        return self._outgoing(
            row,
            ready.prepared,
            envelope,
            dated_at,
            slots={Slot.UNSUBSCRIBE: unsubscribe, **slots},
            list_mail=list_mail,
        )

    def _slots(self, row: Due, person: UUID, ready: _Ready, dated_at: datetime) -> dict[Slot, str]:
        """What differs from reader to reader; one token each, whatever the number of articles."""
        sign, wanted = self._parts.signer.sign, ready.prepared.slots
        values = {Slot.VIEW: ready.view_token, Slot.ADDRESS: row.address or ""}
        for slot, purpose in ((Slot.PREFERENCES, Purpose.PREFERENCES), (Slot.MUTE, Purpose.MUTE)):
            if slot in wanted:
                values[slot] = sign(purpose, person, version=row.token_version, expires_at=dated_at + _A_YEAR)
        if Slot.SINCE in wanted:
            since = (row.confirmed_at or dated_at).astimezone(self._zone).date()
            values[Slot.SINCE] = self._day(since, ready.facts.language)
        return values

    def _content(self, content_id: int | None) -> _Ready:
        """The prepared content, from the shelf or made now; what failed once fails again at no cost."""
        if content_id is None:
            raise LookupError("the content is gone")
        ready = self._ready.get(content_id)
        if ready is None:
            ready = self._keep(content_id, self._prepare(content_id))
        self._ready.move_to_end(content_id)
        if isinstance(ready, Exception):
            raise ready
        return ready

    def _keep(self, content_id: int, ready: "_Ready | Exception") -> "_Ready | Exception":
        self._ready[content_id] = ready
        self._kept += _size(ready)
        while self._kept > PREPARED_LIMIT and len(self._ready) > 1:
            self._kept -= _size(self._ready.popitem(last=False)[1])
        return ready

    def _prepare(self, content_id: int) -> "_Ready | Exception":
        loaded = next((one for one in self._loads if content_id in one.names), None)
        if loaded is None:
            return LookupError("the content is gone")
        material, names = loaded.material, loaded.names
        facts = material.contents.get(content_id)
        if facts is None:
            return SlotError("what stands in this content cannot be read")
        try:
            rendered = render_content(self._parts.templates, material, content_id, house=self._parts.house)
            prepared = prepare(
                rendered, prefixes=self._prefixes, needs=(Slot.UNSUBSCRIBE,), shelf=self._shelf
            )
        except (MailError, RenderingError, LookupError) as error:
            return error
        if not is_stuffed_already(b"".join(prepared.pieces)):
            return SlotError("a line of this mail is not fit for the wire")
        slot_key = "\0".join((facts.cadence, facts.local_time, facts.timezone, str(facts.local_date)))
        return _Ready(prepared, facts, slot_key, self._parts.signer.sign(Purpose.VIEW, names[content_id]))

    def _system(self, row: Due, dated_at: datetime) -> Outgoing:
        if row.address is None:
            raise LookupError("the address is gone")
        parts = self._parts
        context = system_context(
            row, dated_at, links=parts.links, signer=parts.signer, timezone=parts.house.timezone
        )
        rendered = parts.templates.mail(row.kind, lang=row.locale, context=context)
        envelope = parts.envelopes.system(delivery_id=row.id, kind=row.kind, recipient=row.address)
        unsubscribe = context["links"]["unsubscribe"]
        list_mail = (
            ListMail(unsubscribe=unsubscribe, campaign=f"d{row.id}:{row.kind}:system")
            if unsubscribe
            else None
        )
        mail = self._outgoing(
            row, prepare(rendered, prefixes={}), envelope, dated_at, slots={}, list_mail=list_mail
        )
        if not is_stuffed_already(mail.data):
            raise SlotError("a line of this mail is not fit for the wire")
        return mail

    def _outgoing(
        self,
        row: Due,
        prepared: Prepared,
        envelope: Envelope,
        dated_at: datetime,
        *,
        slots: dict[Slot, str],
        list_mail: ListMail | None,
    ) -> Outgoing:
        message = compose(
            prepared,
            letterhead=self._parts.letterhead,
            envelope=envelope,
            dated_at=dated_at,
            slots=slots,
            list_mail=list_mail,
            signer=self._parts.dkim,
        )
        return Outgoing(row.id, message.sender, message.recipient, message.data)


def _material(session: Session, ids: Sequence[int]) -> Material:
    """What the mails of some contents are made of; one that cannot be read is left out and costs the others nothing."""
    try:
        return editions.load(session, ids)
    except (LookupError, TypeError, ValueError) as error:
        if len(ids) <= 1:
            _log.error("content_unreadable", contents=list(ids), error=type(error).__name__)
            return Material({}, {}, {})
    fit = [one for one in ids if _material(session, [one]).contents]
    return editions.load(session, fit)


def _day_in_words(templates: Templates, day: date, language: str) -> str:
    return templates.day(day, lang=language)


def _size(ready: "_Ready | Exception") -> int:
    return ready.prepared.size if isinstance(ready, _Ready) else 100
