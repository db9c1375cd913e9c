"""The preference centre: one page, one Save, and the buttons beside it; what needs a fresh proof stands in `account`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from digest.editions.plan import newest_release
from digest.web import wishes
from digest.web.centre import centre_page
from digest.web.changes import Wanted, wanted
from digest.web.forms import Fields, read_fields
from digest.web.limits import Scope
from digest.web.mailing import owe
from digest.web.pages import language_of, see_other
from digest.web.preview import looked_up, too_broad
from digest.web.rehearsal import rehearsed
from digest.web.security import Held, Link
from digest.web.site import Site, site_of
from digest.web.visit import EITHER, Visit
from subscribers import manage, mutes, preferences
from subscribers.choices import MAX_OWN_TOPICS
from subscribers.models import MuteKind, SubscriberState, TopicKind
from subscribers.preferences import Preferences
from subscribers.tokens import Claims, Purpose

router = APIRouter()


@router.get("/p/{token}")
async def show(request: Request, token: str, claims: Annotated[Claims, Depends(Link(EITHER))]) -> Response:
    """Show everything somebody has; `?add=` ticks what they asked for in a form, unsaved."""
    visit = Visit(site_of(request), claims, token)
    if claims.is_test:
        return rehearsed(request)
    add = _uuid(request.query_params.get("add", ""))
    have = await visit.site.read(lambda session: visit.load(session, add=add))
    return await centre_page(request, visit, have)


@router.post("/p/{token}")
async def save(request: Request, token: str, claims: Annotated[Claims, Depends(Held(EITHER))]) -> Response:
    """Save the form, or press one of the page's other buttons; then back to the page."""
    visit, fields = Visit(site_of(request), claims, token), await read_fields(request)
    if claims.is_test:
        return rehearsed(request)
    action = fields.one("action")
    if action == "preview":
        return await _preview(request, visit, fields)
    if action == "invalidate" and visit.has_all_rights:
        return await _invalidate(request, visit)
    done = await _press(visit, action)
    return see_other(request, visit.path, done=done) if done else await _save(request, visit, fields)


async def _press(visit: Visit, action: str) -> str:
    """Do what one of the small buttons stands for; the name of its notice, or "" for any other button."""
    name, _, slug = action.partition(":")
    match name:
        case "renew_feed":
            await visit.write(lambda session, have: manage.renew_feed(session, have.public_id))
            return "feed"
        case "again":
            now = visit.site.now()
            await visit.write(
                lambda session, have: preferences.follow_again(session, have.public_id, slug, now=now)
            )
            return "again"
        case "resubscribe" if visit.has_all_rights:
            await visit.write(lambda session, have: _start_again(visit.site, session, have))
            return "resubscribed"
    return ""


async def _save(request: Request, visit: Visit, fields: Fields) -> Response:
    have = await visit.site.read(visit.load)
    lang = language_of(request, own=have.settings.locale)
    asked = wanted(visit.site, fields, have, lang=lang)
    errors = [*asked.errors, *await too_broad(visit.site, _typed(fields), lang=lang)]
    if errors:
        return await centre_page(request, visit, have, sent=fields, errors=errors)
    if have.state is SubscriberState.UNSUBSCRIBED:
        return see_other(request, visit.path)
    await visit.write(lambda session, have: write_down(visit, session, have, asked))
    return see_other(request, visit.path, done="saved", removed="\n".join(ended(have, asked)))


def ended(have: Preferences, asked: Wanted) -> list[str]:
    """The queries of one's own that this Save ended: nobody else has them, so the page offers them once more."""
    gone = asked.changes.shown - asked.changes.chosen
    return [one.query for one in have.topics if one.kind is not TopicKind.CURATED and one.slug in gone]


def write_down(visit: Visit, session: Session, have: Preferences, asked: Wanted) -> None:
    """Save topics, settings and words, and take back the mutes that are no longer ticked."""
    preferences.save(
        session, have.public_id, asked.changes, now=visit.site.now(), release_no=newest_release(session)
    )
    for value in asked.unmuted:
        kind, _, rest = value.partition(":")
        if kind == "topic":
            mutes.mute_topic(session, have.public_id, rest, until=None)
        elif kind in set(MuteKind):
            mutes.unmute(session, have.public_id, MuteKind(kind), rest)


async def _preview(request: Request, visit: Visit, fields: Fields) -> Response:
    """The page as it was sent, with what each query would have found; nothing is saved."""
    site = visit.site
    site.limits.hit_near(Scope.PREVIEW, site.client(request), now=site.now())
    have = await site.read(visit.load)
    lang, queries = language_of(request, own=have.settings.locale), _typed(fields)
    errors: list[wishes.FieldError] = []
    wishes.own_topics(queries, errors, most=MAX_OWN_TOPICS, lang=lang)
    own = [one.query for one in have.topics if one.kind is not TopicKind.CURATED]
    hits = await looked_up(site, [*own, *queries], lang=lang)
    return await centre_page(
        request,
        visit,
        have,
        sent=fields,
        errors=errors,
        own_hits=hits[: len(own)],
        hits=hits[len(own) :],
    )


def _typed(fields: Fields) -> tuple[str, ...]:
    """The new queries, empty ones too: the n-th belongs to the n-th field."""
    return tuple(fields.values.get("query", ()))[: MAX_OWN_TOPICS + 1]


async def _invalidate(request: Request, visit: Visit) -> Response:
    """Renew all links; this visit goes on under one that ends when its link would have ended."""
    version = await visit.write(lambda session, have: _renewed_version(visit, session, have))
    token = visit.site.signer.sign(
        Purpose.ACCOUNT, visit.claims.subject, version=version, expires_at=visit.claims.expires_at
    )
    return see_other(request, visit.site.paths.preferences(token), done="links")


def _renewed_version(visit: Visit, session: Session, have: Preferences) -> int:
    manage.invalidate_links(session, have.public_id)
    renewed = preferences.load(session, have.public_id, now=visit.site.now())
    return renewed.token_version if renewed else have.token_version


def _start_again(site: Site, session: Session, have: Preferences) -> None:
    welcome = manage.resubscribe(
        session, have.public_id, now=site.now(), release_no=newest_release(session), hasher=site.hasher
    )
    owe(site, session, welcome)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
