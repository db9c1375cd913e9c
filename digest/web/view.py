"""The mail in the browser: what everybody with the same content got, without anything about a person."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from digest.editions.models import Content
from digest.editions.render import render_public
from digest.rendering import Rendered
from digest.web.errors import Reason, Refused
from digest.web.headers import MAIL_POLICY
from digest.web.rehearsal import rehearsed
from digest.web.security import Link
from digest.web.site import Site, site_of
from subscribers.tokens import Claims, Purpose

router = APIRouter()


@router.get("/v/{token}")
async def show_mail(request: Request, claims: Annotated[Claims, Depends(Link((Purpose.VIEW,)))]) -> Response:
    """Show a content in its public variant, sandboxed; 410 once it is no longer kept."""
    site = site_of(request)
    rendered = await site.read(lambda session: rendered_content(site, session, claims))
    if rendered is None and claims.is_test:
        return rehearsed(request)
    if rendered is None:
        raise Refused(410, Reason.GONE)
    headers = {"Content-Security-Policy": MAIL_POLICY, "Content-Language": rendered.lang}
    return HTMLResponse(rendered.html_text, headers=headers)


def rendered_content(site: Site, session: Session, claims: Claims) -> Rendered | None:
    """The content a token names, rendered for everybody; None if it is gone."""
    content_id = session.exec(select(Content.id).where(col(Content.public_id) == claims.subject)).first()
    if content_id is None:
        return None
    runtime = site.runtime
    return render_public(session, runtime.templates, content_id, house=runtime.house)
