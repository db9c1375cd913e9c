"""Unsubscribing by mail: from a message to whoever's mail named that address in its List-Unsubscribe."""

from collections.abc import Iterator
from email import message_from_bytes
from email.policy import compat32
from email.utils import getaddresses

from sqlmodel import Session

from digest.delivery.models import Delivery
from digest.mail.envelope import Envelopes
from digest.runtime import Runtime
from digest.settings import Settings
from subscribers.models import Subscriber

RECIPIENTS = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")
"""Where servers and mail programs write whom a message is for; who sent it proves nothing."""


def leaver(session: Session, runtime: Runtime, message: bytes) -> Subscriber | None:
    """Who asks to leave by this message; None if no recipient address of it is genuine, or the person is forgotten."""
    for address in recipients(message):
        for envelopes in keyrings(runtime.settings):
            delivery_id = envelopes.unsubscribing(address)
            delivery = session.get(Delivery, delivery_id) if delivery_id is not None else None
            if delivery is not None and delivery.subscriber_id is not None:
                return session.get(Subscriber, delivery.subscriber_id)
    return None


def recipients(message: bytes) -> Iterator[str]:
    """The addresses a message is for, as its header names them."""
    parsed = message_from_bytes(message, policy=compat32)
    for name in RECIPIENTS:
        for _, address in getaddresses([str(value) for value in parsed.get_all(name, [])]):
            yield address


def keyrings(settings: Settings) -> Iterator[Envelopes]:
    """Those who may have made the address: the present key, and every older one that still counts for leaving."""
    for key in (settings.secret_key, *settings.secret_keys_old, *settings.secret_keys_unsubscribe):
        yield Envelopes(
            secret=key.get_secret_value().encode(),
            sender=settings.sender.address,
            unsubscribe=settings.sender.unsubscribe_address or None,
        )
