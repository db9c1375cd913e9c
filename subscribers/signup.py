"""Somebody typed an address into a form: note the wish, and say whether a mail is owed. Nothing is believed yet.

Works on a whole batch with a handful of statements, whatever its size. For a new, a known, a suppressed and a limited
address the same statements run; only the mails differ, and those only their owners see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from subscribers import allowance, following, suppression
from subscribers.addresses import Address
from subscribers.choices import Choices
from subscribers.hashing import AddressHasher
from subscribers.models import RequestKind, SubscriberState
from subscribers.owed import SYSTEM_MAIL_LIFE, ConfirmationRequested
from subscribers.tables import REQUEST, SUBSCRIBER
from subscribers.types import new_public_id
from subscribers.upsert import dialect_of, insert_for

REQUEST_LIFE = timedelta(days=7)
"""How long a wish waits for its confirmation."""


# Statements are made once: a batch pays for its rows, not for the making of SQL.
_NEWEST = tuple(
    one.name for one in REQUEST.c if one.name not in {"id", "kind", "address_key", "subscriber_id"}
)
_REWRITE = (
    update(REQUEST)
    .where(REQUEST.c.address_key == bindparam("the_key"), REQUEST.c.kind == RequestKind.SIGN_UP)
    .values({name: bindparam(f"new_{name}", type_=REQUEST.c[name].type) for name in _NEWEST})
)
_SUBSCRIBED = select(
    SUBSCRIBER.c.id, SUBSCRIBER.c.address_key, SUBSCRIBER.c.address, SUBSCRIBER.c.locale
).where(
    SUBSCRIBER.c.address_key.in_(bindparam("keys", expanding=True)),
    SUBSCRIBER.c.state != SubscriberState.UNSUBSCRIBED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request came from: form id or `cli`, the page (origin and path), the coarse network, the wording shown."""

    source: str = ""
    page: str = ""
    network: str = ""
    wording_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """One person's wish, as typed; `article` is the title of the article a similar-news request is about."""

    address: Address
    choices: Choices
    origin: Origin = Origin()
    article: str | None = None


@dataclass(frozen=True, slots=True)
class _Noted:
    """A request as it stands in its row now."""

    public_id: UUID
    choices: Choices


@dataclass(frozen=True, slots=True)
class _Known:
    """Somebody who is subscribed already."""

    id: int
    address: str
    locale: str


def sign_up(
    session: Session, requests: Sequence[SignUp], *, now: datetime, hasher: AddressHasher
) -> list[ConfirmationRequested | None]:
    """Note each request; the mail owed for it, or None where the address had one, is limited or suppressed.

    The same address again unites the topics and takes the newest settings, in the batch as between batches.
    """
    wishes = _by_key(requests)
    noted = _note(session, wishes, now=now)
    known = _subscribed(session, wishes)
    allowed = _allowed(session, wishes, now=now, hasher=hasher)
    names = following.curated(session, {slug for one in noted.values() for slug in one.choices.topics})
    owed = {
        key: _mail(wishes[key], noted[key], known.get(key), names, now=now) if key in allowed else None
        for key in wishes
    }
    return [owed.pop(one.address.key, None) for one in requests]


def _by_key(requests: Sequence[SignUp]) -> dict[str, SignUp]:
    """One wish per address, in the order all processes lock rows in."""
    wishes: dict[str, SignUp] = {}
    for one in requests:
        before = wishes.get(one.address.key)
        choices = one.choices.united(before.choices) if before else one.choices
        wishes[one.address.key] = SignUp(
            address=one.address, choices=choices, origin=one.origin, article=one.article
        )
    return dict(sorted(wishes.items()))


def _note(session: Session, wishes: dict[str, SignUp], *, now: datetime) -> dict[str, _Noted]:
    """Write the request rows; fresh ones in one statement, those that were there in a second."""
    rows = {key: _row(wish, now) for key, wish in wishes.items()}
    if not rows:
        return {}
    found = session.connection().execute(_put(dialect_of(session)), list(rows.values())).all()
    again = [row for row in found if row.public_id != rows[row.address_key]["public_id"]]
    for row in again:
        _renew(rows[row.address_key], row, wishes[row.address_key], now)
    # One row at least, though it stays as it is: an address that asks again takes no longer than a new one.
    rewritten = [rows[row.address_key] for row in again] or [next(iter(rows.values()))]
    _rewrite(session, rewritten)
    return {key: _Noted(row["public_id"], Choices.from_json(row["choices"])) for key, row in rows.items()}


