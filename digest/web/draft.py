"""The sign-up form as a value: what it shows, what came back, and the page made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from babel.dates import get_day_names
from starlette.requests import Request
from starlette.responses import HTMLResponse

from digest.matching.offer import SimilarOffer
from digest.web import wishes
from digest.web.catalogue import Offered
from digest.web.forms import Fields
from digest.web.messages import Say
from digest.web.pages import answered, error_rows, framed, render, say
from digest.web.site import Site, site_of
from subscribers import wording
from subscribers.tokens import LIFETIMES, NO_SUBJECT, Purpose

MAX_QUERIES = 3
HOSTED = "hosted"
FORM_LIFE = LIFETIMES[Purpose.FORM] or timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Choices as typed, and what is wrong with them; `hits` stands beside each query after "Show matches"."""

    email: str = ""
    topics: tuple[str, ...] = ()
    queries: tuple[str, ...] = ()
    cadence: str = "daily"
    weekday: str = "0"
    timezone: str = ""
    source: str = HOSTED
    is_single: bool = False
    is_framed: bool = False
    is_expired: bool = False
    is_similar: bool = False
    about: SimilarOffer | None = None
    """The article that similar news are asked for; None under `is_similar` if we do not know it."""
    errors: tuple[wishes.FieldError, ...] = ()
    hits: tuple[Mapping[str, Any] | None, ...] = ()


def draft_of(fields: Fields, *, errors: list[wishes.FieldError]) -> Draft:
    """What was sent, kept for showing it again."""
    return Draft(
        email=fields.one("email"),
        topics=(*fields.all("topic"), *fields.all("topics")),
        queries=queries_of(fields),
        cadence=fields.one("cadence", "daily"),
        weekday=fields.one("weekday", "0"),
        timezone=fields.one("timezone"),
        source=wishes.source(fields) or HOSTED,
        is_framed=fields.has("embed"),
        errors=tuple(errors),
    )


def queries_of(fields: Fields) -> tuple[str, ...]:
    """The queries as typed, empty ones too: the n-th belongs to the n-th field. One more than allowed is enough."""
    return tuple(fields.values.get("query", ()))[: MAX_QUERIES + 1]


async def draft_page(request: Request, draft: Draft, *, lang: str, status: int = 200) -> HTMLResponse:
    """The form with everything that was typed still in it."""
    site = site_of(request)
    offered = await site.catalogue.offered(site.now(), site.read)
    body = _rendered(request, draft, offered, _fresh(site), lang=lang)
    headers = framed(site) if draft.is_framed else None
    return answered(body, status=status, lang=lang, headers=headers)


async def empty_page(request: Request, draft: Draft, *, lang: str) -> HTMLResponse:
    """The form before anything was typed: from memory, with a fresh token."""
    site = site_of(request)
    offered = await site.catalogue.offered(site.now(), site.read)
    fresh = _fresh(site)
    body = site.forms.page(
        (f"{len(fresh)} {request.url.replace(scheme='', netloc='')}", lang),
        fresh,
        read_at=site.catalogue.read_at,
        render=lambda marker: _rendered(request, draft, offered, [marker] * len(fresh), lang=lang),
    )
    return answered(body, lang=lang, headers=framed(site) if draft.is_framed else None)


def _rendered(
    request: Request, draft: Draft, offered: tuple[Offered, ...], fresh: Sequence[str], *, lang: str
) -> str:
    """The page; `fresh` holds the form token and, where robots are kept off by one, a task."""
    site, (started, *task) = site_of(request), fresh
    return render(
        request,
        "subscribe",
        lang=lang,
        is_framed=draft.is_framed,
        is_expired=draft.is_expired,
        form=_form(site, draft, offered, lang=lang)
        | {
            "started": started,
            "action": _action(request, draft),
            "task": "".join(task),
            "contact": site.contact,
        },
        consent=consent_text(site, lang),
        errors=error_rows(site, draft.errors, lang=lang),
        article=_article(draft.about),
        is_unknown_article=draft.is_similar and draft.about is None,
    )


def _action(request: Request, draft: Draft) -> str:
    """Where the form goes: an article stays in the address, so that it need not be believed from a field."""
    if draft.is_similar:
        return site_of(request).paths.similar(request.query_params.get("url", ""))
    return site_of(request).paths.subscribe()


def consent_text(site: Site, lang: str) -> str:
    """The words a visitor agrees to, exactly as shown."""
    return say(site, Say.CONSENT, lang=lang, publisher=site.publisher)


def _article(about: SimilarOffer | None) -> dict[str, Any] | None:
    """What the form says about the article it is for."""
    return {"title": about.title, "source": about.source, "more": about.more} if about else None


def _form(site: Site, draft: Draft, offered: tuple[Offered, ...], *, lang: str) -> dict[str, Any]:
    texts = [*draft.queries, "", "", ""][:MAX_QUERIES]
    hits = [*draft.hits, None, None, None]
    return {
        "email": draft.email,
        "topics": [
            _topic(site, one, is_on=one.slug in draft.topics, lang=lang)
            for one in _shown(draft, offered, lang=lang)
        ],
        "is_single": draft.is_single,
        "queries": [{"text": text, "hits": found} for text, found in zip(texts, hits, strict=False)],
        "cadence": draft.cadence,
        "weekday": draft.weekday,
        "weekdays": weekdays(lang),
        "timezone": draft.timezone,
        "source": draft.source,
        "wording": wording.digest(consent_text(site, lang))[:16],
    }


def _shown(draft: Draft, offered: tuple[Offered, ...], *, lang: str) -> list[Offered]:
    """The topics on the form: those near the article first, then those in the language of the page."""
    if draft.is_single:
        return [one for one in offered if one.slug in draft.topics]
    near = (*draft.about.topics, *draft.about.nearby) if draft.about else ()
    return sorted(offered, key=lambda one: (one.slug not in near, one.language not in {lang, ""}))


def _topic(site: Site, one: Offered, *, is_on: bool, lang: str) -> dict[str, Any]:
    return {
        "slug": one.slug,
        "name": one.name,
        "is_on": is_on,
        "hint": foreign(site, one.language, lang=lang),
    }


def foreign(site: Site, language: str, *, lang: str) -> str:
    """The name of a topic's language where the page speaks another."""
    if language in {lang, ""}:
        return ""
    return str(site.locale(lang).languages.get(language, language))


def weekdays(lang: str) -> list[tuple[int, str]]:
    """Monday 0 to Sunday 6, in words."""
    return sorted(get_day_names("wide", context="stand-alone", locale=lang).items())


def _fresh(site: Site) -> list[str]:
    """What no two visitors share, in the order of the page."""
    return [_started(site), *([site.proofs.task()] if site.proofs.is_asked() else [])]


def _started(site: Site) -> str:
    """When the form was opened, signed: a person needs longer than two seconds."""
    return site.signer.sign(Purpose.FORM, NO_SUBJECT, expires_at=site.now() + FORM_LIFE)
