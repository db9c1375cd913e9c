"""The confirmation link: a page that says what will start, one button, and a way to say "this wasn't me"."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlmodel import Session, col
from starlette.requests import Request
from starlette.responses import Response

from digest.delivery import evidence, outbox
from digest.delivery.models import Delivery, MailKind, Reason
from digest.editions.plan import newest_release
from digest.web.draft import Draft, draft_page
from digest.web.forms import read_fields
from digest.web.mailing import owe
from digest.web.moments import next_words
from digest.web.pages import language_of, page
from digest.web.reading import newest_on_topics
from digest.web.rehearsal import rehearsed
from digest.web.security import Held, Link
from digest.web.site import Site, site_of
from subscribers import confirmation, register
from subscribers.addresses import masked
from subscribers.confirmation import Cancelled, Confirmed, Outcome, PendingRequest
from subscribers.evidence import MailEvidence
from subscribers.models import RequestKind, Subscriber
from subscribers.networks import coarse
from subscribers.tokens import Claims, Purpose

router = APIRouter()
CONFIRM = (Purpose.CONFIRM,)
_MAILS_OF_REQUEST = (MailKind.CONFIRMATION, MailKind.ADDRESS_CHANGE)


@router.get("/confirm/{token}")
async def show_request(request: Request, claims: Annotated[Claims, Depends(Link(CONFIRM))]) -> Response:
    """Say what will start; nothing has started yet."""
    site = site_of(request)
    if claims.is_test:
        return rehearsed(request)
    pending = await site.read(lambda session: confirmation.look(session, claims.subject, now=site.now()))
    if pending is None:
        return await gone(request)
    is_sign_up = (
        pending.kind is RequestKind.SIGN_UP
    )  # a change of address carries no choices, so no language either
    lang = language_of(request, own=pending.choices.locale if is_sign_up else None)
    if pending.is_confirmed:
        return page(request, "confirmed", lang=lang, outcome=Outcome.ALREADY.value, **_nothing())
    return page(request, "confirm", lang=lang, pending=_facts(pending))


@router.post("/confirm/{token}")
async def press(request: Request, claims: Annotated[Claims, Depends(Held(CONFIRM))]) -> Response:
    """Start, change or cancel what the link stands for; again: the same page and nothing more."""
    fields = await read_fields(request)
    if claims.is_test:
        return rehearsed(request)
    if fields.one("action") == "cancel":
        return await _cancel(request, claims)
    return await _confirm(request, claims)


async def gone(request: Request) -> Response:
    """An expired, cancelled or purged request: the form to begin again."""
    return await draft_page(request, Draft(is_expired=True), lang=language_of(request), status=410)


async def _confirm(request: Request, claims: Claims) -> Response:
    site, network = site_of(request), coarse(site_of(request).client(request) or "")
    done, person, articles = await site.writer.write(
        lambda session: start(site, session, claims, network=network)
    )
    if done.outcome is Outcome.GONE:
        return await gone(request)
    if done.outcome is Outcome.CONFIRMED:
        site.metrics.confirmations.inc()
    if person is None:
        return page(request, "confirmed", outcome=done.outcome.value, **_nothing())
    lang = language_of(request, own=person.locale)
    return page(
        request,
        "confirmed",
        lang=lang,
        outcome=done.outcome.value,
        address=masked(person.address),
        next_date=next_words(site, person, lang=lang),
        preferences_url=site.preferences(person.public_id, person.token_version),
        articles=articles,
    )


async def _cancel(request: Request, claims: Claims) -> Response:
    site = site_of(request)
    done = await site.writer.write(lambda session: stop(site, session, claims))
    if done.outcome is Outcome.GONE:
        return await gone(request)
    return page(request, "confirmed", outcome=done.outcome.value, **_nothing())


def start(
    site: Site, session: Session, claims: Claims, *, network: str
) -> tuple[Confirmed, Subscriber | None, Sequence[dict[str, Any]]]:
    """Confirm, and write down the mails this owes, in one transaction."""
    now = site.now()
    mail = _mail(site, session, claims)
    done = confirmation.confirm(
        session,
        claims.subject,
        now=now,
        release_no=newest_release(session),
        hasher=site.hasher,
        network=network,
        evidence=_evidence(site, mail),
        is_welcomed=site.settings.mail.welcome,
    )
    if mail is not None and done.subscriber_id is not None:
        evidence.belongs_to(session, mail, done.subscriber_id)
    owe(site, session, *done.owed)
    if done.withdrawn_id is not None:
        outbox.withdraw(session, done.withdrawn_id, now=now)
    person = register.by_public_id(session, done.public_id) if done.public_id else None
    articles = newest_on_topics(session, person.id, limit=5) if person else []
    return done, person, articles


def _mail(site: Site, session: Session, claims: Claims) -> Delivery | None:
    """The mail whose link was pressed."""
    pending = confirmation.look(session, claims.subject, now=site.now())
    return evidence.mail_of_request(session, claims.subject, pending.address) if pending else None


def _evidence(site: Site, mail: Delivery | None) -> MailEvidence | None:
    """What of it is to be proved; nothing without a sender, for then nothing was sent."""
    if mail is None or not site.settings.sender.address:
        return None
    return evidence.evidence(mail, envelopes=site.runtime.envelopes)


def stop(site: Site, session: Session, claims: Claims) -> Cancelled:
    """Forget the request, and the mail that waits for it."""
    now = site.now()
    done = confirmation.cancel(session, claims.subject, now=now, hasher=site.hasher)
    if done.address is not None:
        waiting = (col(Delivery.address) == done.address) & col(Delivery.kind).in_(_MAILS_OF_REQUEST)
        outbox.skip(session, waiting, Reason.UNSUBSCRIBED, now=now)
    return done


def _nothing() -> dict[str, Any]:
    return {"address": "", "next_date": None, "preferences_url": None, "articles": []}


def _facts(pending: PendingRequest) -> dict[str, Any]:
    is_sign_up = pending.kind is RequestKind.SIGN_UP
    choices = pending.choices
    schedule = {"cadence": choices.cadence.value, "weekday": choices.weekday, "time": choices.local_time}
    return {
        "is_address_change": not is_sign_up,
        "address": masked(pending.address),
        "topics": list(pending.topic_names),
        "own": [one.name or one.typed or one.query for one in choices.own],
        "schedule": schedule if is_sign_up else None,
    }
