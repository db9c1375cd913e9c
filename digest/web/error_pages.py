"""What a refusal looks like: a page in the reader's language with one next step, or problem+json (RFC 9457)."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from digest.web.errors import Reason, Refused
from digest.web.forms import wants_json
from digest.web.messages import Say
from digest.web.pages import language_of, page, say
from digest.web.site import Site, site_of

AGAIN = frozenset({Reason.SLOW, Reason.LIMITED, Reason.BUSY, Reason.BAD_REQUEST, Reason.TOO_LARGE})
NEW_LINK = frozenset({Reason.INVALID_LINK, Reason.EXPIRED_LINK})
STATUS_REASONS: Mapping[int, Reason] = MappingProxyType(
    {
        400: Reason.BAD_REQUEST,
        403: Reason.FOREIGN,
        404: Reason.NO_PAGE,
        405: Reason.METHOD,
        413: Reason.TOO_LARGE,
    }
)


def error_answer(request: Request, refused: Refused) -> Response:
    """The answer to a refused request; a limit that refused is counted."""
    site, lang = site_of(request), language_of(request)
    limit = refused.facts.get("limit")
    if limit:
        site.metrics.limited.labels(limit).inc()
    title, text = words(site, refused, lang=lang)
    if wants_json(request):
        body = {"type": "about:blank", "title": title, "status": refused.status, "detail": text}
        return JSONResponse(
            body, status_code=refused.status, headers=refused.headers, media_type="application/problem+json"
        )
    return page(
        request,
        "error",
        status=refused.status,
        lang=lang,
        headers=refused.headers,
        heading=title,
        text=text,
        next=_next(request, site, refused.reason, lang=lang),
    )


def words(site: Site, refused: Refused, *, lang: str) -> tuple[str, str]:
    """Title and text of a refusal."""
    name = refused.reason.name
    title = say(site, Say[f"{name}_TITLE"], lang=lang)
    return title, say(site, Say[f"{name}_TEXT"], lang=lang, **refused.facts)


def _next(request: Request, site: Site, reason: Reason, *, lang: str) -> dict[str, str]:
    asked = request.query_params.get("lang", "")
    if reason in AGAIN:
        step, url = Say.NEXT_AGAIN, request.url.path
    elif reason in NEW_LINK:
        step, url = Say.NEXT_LINK, site.paths.manage()
    elif reason is Reason.GONE and site.settings.archive:
        step, url = Say.NEXT_ARCHIVE, site.paths.archive()
    else:
        step, url = Say.NEXT_HOME, site.paths.home()
    return {"words": say(site, step, lang=lang), "url": url + (f"?lang={lang}" if asked else "")}
