"""From a template to an answer: the language is chosen here, once, and so is what every page shows around its own part."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse

from digest.web.headers import PAGE_POLICY
from digest.web.language import chosen
from digest.web.messages import Say
from digest.web.site import Site, site_of
from digest.web.wishes import FieldError

Headers = Mapping[str, str]


def language_of(request: Request, *, own: str | None = None, asked: str = "") -> str:
    """The language of the answer: asked for in the form or address, else `own`, the subscriber's, else the browser's."""
    site = site_of(request)
    return chosen(
        asked=asked or request.query_params.get("lang", ""),
        own=own,
        accepted=request.headers.get("accept-language", ""),
        supported=site.languages,
        default=site.settings.language,
    )


def page(
    request: Request,
    name: str,
    *,
    status: int = 200,
    lang: str | None = None,
    headers: Headers | None = None,
    is_framed: bool = False,
    **context: Any,
) -> HTMLResponse:
    """Render `templates/web/NAME.html`; `lang` is chosen from the request unless given."""
    lang = lang or language_of(request)
    body = render(request, name, lang=lang, is_framed=is_framed, **context)
    return answered(body, status=status, lang=lang, headers=headers)


def render(request: Request, name: str, *, lang: str, is_framed: bool = False, **context: Any) -> str:
    """The text of a page, with all that stands around its own part."""
    site = site_of(request)
    shell = _shell(request, site, lang) | {"is_framed": is_framed}
    return site.runtime.templates.page(f"{name}.html", lang=lang, shell=shell, **context)


def answered(body: str, *, lang: str, status: int = 200, headers: Headers | None = None) -> HTMLResponse:
    """A rendered page as an answer that is kept by nobody, unless `headers` say otherwise."""
    sent = {
        "Content-Language": lang,
        "Vary": "Accept-Language",
        "Cache-Control": "no-store",
        **(headers or {}),
    }
    return HTMLResponse(body, status_code=status, headers=sent)


def see_other(request: Request, path: str, **query: str) -> RedirectResponse:
    """Send the browser to a page of ours, in the language that was asked for."""
    wanted = {"lang": request.query_params.get("lang", "")} | query
    wanted = {name: value for name, value in wanted.items() if value}
    return RedirectResponse(path + (f"?{urlencode(wanted)}" if wanted else ""), status_code=303)


def say(site: Site, message: Say, *, lang: str, **values: object) -> str:
    """One sentence in a language, its values filled in."""
    return site.runtime.templates.text(message.value, lang=lang, **values)


def error_rows(site: Site, errors: Iterable[FieldError], *, lang: str) -> list[dict[str, str]]:
    """What is wrong, field by field, in words."""
    return [{"field": one.field, "message": say(site, one.say, lang=lang, **one.values)} for one in errors]


def invalid_json(site: Site, errors: Iterable[FieldError], *, lang: str, **more: str) -> JSONResponse:
    """What is wrong as problem+json (RFC 9457), with further members."""
    body = {"type": "about:blank", "title": "Unprocessable Content", "status": 422}
    rows = error_rows(site, errors, lang=lang)
    return JSONResponse(
        body | {"errors": rows} | more, status_code=422, media_type="application/problem+json"
    )


def framed(site: Site) -> Headers:
    """What lets the publisher's own pages show a page of ours in a frame."""
    ancestors = " ".join(site.settings.embed.origins) or "*"
    return {"Content-Security-Policy": PAGE_POLICY.format(ancestors=ancestors)}


def _shell(request: Request, site: Site, lang: str) -> dict[str, Any]:
    """What every page shows around its own part."""
    asked = request.query_params.get("lang", "")
    manage = site.paths.manage() + (f"?{urlencode({'lang': asked})}" if asked else "")
    return {
        "css": _asset_url(site, "pages.css"),
        "script": _asset_url(site, "pages.js"),
        "proof": _asset_url(site, "proof.js"),
        "icon": _asset_url(site, "icon.svg"),
        "home": site.paths.home(),
        "subscribe": site.paths.subscribe(lang=asked),
        "manage": manage,
        "archive": site.paths.archive() if site.settings.archive else None,
        "here": _here(request, asked),
        "languages": [_language(request, site, code, current=lang) for code in site.languages],
    }


def _asset_url(site: Site, name: str) -> str:
    return f"{site.paths.home()}static/{name}?v={site.assets[name].version}"


def _here(request: Request, lang: str) -> str:
    """The address of this page in a language, or as it was asked for."""
    query = [(name, value) for name, value in parse_qsl(request.url.query) if name != "lang"]
    query += [("lang", lang)] if lang else []
    return request.url.path + (f"?{urlencode(query)}" if query else "")


def _language(request: Request, site: Site, code: str, *, current: str) -> dict[str, Any]:
    name = str(site.locale(code).language_name)
    url = _here(request, code)
    return {"code": code, "name": name[:1].upper() + name[1:], "url": url, "is_current": code == current}
