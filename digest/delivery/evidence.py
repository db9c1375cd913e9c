"""The confirmation mail as evidence: which mail led somebody to confirm, when a server took it, and what it said."""

from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import Session, col

from digest.delivery.models import Delivery, DeliveryState, MailKind
from digest.mail.envelope import Envelopes
from subscribers.evidence import MailEvidence

_CONFIRMS = (MailKind.CONFIRMATION, MailKind.ADDRESS_CHANGE)


def mail_of_request(session: Session, request_id: UUID, address: str) -> Delivery | None:
    """The newest mail that carried the link of a request; the address finds it, by its index."""
    rows = session.scalars(
        select(Delivery)
        .where(col(Delivery.address) == address, col(Delivery.kind).in_(_CONFIRMS))
        .order_by(col(Delivery.id).desc())
    )
    wanted = str(request_id)
    return next((row for row in rows if (row.data or {}).get("request") == wanted), None)


def evidence(mail: Delivery, *, envelopes: Envelopes) -> MailEvidence:
    """What to keep of it in the proof of consent: Message-ID, time, the server's words."""
    envelope = envelopes.system(delivery_id=mail.id, kind=mail.kind, recipient=mail.address or "")
    is_sent = mail.state is DeliveryState.SENT
    return MailEvidence(
        message_id=envelope.message_id,
        sent_at=mail.settled_at if is_sent else None,
        reply=f"{mail.code or ''} {mail.reply}".strip() if is_sent else "",
    )


def belongs_to(session: Session, mail: Delivery, subscriber_id: int) -> None:
    """The stranger it went to has become this person: it is kept, shown and erased with them."""
    row = update(Delivery).where(col(Delivery.id) == mail.id)
    session.execute(row.values(subscriber_id=subscriber_id))
