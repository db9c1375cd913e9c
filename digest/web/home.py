"""The front door: what this is, our own files, and what search engines should leave alone."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from digest.web.errors import Reason, Refused
from digest.web.pages import language_of, page
from digest.web.site import site_of

router = APIRouter()
SHOWN = 12
"""Topics to start from; the form has them all."""
PRIVATE = ("/confirm/", "/p/", "/u/", "/m/", "/v/", "/feed/", "/manage")


@router.get("/")
async def show_home(request: Request) -> Response:
    """Say what this is and what there is to choose from."""
    site, lang = site_of(request), language_of(request)
    offered = await site.catalogue.offered(site.now(), site.read)
    ours = [one for one in offered if one.language in {lang, ""}]
    topics = [{"name": one.name, "url": site.paths.subscribe(topic=one.slug)} for one in ours[:SHOWN]]
    return page(request, "home", lang=lang, topics=topics)


@router.get("/robots.txt")
async def show_robots(request: Request) -> Response:
    """Ask search engines to stay away from personal pages."""
    prefix = site_of(request).paths.home().rstrip("/")
    lines = ["User-agent: *", *(f"Disallow: {prefix}{path}" for path in PRIVATE)]
    return PlainTextResponse("\n".join(lines) + "\n", headers={"Cache-Control": "public, max-age=86400"})


@router.get("/static/{name}")
async def show_asset(request: Request, name: str) -> Response:
    """A file of ours from memory; under its own version it may be kept for a year."""
    found = site_of(request).assets.get(name)
    if found is None:
        raise Refused(404, Reason.NO_PAGE)
    is_current = request.query_params.get("v") == found.version
    keep = "public, max-age=31536000, immutable" if is_current else "no-cache"
    headers = {"Cache-Control": keep, "ETag": f'"{found.version}"'}
    return Response(found.body, media_type=found.media_type, headers=headers)
