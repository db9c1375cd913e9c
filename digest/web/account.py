"""What needs a fresh proof of who you are: another address, your data, its erasure. A lesser link mails that proof."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from digest.delivery import outbox
from digest.delivery.models import Delivery
from digest.web import wishes
from digest.web.centre import centre_page
from digest.web.forms import read_fields
from digest.web.mailing import owe
from digest.web.messages import Say
from digest.web.pages import language_of, page, say
from digest.web.rehearsal import rehearsed
from digest.web.security import Held
from digest.web.site import site_of
from digest.web.visit import EITHER, Visit
from subscribers import manage, moving, privacy
from subscribers.addresses import Address
from subscribers.networks import coarse
from subscribers.preferences import Preferences
from subscribers.signup import Origin
from subscribers.tokens import Claims

router = APIRouter()
SOURCE = "page"


@router.post("/p/{token}/email")
async def change_address(
    request: Request, token: str, claims: Annotated[Claims, Depends(Held(EITHER))]
) -> Response:
    """Ask the new address to confirm; the same answer whatever it is."""
    visit, fields = Visit(site_of(request), claims, token), await read_fields(request)
    if claims.is_test:
        return rehearsed(request)
    if not visit.has_all_rights:
        return await mail_proof(request, visit)
    errors: list[wishes.FieldError] = []
    address = wishes.address(fields, errors)
    if address is None:
        have = await visit.site.read(visit.load)
        return await centre_page(request, visit, have, sent=fields, errors=errors)
    network = coarse(visit.site.client(request) or "")
    have = await visit.write(lambda session, have: ask_new_address(visit, session, have, address, network))
    return _sent(request, visit, have, Say.CHANGE_MAILED)


@router.post("/p/{token}/export")
async def export(request: Request, token: str, claims: Annotated[Claims, Depends(Held(EITHER))]) -> Response:
    """Everything held about this person, as a file."""
    visit, _ = Visit(site_of(request), claims, token), await read_fields(request)
    if claims.is_test:
        return rehearsed(request)
    if not visit.has_all_rights:
        return await mail_proof(request, visit)
    data = await visit.site.read(lambda session: everything(visit, session))
    return JSONResponse(data, headers={"Content-Disposition": 'attachment; filename="newsdigest-data.json"'})


@router.post("/p/{token}/erase")
async def erase(request: Request, token: str, claims: Annotated[Claims, Depends(Held(EITHER))]) -> Response:
    """Erase this person for good, if the box is ticked."""
    visit, fields = Visit(site_of(request), claims, token), await read_fields(request)
    if claims.is_test:
        return rehearsed(request)
    if not visit.has_all_rights:
        return await mail_proof(request, visit)
    if fields.one("sure") != "yes":
        have = await visit.site.read(visit.load)
        return await centre_page(request, visit, have, errors=[wishes.FieldError("sure", Say.NOT_SURE)])
    have = await visit.write(lambda session, have: forget(visit, session, have))
    lang = language_of(request, own=have.settings.locale)
    return page(request, "erased", lang=lang, message=say(visit.site, Say.ERASED, lang=lang))


async def mail_proof(request: Request, visit: Visit) -> Response:
    """Mail a link with full rights to the address we have, and say so."""
    have = await visit.write(lambda session, have: send_own_link(visit, session, have))
    return _sent(request, visit, have, Say.LINK_MAILED)


def send_own_link(visit: Visit, session: Session, have: Preferences) -> Preferences:
    """Write down the mail that is owed, if its limit allows one."""
    site = visit.site
    owe(site, session, manage.request_own_link(session, have.public_id, now=site.now(), hasher=site.hasher))
    return have


def ask_new_address(
    visit: Visit, session: Session, have: Preferences, address: Address, network: str
) -> Preferences:
    """Note the wish and the mail to the new address."""
    site = visit.site
    owed = moving.request_change(
        session,
        have.public_id,
        address,
        now=site.now(),
        hasher=site.hasher,
        origin=Origin(source=SOURCE, network=network),
    )
    owe(site, session, owed)
    return have


def everything(visit: Visit, session: Session) -> dict[str, Any]:
    """All that is stored about a person, the deliveries too."""
    have = visit.load(session)
    data = privacy.export(session, have.public_id, hasher=visit.site.hasher) or {}
    rows = session.exec(
        select(Delivery).where(Delivery.subscriber_id == have.subscriber_id).order_by(col(Delivery.id))
    )
    return data | {"deliveries": [_delivery(row) for row in rows]}


def forget(visit: Visit, session: Session, have: Preferences) -> Preferences:
    """Erase, and let the ledger of mail forget the person too, in one transaction."""
    site = visit.site

    def withdraw(subscriber_id: int | None, address: str) -> None:
        outbox.forget(session, subscriber_id, address, now=site.now())

    privacy.erase(
        session, have.public_id, now=site.now(), hasher=site.hasher, source=SOURCE, withdraw=withdraw
    )
    return have


def _delivery(row: Delivery) -> dict[str, Any]:
    settled = row.settled_at.isoformat() if row.settled_at else None
    created = row.created_at.isoformat()
    return {
        "kind": row.kind.value,
        "edition": row.edition_id,
        "created_at": created,
        "settled_at": settled,
        "state": row.state.value,
    }


def _sent(request: Request, visit: Visit, have: Preferences, message: Say) -> Response:
    lang = language_of(request, own=have.settings.locale)
    return page(
        request, "link_sent", lang=lang, message=say(visit.site, message, lang=lang), back_url=visit.path
    )
