"""One sign-up as the writer takes it, and the function that writes many at once: request rows and the mails they owe."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from digest.delivery import outbox
from digest.delivery.models import MailKind
from subscribers import wording
from subscribers.addresses import Address
from subscribers.choices import Choices
from subscribers.hashing import AddressHasher
from subscribers.owed import SYSTEM_MAIL_LIFE, ConfirmationRequested
from subscribers.signup import Origin, SignUp, sign_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a form asks for; `words` is the consent text it showed, or the short hash by which a foreign form names it."""

    address: Address
    choices: Choices
    source: str
    page: str
    network: str
    words: str
    article: str | None = None


def _nothing(now: datetime) -> ConfirmationRequested:
    """Stands for a mail nobody gets; about as long as one."""
    return ConfirmationRequested(
        kind=MailKind.CONFIRMATION,
        address="nobody",
        subscriber_id=None,
        locale="",
        data={"padding": "x" * 300},
        expires_at=now + SYSTEM_MAIL_LIFE,
    )


class OrderBook:
    """Writes sign-ups in sets; knows the consent texts of its own pages, so that their rows are looked up once."""

    def __init__(self, *, hasher: AddressHasher, clock: Callable[[], datetime]) -> None:
        self._hasher = hasher
        self._clock = clock
        self._wordings: dict[str, int | None] = {}

    def write(self, session: Session, orders: Sequence[Order]) -> None:
        """Write every request and the mail it owes, in the transaction of the session."""
        now = self._clock()
        requests = [self._request(session, order, now=now) for order in orders]
        owed = sign_up(session, requests, now=now, hasher=self._hasher)
        # What is not owed is written and taken back, and once more for all: no answer is quicker for owing nothing.
        nothing = _nothing(now)
        mails = [*(mail or nothing for mail in owed), nothing]
        chunks = outbox.enqueue_all(session, mails, now=now)
        outbox.unwrite(session, [chunk for chunk, mail in zip(chunks, mails, strict=True) if mail is nothing])

    def _request(self, session: Session, order: Order, *, now: datetime) -> SignUp:
        origin = Origin(
            source=order.source,
            page=order.page,
            network=order.network,
            wording_id=self._wording(session, order, now=now),
        )
        return SignUp(address=order.address, choices=order.choices, origin=origin, article=order.article)

    def _wording(self, session: Session, order: Order, *, now: datetime) -> int | None:
        known = self._wordings.get(order.words)
        if known is not None:
            return known
        if " " in order.words:
            found: int | None = wording.ensure(
                session, language=order.choices.locale, text=order.words, now=now
            )
        else:
            found = wording.find(session, order.words)
        self._wordings[order.words] = found
        return found
