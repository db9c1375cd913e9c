"""A link for whoever has lost theirs: mailed to people we know, and the same page for every address."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from digest.web import wishes
from digest.web.forms import read_fields, wants_json
from digest.web.limits import Scope
from digest.web.mailing import owe
from digest.web.messages import Say
from digest.web.pages import error_rows, invalid_json, language_of, page, say
from digest.web.security import Open
from digest.web.site import Site, site_of
from subscribers import manage
from subscribers.addresses import Address

router = APIRouter()


@router.get("/manage")
async def show_field(request: Request) -> Response:
    """Show one field."""
    return page(request, "manage", email="", errors=[])


@router.post("/manage")
async def mail_link(request: Request, _: Annotated[None, Depends(Open())]) -> Response:
    """Mail a link with full rights to somebody we know; everybody gets the same answer."""
    site, lang = site_of(request), language_of(request)
    site.limits.hit_near(Scope.MANAGE, site.client(request), now=site.now())
    fields = await read_fields(request)
    errors: list[wishes.FieldError] = []
    address = wishes.address(fields, errors)
    if address is None:
        if wants_json(request):
            return invalid_json(site, errors, lang=lang)
        rows = error_rows(site, errors, lang=lang)
        return page(request, "manage", status=422, lang=lang, email=fields.one("email"), errors=rows)
    if not fields.one("extra"):
        await site.writer.write(lambda session: send_link(site, session, address))
    message = say(site, Say.LINK_MAYBE, lang=lang)
    if wants_json(request):
        return JSONResponse({"status": "link_sent", "message": message}, status_code=202)
    return page(request, "link_sent", lang=lang, message=message, back_url=None)


def send_link(site: Site, session: Session, address: Address) -> None:
    """Write down the mail that is owed, if one is."""
    owe(site, session, *manage.request_links(session, [address], now=site.now(), hasher=site.hasher))
