"""The bytes of deliveries: a content is rendered and prepared once and kept, each reader's mail is spliced from it.

What cannot be rendered fails its own deliveries, once, and nobody else's.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlmodel import Session, col
from typing_extensions import override

from digest.delivery.compose import Composer
from digest.delivery.models import MailKind
from digest.delivery.press import Addressee, Parts, Press, Ready
from digest.delivery.queue import Due
from digest.delivery.system_mails import system_context
from digest.editions.material import Material, read_material
from digest.editions.models import Content
from digest.editions.render import render_content
from digest.mail.errors import MailError, SlotError
from digest.mail.message import ListMail, Message, compose, prepare
from digest.mail.outcome import Outgoing, is_stuffed_already
from digest.rendering import RenderingError

_log = structlog.get_logger(__name__)

PREPARED_LIMIT: Final = 16 * 2**20
"""Octets of prepared contents that are kept."""
LOADS_KEPT: Final = 4
"""Twice the chunks in hand: what a chunk needs is there until it is through."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What some contents are made of, and their public names."""

    material: Material
    names: dict[int, UUID]


class Mails(Composer):
    """Composes editions and system mails. `load` may run in a thread, `compose` belongs to one event loop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._press = Press(parts)
        self._loads: tuple[_Loaded, ...] = ()
        self._ready: OrderedDict[int, Ready | Exception] = OrderedDict()
        self._kept = 0

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
        # One step: `compose` reads it in another thread.
        self._loads = (*self._loads[1 - LOADS_KEPT :], loaded)

    @override
    def compose(self, row: Due, *, dated_at: datetime) -> Outgoing:
        """One mail. Raises MailError, RenderingError, LookupError: this delivery's own failure."""
        if row.kind is MailKind.EDITION:
            message = self._press.mail(_reader(row), self._content(row.content_id), dated_at=dated_at)
        else:
            message = self._system(row, dated_at)
        return Outgoing(row.id, message.sender, message.recipient, message.data)

    def _content(self, content_id: int | None) -> Ready:
        """The prepared content, from the shelf or made now; what failed once fails again at no cost."""
        if content_id is None:
            raise LookupError("the content is gone")
        ready = self._ready.get(content_id)
        if ready is None:
            ready = self._keep(content_id, self._prepare(content_id))
        self._ready.move_to_end(content_id)
        if isinstance(ready, Exception):
            raise ready.with_traceback(None)  # or it would remember every mail it failed
        return ready

    def _keep(self, content_id: int, ready: "Ready | Exception") -> "Ready | Exception":
        self._ready[content_id] = ready
        self._kept += _size(ready)
        while self._kept > PREPARED_LIMIT and len(self._ready) > 1:
            self._kept -= _size(self._ready.popitem(last=False)[1])
        return ready

    def _prepare(self, content_id: int) -> "Ready | Exception":
        loaded = next((one for one in self._loads if content_id in one.names), None)
        if loaded is None:
            return LookupError("the content is gone")
        material, names = loaded.material, loaded.names
        facts = material.contents.get(content_id)
        if facts is None:
            return SlotError("what stands in this content cannot be read")
        try:
            rendered = render_content(self._parts.templates, material, content_id, house=self._parts.house)
            return self._press.ready(rendered, facts, names[content_id])
        except (MailError, RenderingError, LookupError) as error:
            return error

    def _system(self, row: Due, dated_at: datetime) -> Message:
        if row.address is None:
            raise LookupError("the address is gone")
        parts = self._parts
        context = system_context(
            row, dated_at, links=parts.links, signer=parts.signer, timezone=parts.house.timezone
        )
        rendered = parts.templates.mail(row.kind, lang=row.locale, context=context)
        parts.templates.expect_fit(rendered, context=context)
        unsubscribe = context["links"]["unsubscribe"]
        campaign = f"d{row.id}:{row.kind}:system"
        message = compose(
            prepare(rendered, prefixes={}),
            letterhead=parts.letterhead,
            envelope=parts.envelopes.system(delivery_id=row.id, kind=row.kind, recipient=row.address),
            dated_at=dated_at,
            slots={},
            list_mail=ListMail(unsubscribe=unsubscribe, campaign=campaign) if unsubscribe else None,
            signer=parts.dkim,
        )
        if not is_stuffed_already(message.data):
            raise SlotError("a line of this mail is not fit for the wire")
        return message


def _material(session: Session, ids: Sequence[int]) -> Material:
    """What the mails of some contents are made of; one that cannot be read is left out and costs the others nothing."""
    try:
        return read_material(session, ids)
    except (LookupError, TypeError, ValueError) as error:
        if len(ids) <= 1:
            _log.error("content_unreadable", contents=list(ids), error=type(error).__name__)
            return Material({}, {}, {})
    fit = [one for one in ids if _material(session, [one]).contents]
    return read_material(session, fit)


def _reader(row: Due) -> Addressee:
    if row.person is None or row.address is None:
        raise LookupError("the person is gone")
    return Addressee(row.id, row.person, row.address, row.token_version, row.confirmed_at)


def _size(ready: "Ready | Exception") -> int:
    return ready.prepared.size if isinstance(ready, Ready) else 100
