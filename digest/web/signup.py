"""Signing up: a form, and one answer that is the same for a new, a known, a suppressed and a limited address."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from digest.matching.offer import SimilarOffer, similar_topic
from digest.web import wishes
from digest.web.draft import (
    FORM_LIFE,
    HOSTED,
    MAX_QUERIES,
    Draft,
    consent_text,
    draft_of,
    draft_page,
    empty_page,
    queries_of,
)
from digest.web.errors import Reason, Refused
from digest.web.forms import Fields, read_fields, wants_json
from digest.web.limits import Scope
from digest.web.messages import Say
from digest.web.orders import Order
from digest.web.pages import framed, invalid_json, language_of, page, say, see_other
from digest.web.preview import looked_up, too_broad
from digest.web.security import Open
from digest.web.site import Site, site_of
from digest.web.writer import Lane
from subscribers import wording
from subscribers.choices import Choices
from subscribers.errors import TokenError
from subscribers.networks import coarse
from subscribers.tokens import Purpose

router = APIRouter()
SHORTEST_VISIT = timedelta(seconds=2)


@router.get("/subscribe")
async def show_form(request: Request) -> Response:
    """Show the form; `?topic=` ticks topics, a single one is chosen and hidden."""
    named = await named_topics(request)
    draft = Draft(topics=named, is_single=len(named) == 1)
    return await empty_page(request, draft, lang=language_of(request))


@router.post("/subscribe")
async def take_form(request: Request, _: Annotated[None, Depends(Open(Lane.SIGN_UP))]) -> Response:
    """Note the wish and say what comes next."""
    return await take(request, about=None)


@router.get("/subscribe/check-inbox")
async def check_inbox(request: Request) -> Response:
    """Say that a mail is on its way, if there is something to confirm."""
    site, lang = site_of(request), language_of(request)
    is_framed = "embed" in request.query_params
    return page(
        request,
        "check_inbox",
        lang=lang,
        headers=framed(site) if is_framed else None,
        is_framed=is_framed,
        message=say(site, Say.CHECK_INBOX, lang=lang, sender=site.sender),
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that came in: its fields, the language of the answer, and the article it is about."""

    request: Request
    fields: Fields
    lang: str
    about: SimilarOffer | None

    @property
    def site(self) -> Site:
        """The app's composition."""
        return site_of(self.request)


async def take(request: Request, *, about: SimilarOffer | None) -> Response:
    """Read, weigh and note a sign-up; robots get the same answer and leave no trace."""
    site = site_of(request)
    site.limits.hit_sign_up(site.client(request), now=site.now())
    require_origin(request, site)
    fields = await read_fields(request)
    sent = Sent(request, fields, language_of(request, asked=fields.one("lang")), about)
    if fields.one("action") == "preview":
        return await show_matches(sent)
    if is_robot(site, fields):
        site.metrics.signups.labels("robot").inc()
        return answer(sent)
    if lacks_proof(site, fields):
        site.metrics.signups.labels("no_proof").inc()
        return await refused(sent, [wishes.FieldError("altcha", Say.NO_PROOF)])
    weigh_twice_without_form(request, site, fields)
    errors: list[wishes.FieldError] = []
    order = order_of(sent, errors, slugs=await offered_slugs(site))
    errors += await too_broad(site, queries_of(fields), lang=sent.lang)
    if order is None or errors:
        site.metrics.signups.labels("invalid").inc()
        return await refused(sent, errors)
    await site.writer.sign_up(order)
    site.metrics.signups.labels("taken").inc()
    return answer(sent)


async def named_topics(request: Request) -> tuple[str, ...]:
    """The topics that the address of a form names, as far as they exist."""
    slugs = await offered_slugs(site_of(request))
    return tuple(dict.fromkeys(slug for slug in request.query_params.getlist("topic") if slug in slugs))


async def offered_slugs(site: Site) -> frozenset[str]:
    """The slugs that can be chosen now."""
    return frozenset(topic.slug for topic in await site.catalogue.offered(site.now(), site.read))


async def show_matches(sent: Sent) -> Response:
    """The form again, with what each query would have found; nothing is stored."""
    site = sent.site
    site.limits.hit_near(Scope.PREVIEW, site.client(sent.request), now=site.now())
    errors: list[wishes.FieldError] = []
    wishes.own_topics(queries_of(sent.fields), errors, most=MAX_QUERIES, lang=sent.lang)
    hits = await looked_up(site, queries_of(sent.fields), lang=sent.lang)
    draft = replace(redrawn(sent, errors), hits=tuple(hits))
    return await draft_page(sent.request, draft, lang=sent.lang, status=422 if errors else 200)


