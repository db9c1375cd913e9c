"""The mailed link is used: only now does a person exist for us, and only by a POST that somebody pressed.

One request is decided by its own row, locked; one address by UNIQUE(address_key). Two processes that confirm at once
make one subscriber and one event.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from sqlmodel import col

from subscribers import (
    allowance,
    consent,
    following,
    history,
    joining,
    moving,
    register,
    suppression,
    wording,
)
from subscribers.addresses import Address
from subscribers.allowance import AllowanceKind
from subscribers.choices import Choices
from subscribers.consent import Event
from subscribers.evidence import MailEvidence, network_part, person_part
from subscribers.hashing import AddressHasher
from subscribers.joining import Joined
from subscribers.models import ConsentKind, RequestKind, SignupRequest, Subscriber
from subscribers.owed import OwedMail
from subscribers.welcoming import welcome


class Outcome(StrEnum):
    """What a confirmation link did."""

    CONFIRMED = "confirmed"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    ALREADY = "already"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingRequest:
    """What a confirmation page shows before anybody presses anything."""

    public_id: UUID
    kind: RequestKind
    address: str
    choices: Choices
    topic_names: tuple[str, ...]
    requested_at: datetime
    expires_at: datetime
    is_confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """The result of a confirmation; the ids are None only when the request is gone.

    `owed` holds the welcome mail (its `next_at` is for the caller to fill in) or the notice to a former address. The
    deliveries of `withdrawn_id`, a subscriber merged into another, are for the caller to withdraw.
    """

    outcome: Outcome
    subscriber_id: int | None = None
    public_id: UUID | None = None
    token_version: int = 0
    withdrawn_id: int | None = None
    owed: tuple[OwedMail, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The result of "this wasn't me"; the caller withdraws the waiting delivery of this request and address."""

    outcome: Outcome
    request_id: UUID
    address: str | None = None


def look(session: Session, request_id: UUID, *, now: datetime) -> PendingRequest | None:
    """What a link would do; None if the request is expired, cancelled or purged."""
    request = session.scalars(_request(request_id)).first()
    if request is None or request.expires_at <= now:
        return None
    choices = _choices(request)
    return PendingRequest(
        public_id=request.public_id,
        kind=request.kind,
        address=request.address,
        choices=choices,
        topic_names=tuple(following.curated(session, choices.topics).values()),
        requested_at=request.requested_at,
        expires_at=request.expires_at,
        is_confirmed=request.confirmed_at is not None,
    )


def confirm(
    session: Session,
    request_id: UUID,
    *,
    now: datetime,
    release_no: int,
    hasher: AddressHasher,
    network: str = "",
    evidence: MailEvidence | None = None,
    is_welcomed: bool = True,
) -> Confirmed:
    """Do what the request asked for: start a subscription, or change an address. Again: `already`, and nothing more.

    A complaint or the operator's suppression is not lifted by this; such a link is `gone`.
    """
    request = _locked(session, request_id)
    if request is None or request.expires_at <= now:
        return Confirmed(outcome=Outcome.GONE)
    stopped = suppression.reasons(session, [request.address_key], hasher=hasher).get(request.address_key)
    if not suppression.may_confirm(stopped):
        return Confirmed(outcome=Outcome.GONE)
    if request.confirmed_at is not None:
        return _again(session, request)
    seen = network_part(request=request.network, confirmation=network)
    if request.kind is RequestKind.ADDRESS_CHANGE:
        result = _move(session, request, seen, now=now)
    else:
        result = _start(session, request, seen, evidence, now=now, release_no=release_no)
    if result.outcome is Outcome.GONE:
        return result
    suppression.lift_by_confirmation(session, request.address_key, hasher=hasher)
    request.confirmed_at = now
    session.flush()
    return (
        result if is_welcomed else replace(result, owed=tuple(m for m in result.owed if m.kind != "welcome"))
    )


def cancel(session: Session, request_id: UUID, *, now: datetime, hasher: AddressHasher) -> Cancelled:
    """Forget a request nobody made, and send this address nothing of the kind for 30 days."""
    request = _locked(session, request_id)
    if request is None or request.expires_at <= now:
        return Cancelled(outcome=Outcome.GONE, request_id=request_id)
    if request.confirmed_at is not None:
        return Cancelled(outcome=Outcome.ALREADY, request_id=request_id)
    kind = AllowanceKind.SIGN_UP if request.kind is RequestKind.SIGN_UP else AllowanceKind.ADDRESS_CHANGE
    allowance.close(session, kind, hasher.hash(request.address_key), now=now)
    session.delete(request)
    session.flush()
    return Cancelled(outcome=Outcome.CANCELLED, request_id=request_id, address=request.address)


def _request(request_id: UUID) -> Select[SignupRequest]:
    return select(SignupRequest).where(col(SignupRequest.public_id) == request_id)


def _locked(session: Session, request_id: UUID) -> SignupRequest | None:
    row = _request(request_id).with_for_update().execution_options(populate_existing=True)
    return session.scalars(row).first()


def _choices(request: SignupRequest) -> Choices:
    return Choices.from_json(request.choices) if request.choices else Choices()


def _again(session: Session, request: SignupRequest) -> Confirmed:
    """The second press of the same button."""
    person = register.find(session, Address(request.address, request.address_key))
    return _result(Outcome.ALREADY, person) if person else Confirmed(outcome=Outcome.ALREADY)


def _start(
    session: Session,
    request: SignupRequest,
    seen: dict[str, str],
    evidence: MailEvidence | None,
    *,
    now: datetime,
    release_no: int,
) -> Confirmed:
    address, choices = Address(request.address, request.address_key), _choices(request)
    person, joined = joining.join(session, address, choices, now=now, release_no=release_no)
    part = person_part(request.address, page=request.page, own=choices.own, mail=evidence)
    consent.append(session, [_event(session, request, person, person=part, network=seen)], now=now)
    owed = () if joined is Joined.PRESENT else (welcome(session, person, now=now),)
    return _result(Outcome.CONFIRMED, person, owed)


def _move(session: Session, request: SignupRequest, seen: dict[str, str], *, now: datetime) -> Confirmed:
    moved = moving.move(session, request, seen, now=now)
    if moved is None:
        return Confirmed(outcome=Outcome.GONE)
    result = _result(Outcome.CHANGED, moved.person, (moved.notice,))
    return replace(result, withdrawn_id=moved.withdrawn_id)


def _event(session: Session, request: SignupRequest, person: Subscriber, /, **parts: Any) -> Event:
    words = wording.reference(session, request.wording_id)
    return history.event(
        session,
        person,
        ConsentKind.CONFIRMED,
        source=request.source,
        wording_id=words.id,
        wording_sha256=words.sha256,
        requested_at=request.requested_at,
        **parts,
    )


def _result(outcome: Outcome, person: Subscriber, owed: tuple[OwedMail, ...] = ()) -> Confirmed:
    return Confirmed(
        outcome=outcome,
        subscriber_id=person.id,
        public_id=person.public_id,
        token_version=person.token_version,
        owed=owed,
    )
