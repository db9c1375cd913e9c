"""The form on the publisher's own pages: a script that brings it, a frame that holds it, and who may use either."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from digest.web.draft import Draft, empty_page
from digest.web.headers import Raw, raw
from digest.web.pages import language_of
from digest.web.signup import named_topics
from digest.web.site import Site, site_of

router = APIRouter()
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Accept, Content-Type",
    "Access-Control-Max-Age": "86400",
}


@router.get("/embed.js")
async def show_script(request: Request) -> Response:
    """The script of `<news-signup>`; any page may load it."""
    found = site_of(request).assets["embed.js"]
    headers = {
        "Cache-Control": "public, max-age=3600",
        "ETag": f'"{found.version}"',
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return Response(found.body, media_type=found.media_type, headers=headers)


@router.get("/embed/form")
async def show_framed_form(request: Request) -> Response:
    """The hosted form without its surroundings, for a frame; its answers stay in the frame."""
    topics = await named_topics(request)
    draft = Draft(topics=topics, is_single=len(topics) == 1, is_framed=True, source="iframe")
    return await empty_page(request, draft, lang=language_of(request))


@router.options("/subscribe")
@router.options("/subscribe/similar")
async def preflight() -> Response:
    """Tell a browser that the form may be sent from where it stands."""
    return Response(status_code=204, headers=PREFLIGHT)


def shared_headers(site: Site, origin: str | None) -> Raw:
    """Who may read an answer of the form: everybody, or the listed pages; never with credentials."""
    listed = site.settings.embed.origins
    if not listed:
        return raw({"Access-Control-Allow-Origin": "*"})
    if origin is not None and origin.lower() in listed:
        return raw({"Access-Control-Allow-Origin": origin, "Vary": "Origin"})
    return raw({"Vary": "Origin"})