def redrawn(sent: Sent, errors: list[wishes.FieldError]) -> Draft:
    """The form as it was sent."""
    is_similar = sent.request.url.path.endswith("/similar")
    return replace(draft_of(sent.fields, errors=errors), is_similar=is_similar, about=sent.about)


def require_origin(request: Request, site: Site) -> None:
    """Refuse a form on a page that is neither ours nor among `DIGEST_EMBED__ORIGINS`, if that list is set."""
    origin, listed = request.headers.get("origin"), site.settings.embed.origins
    if listed and origin is not None and origin.lower() not in {*listed, site.origin}:
        raise Refused(403, Reason.FOREIGN)


def is_robot(site: Site, fields: Fields) -> bool:
    """Whether the field nobody sees is filled, or the form came back faster than a person types."""
    if fields.one("extra"):
        return True
    age = form_age(site, fields)
    return age is not None and age < SHORTEST_VISIT


def lacks_proof(site: Site, fields: Fields) -> bool:
    """Whether a task had to be solved and was not; a solution counts once."""
    return site.proofs.is_asked() and not site.proofs.spend(fields.one("altcha"))


def form_age(site: Site, fields: Fields) -> timedelta | None:
    """How long ago the form was opened; None for a form that does not say so, or says it too late."""
    try:
        claims = site.signer.read(Purpose.FORM, fields.one("started"), now=site.now())
    except TokenError:
        return None
    return None if claims.expires_at is None else site.now() - (claims.expires_at - FORM_LIFE)


def weigh_twice_without_form(request: Request, site: Site, fields: Fields) -> None:
    """A request that names no opened form counts double: static forms are welcome, floods are not."""
    if form_age(site, fields) is None:
        site.limits.hit_networks(site.client(request), now=site.now())


def order_of(sent: Sent, errors: list[wishes.FieldError], *, slugs: frozenset[str]) -> Order | None:
    """The order that these fields make, or None with what is wrong with them in `errors`."""
    fields, site = sent.fields, sent.site
    address = wishes.address(fields, errors)
    topics = wishes.topics(fields, errors, offered=slugs)
    own = wishes.own_topics(queries_of(fields), errors, most=MAX_QUERIES, lang=sent.lang)
    schedule = wishes.schedule(fields, errors)
    if not topics and not own and not errors:
        errors.append(wishes.FieldError("topic" if slugs else "query", Say.NO_TOPIC))
    if errors or address is None:
        return None
    about = sent.about
    choices = Choices(
        topics=topics,
        own=tuple(similar_topic(about, one.typed) for one in own) if about else own,
        cadence=schedule.cadence,
        weekday=schedule.weekday,
        timezone=wishes.timezone(fields, default=site.settings.timezone),
        locale=sent.lang,
    )
    return Order(
        address=address,
        choices=choices,
        source=wishes.source(fields),
        page=page_of(sent.request),
        network=coarse(site.client(sent.request) or ""),
        words=words_of(site, fields, lang=sent.lang),
        article=about.title if about else None,
    )


def words_of(site: Site, fields: Fields, *, lang: str) -> str:
    """The consent text that was shown: ours if the form names it, else the name a foreign form gives."""
    ours, named = consent_text(site, lang), fields.one("wording")
    return ours if named and wording.digest(ours).startswith(named) else named


def page_of(request: Request) -> str:
    """The page the form stood on, as far as the browser tells: origin and path, never a query."""
    parts = urlsplit(request.headers.get("referer") or request.headers.get("origin") or "")
    return f"{parts.scheme}://{parts.netloc}{parts.path}"[:512] if parts.scheme in {"http", "https"} else ""


def answer(sent: Sent) -> Response:
    """What everybody gets: the check-inbox page, the publisher's own, or the same in JSON."""
    site, fields = sent.site, sent.fields
    if wants_json(sent.request):
        message = say(site, Say.CHECK_INBOX, lang=sent.lang, sender=site.sender)
        return JSONResponse({"status": "check_inbox", "message": message}, status_code=202)
    if fields.one("next") in site.settings.embed.next:
        return RedirectResponse(fields.one("next"), status_code=303)
    embed = {"embed": "1"} if fields.has("embed") else {}
    return see_other(sent.request, site.paths.check_inbox(), lang=fields.one("lang"), **embed)


async def refused(sent: Sent, errors: list[wishes.FieldError]) -> Response:
    """The form again with what is wrong, or the same as problem+json."""
    if wants_json(sent.request):
        task = {"task": sent.site.proofs.task()} if sent.site.proofs.is_asked() else {}
        return invalid_json(sent.site, errors, lang=sent.lang, **task)
    draft = redrawn(sent, errors)
    is_single = len(draft.topics) == 1 and draft.source != HOSTED and not draft.is_similar
    return await draft_page(sent.request, replace(draft, is_single=is_single), lang=sent.lang, status=422)