@cache
def _put(dialect: str) -> Any:
    """Fresh rows go in; the update changes nothing: it locks a row that is there already and gives it back."""
    c = REQUEST.c
    put = insert_for(dialect, REQUEST).on_conflict_do_update(
        index_elements=[c.address_key, c.kind], set_={"address_key": c.address_key}
    )
    return put.returning(c.address_key, c.public_id, c.choices, c.expires_at, c.confirmed_at)


def _row(wish: SignUp, now: datetime) -> dict[str, Any]:
    return {
        "public_id": new_public_id(),
        "kind": RequestKind.SIGN_UP,
        "address": wish.address.address,
        "address_key": wish.address.key,
        "choices": wish.choices.as_json(),
        "wording_id": wish.origin.wording_id,
        "source": wish.origin.source[:64],
        "page": wish.origin.page[:512],
        "network": wish.origin.network[:64],
        "requested_at": now,
        "expires_at": now + REQUEST_LIFE,
        "confirmed_at": None,
    }


def _renew(row: dict[str, Any], found: Any, wish: SignUp, now: datetime) -> None:
    """Join a wish to the one that waits already; one that is used up or too old is replaced, and so is its link."""
    if found.confirmed_at is None and found.expires_at > now:
        row["public_id"] = found.public_id
        row["choices"] = wish.choices.united(Choices.from_json(found.choices)).as_json()


def _rewrite(session: Session, rows: list[dict[str, Any]]) -> None:
    session.connection().execute(
        _REWRITE,
        [{"the_key": row["address_key"]} | {f"new_{name}": row[name] for name in _NEWEST} for row in rows],
    )


def _subscribed(session: Session, wishes: dict[str, SignUp]) -> dict[str, _Known]:
    rows = session.connection().execute(_SUBSCRIBED, {"keys": list(wishes)})
    return {row.address_key: _Known(row.id, row.address, row.locale) for row in rows}


def _allowed(
    session: Session, wishes: dict[str, SignUp], *, now: datetime, hasher: AddressHasher
) -> set[str]:
    """The addresses that may have a mail now; taking it is what makes the next one wait."""
    stopped = suppression.reasons(session, wishes, hasher=hasher)
    hashes = {hasher.hash(key): key for key in wishes}
    may_ask = {one for one, key in hashes.items() if suppression.may_ask(stopped.get(key), now=now)}
    taken = allowance.claim_sign_ups(session, may_ask, set(hashes) - may_ask, now=now)
    return {hashes[one] for one in taken}


def _mail(
    wish: SignUp, noted: _Noted, known: _Known | None, names: dict[str, str], *, now: datetime
) -> ConfirmationRequested:
    choices = noted.choices
    asked = {
        "request": str(noted.public_id),
        "topics": [names[slug] for slug in choices.topics if slug in names],
        "own_topics": len(choices.own),
    }
    if known:
        return _owed("already", known.address, known.id, known.locale, asked, now)
    asked |= {
        "cadence": choices.cadence.value,
        "weekday": choices.weekday,
        "time": choices.local_time,
        "timezone": choices.timezone,
        "requested_at": now.isoformat(),
        "expires_at": (now + REQUEST_LIFE).isoformat(),
        "article": wish.article,
    }
    return _owed("confirmation", wish.address.address, None, choices.locale, asked, now)


def _owed(
    kind: str, address: str, subscriber_id: int | None, locale: str, data: dict[str, Any], now: datetime
) -> ConfirmationRequested:
    return ConfirmationRequested(
        kind=kind,
        address=address,
        subscriber_id=subscriber_id,
        locale=locale,
        data=data,
        expires_at=now + SYSTEM_MAIL_LIFE,
    )
