"""After an older database was put back: whoever had said no meanwhile is kept out again.

Each no is a line in a file beside the database, written before we answered: time, kind, keyed hash of the address. The
file knows no address, so people are found by hashing everybody once. What the database already knows is left alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from subscribers import privacy, suppression, unsubscribe
from subscribers.chain import utc
from subscribers.hashing import AddressHasher
from subscribers.models import SuppressionReason
from subscribers.privacy import Withdraw
from subscribers.tables import CONSENT, SUBSCRIBER

PAGE = 5000


class FactKind(StrEnum):
    """What somebody, or the receiving side, said no to; all but `left` are reasons of suppression."""

    LEFT = "left"
    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    MANUAL = "manual"
    ERASED = "erased"


_ABOUT_PEOPLE = frozenset({FactKind.LEFT, FactKind.ERASED})


@dataclass(frozen=True, slots=True)
class Fact:
    """One no: when, what, and whose."""

    at: datetime
    kind: FactKind
    address_hash: str


def line(fact: Fact) -> str:
    """One line of the file, without its end."""
    return f"{utc(fact.at)} {fact.kind} {fact.address_hash}"


def read(lines: Iterable[str]) -> Iterator[Fact]:
    """The facts of a file. A line cut off by a crash was never answered, and is passed over."""
    for text in lines:
        at, _, rest = text.strip().partition(" ")
        kind, _, address_hash = rest.partition(" ")
        if text.endswith("\n") and len(address_hash) == 64:
            yield Fact(datetime.fromisoformat(at), FactKind(kind), address_hash)


def replay(
    session: Session, facts: Iterable[Fact], *, now: datetime, hasher: AddressHasher, withdraw: Withdraw
) -> int:
    """Do again what these facts say and this database does not know; how many people it touched. Repeating is safe."""
    in_order = sorted(facts, key=_time)
    for fact in in_order:
        if fact.kind is not FactKind.LEFT:
            reason = SuppressionReason(fact.kind.value)
            suppression.suppress_hashes(session, [fact.address_hash], reason, now=fact.at)
    newest = {fact.address_hash: fact for fact in in_order if fact.kind in _ABOUT_PEOPLE}
    touched = 0
    for public_id, address_hash in _people(session, hasher):
        fact_here = newest.get(address_hash)
        if fact_here and _is_news(session, public_id, fact_here):
            _do(session, public_id, fact_here, now=now, hasher=hasher, withdraw=withdraw)
            touched += 1
    return touched


def _time(fact: Fact) -> datetime:
    return fact.at


def _people(session: Session, hasher: AddressHasher) -> Iterator[tuple[UUID, str]]:
    """Everybody with the hash of their address, a page at a time."""
    c, after = SUBSCRIBER.c, 0
    while True:
        page = select(c.id, c.public_id, c.address_key).where(c.id > after).order_by(c.id).limit(PAGE)
        rows = session.execute(page).all()
        for row in rows:
            yield row.public_id, hasher.hash(row.address_key)
        if len(rows) < PAGE:
            return
        after = rows[-1].id


def _is_news(session: Session, public_id: UUID, fact: Fact) -> bool:
    """Whether nothing that this person did later (such as coming back) is on record."""
    last = session.execute(select(func.max(CONSENT.c.at)).where(CONSENT.c.subject == public_id)).scalar_one()
    return last is None or last < fact.at


def _do(
    session: Session, public_id: UUID, fact: Fact, *, now: datetime, hasher: AddressHasher, withdraw: Withdraw
) -> None:
    source = unsubscribe.Source.RESTORE
    if fact.kind is FactKind.ERASED:
        privacy.erase(session, public_id, now=now, hasher=hasher, source=source, withdraw=withdraw)
    else:
        unsubscribe.unsubscribe(session, public_id, now=now, source=source)
