"""Leaving: in force before the answer, by one press on our page or in the mail program (RFC 8058), and easily taken back."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from digest.delivery import outbox
from digest.web.forms import read_fields
from digest.web.mailing import owe
from digest.web.messages import Say
from digest.web.pages import language_of, page, say
from digest.web.rehearsal import rehearsed
from digest.web.security import Held, Link, OneClick
from digest.web.site import Site, site_of
from subscribers import register, unsubscribe
from subscribers.addresses import masked
from subscribers.models import Subscriber, SubscriberState
from subscribers.tokens import Claims, Purpose
from subscribers.unsubscribe import LeavingReason, Source, UndoOutcome

router = APIRouter()
UNSUBSCRIBE = (Purpose.UNSUBSCRIBE,)
REASONS = {
    LeavingReason.TOO_MANY: Say.REASON_TOO_MANY,
    LeavingReason.NOT_FOR_ME: Say.REASON_NOT_FOR_ME,
    LeavingReason.NEVER_SIGNED_UP: Say.REASON_NEVER_ASKED,
    LeavingReason.TECHNICAL: Say.REASON_TECHNICAL,
    LeavingReason.OTHER: Say.REASON_OTHER,
}


@router.get("/u/{token}")
async def ask(request: Request, claims: Annotated[Claims, Depends(Link(UNSUBSCRIBE))]) -> Response:
    """Ask once; opening the link has changed nothing."""
    site = site_of(request)
    person = await _person(site, claims)
    if claims.is_test:
        return rehearsed(request)
    if person is None or person.state is SubscriberState.UNSUBSCRIBED:
        return _done(request, site, claims, person)
    return page(
        request,
        "unsubscribe",
        lang=language_of(request, own=person.locale),
        address=masked(person.address),
        preferences_url=site.preferences(person.public_id, person.token_version),
    )


@router.post("/u/{token}")
async def leave(request: Request, claims: Annotated[Claims, Depends(OneClick())]) -> Response:
    """Send this person nothing any more; whatever the body, whatever the origin, and as often as it is pressed."""
    site = site_of(request)
    if claims.is_test:
        return rehearsed(request)
    source = Source.PAGE if request.headers.get("sec-fetch-site") == "same-origin" else Source.ONE_CLICK
    is_new, person = await site.writer.write(lambda session: stop(site, session, claims, source=source))
    if is_new:
        site.metrics.unsubscribes.labels(source.value).inc()
    return _done(request, site, claims, person)


@router.post("/u/{token}/undo")
async def undo(request: Request, claims: Annotated[Claims, Depends(Held(UNSUBSCRIBE))]) -> Response:
    """Take it back: at once within a day, by a new confirmation within 30 days, afterwards by signing up again."""
    site = site_of(request)
    if claims.is_test:
        return rehearsed(request)
    outcome, person = await site.writer.write(lambda session: come_back(site, session, claims))
    return page(
        request,
        "undone",
        lang=language_of(request, own=person.locale if person else None),
        outcome=outcome.value,
        preferences_url=site.preferences(person.public_id, person.token_version) if person else None,
    )


@router.post("/u/{token}/reason")
async def tell_reason(request: Request, claims: Annotated[Claims, Depends(Held(UNSUBSCRIBE))]) -> Response:
    """Count a reason, if one was chosen; nothing says whose it was."""
    site, fields = site_of(request), await read_fields(request)
    if claims.is_test:
        return rehearsed(request)
    reason = fields.one("reason")
    if reason in set(LeavingReason):
        given = LeavingReason(reason)
        await site.writer.write(lambda session: unsubscribe.record_reason(session, given, now=site.now()))
    return _done(request, site, claims, await _person(site, claims), is_thanked=reason in set(LeavingReason))


def stop(site: Site, session: Session, claims: Claims, *, source: Source) -> tuple[bool, Subscriber | None]:
    """Leave, and take back every mail that has not begun, in one transaction."""
    now = site.now()
    left = unsubscribe.unsubscribe(
        session, claims.subject, now=now, source=source, is_farewelled=site.settings.mail.goodbye
    )
    if left.subscriber_id is not None:
        outbox.withdraw(session, left.subscriber_id, now=now)
    owe(site, session, left.owed)
    return left.is_new, register.by_public_id(session, claims.subject)


def come_back(site: Site, session: Session, claims: Claims) -> tuple[UndoOutcome, Subscriber | None]:
    """Undo, and write down the notice or the confirmation mail it owes."""
    undone = unsubscribe.undo(session, claims.subject, now=site.now(), hasher=site.hasher)
    owe(site, session, undone.owed)
    return undone.outcome, register.by_public_id(session, claims.subject)


async def _person(site: Site, claims: Claims) -> Subscriber | None:
    return await site.read(lambda session: register.by_public_id(session, claims.subject))


def _done(
    request: Request, site: Site, claims: Claims, person: Subscriber | None, *, is_thanked: bool = False
) -> Response:
    """The same page for those who left now, before, or were erased."""
    lang = language_of(request, own=person.locale if person else None)
    here = site.unsubscribe(claims.subject)
    facts: dict[str, Any] = {"address": masked(person.address) if person else None, "is_thanked": is_thanked}
    return page(
        request,
        "unsubscribed",
        lang=lang,
        undo_url=f"{here}/undo",
        reason_url=f"{here}/reason",
        reasons=[(value.value, say(site, words, lang=lang)) for value, words in REASONS.items()],
        **facts,
    )
