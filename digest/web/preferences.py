"""The preference centre: one page, one Save, a pause, and the links to what needs a fresh proof of who you are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from digest.delivery import outbox
from digest.delivery.models import Reason as DeliveryReason
from digest.editions.plan import newest_release
from digest.web import centre, wishes
from digest.web.errors import Reason, Refused
from digest.web.forms import Fields, read_fields
from digest.web.limits import Scope
from digest.web.mailing import owe
from digest.web.messages import Say
from digest.web.moments import next_words
from digest.web.pages import error_rows, language_of, page, say, see_other
from digest.web.preview import looked_up
from digest.web.rehearsal import rehearsed
from digest.web.security import Held, Link
from digest.web.site import Site, site_of
from subscribers import manage, mutes, pause, preferences
from subscribers.choices import MAX_OWN_TOPICS
from subscribers.models import MuteKind, SubscriberState
from subscribers.preferences import Preferences
from subscribers.tokens import Claims, Purpose, trimmed

router = APIRouter()
T = TypeVar("T")
EITHER = (Purpose.ACCOUNT, Purpose.PREFERENCES)
LONGEST_PAUSE = timedelta(days=365)
SPANS = {"1w": timedelta(weeks=1), "2w": timedelta(weeks=2), "1m": timedelta(days=30)}
NOTICES = {
    "saved": Say.SAVED,
    "resumed": Say.RESUMED,
    "feed": Say.FEED_RENEWED,
    "links": Say.LINKS_INVALID,
    "resubscribed": Say.RESUBSCRIBED,
}


@dataclass(frozen=True, slots=True)
class Visit:
    """One person at their own page, with the rights of the link they came by."""

    site: Site
    claims: Claims
    token: str

    @property
    def has_all_rights(self) -> bool:
        """Whether the link was mailed minutes ago for this very purpose."""
        return self.claims.purpose is Purpose.ACCOUNT

    @property
    def path(self) -> str:
        """The path of this page."""
        return self.site.paths.preferences(trimmed(self.token))

    def load(self, session: Session, *, add: UUID | None = None) -> Preferences:
        """What this person has; raises Refused for a link made before their links were renewed."""
        have = preferences.load(session, self.claims.subject, now=self.site.now(), add=add)
        if have is None or have.token_version != self.claims.version:
            raise Refused(410, Reason.EXPIRED_LINK)
        return have

    async def write(self, act: Callable[[Session, Preferences], T]) -> T:
        """Do something for this person, if the link still stands, in one transaction."""
        return await self.site.writer.write(lambda session: act(session, self.load(session)))


@router.get("/p/{token}")
async def show(request: Request, token: str, claims: Annotated[Claims, Depends(Link(EITHER))]) -> Response:
    """Show everything somebody has; `?add=` ticks what they asked for in a form, unsaved."""
    visit = Visit(site_of(request), claims, token)
    if claims.is_test:
        return rehearsed(request)
    add = _uuid(request.query_params.get("add", ""))
    have = await visit.site.read(lambda session: visit.load(session, add=add))
    return centre_page(request, visit, have)


@router.post("/p/{token}")
async def save(request: Request, token: str, claims: Annotated[Claims, Depends(Held(EITHER))]) -> Response:
    """Save the form, or press one of the page's other buttons; then back to the page."""
    visit, fields = Visit(site_of(request), claims, token), await read_fields(request)
    if claims.is_test:
        return rehearsed(request)
    match fields.one("action"):
        case "renew_feed":
            await visit.write(lambda session, have: manage.renew_feed(session, have.public_id))
            return see_other(request, visit.path, done="feed")
        case "invalidate" if visit.has_all_rights:
            return await _invalidate(request, visit)
        case "resubscribe" if visit.has_all_rights:
            return await _resubscribe(request, visit)
        case "preview":
            return await _preview(request, visit, fields)
        case _:
            return await _save(request, visit, fields)


@router.post("/p/{token}/pause")
async def take_break(
    request: Request, token: str, claims: Annotated[Claims, Depends(Held(EITHER))]
) -> Response:
    """Pause until a day, or resume."""
    visit, fields = Visit(site_of(request), claims, token), await read_fields(request)
    if claims.is_test:
        return rehearsed(request)
    if fields.one("pause") == "resume":
        await visit.write(lambda session, have: pause.resume(session, have.public_id))
        return see_other(request, visit.path, done="resumed")
    have = await visit.site.read(visit.load)
    until = last_day(fields, today=visit.site.now().astimezone(ZoneInfo(have.settings.timezone)).date())
    if until is None:
        error = wishes.FieldError("until", Say.BAD_DATE)
        return centre_page(request, visit, have, errors=[error])
    await visit.write(lambda session, have: _pause(visit, session, have, until))
    return see_other(request, visit.path)


def last_day(fields: Fields, *, today: date) -> date | None:
    """The day a pause lasts until: a span or a date, between tomorrow and a year from today; None for anything else."""
    if (span := SPANS.get(fields.one("pause"))) is not None:
        return today + span
    try:
        until = date.fromisoformat(fields.one("until"))
    except ValueError:
        return None
    return until if timedelta() < until - today <= LONGEST_PAUSE else None


def centre_page(
    request: Request,
    visit: Visit,
    have: Preferences,
    *,
    sent: Fields | None = None,
    errors: Sequence[wishes.FieldError] = (),
    hits: Sequence[Any] = (),
) -> Response:
    """The page, filled with what is stored or with what was just sent and cannot be taken."""
    site, lang = visit.site, language_of(request, own=have.settings.locale)
    form = centre.shown_form(site, have, lang=lang, sent=sent)
    for row, found in zip(form["queries"], hits, strict=False):
        row["hits"] = found
    next_date = next_words(site, have.settings, lang=lang)
    return page(
        request,
        "preferences",
        status=422 if errors else 200,
        lang=lang,
        errors=error_rows(site, errors, lang=lang),
        notice=_notice(request, site, next_date, lang=lang),
        person=centre.shown_person(site, have, lang=lang, has_all_rights=visit.has_all_rights),
        has_no_topics=not any(one.is_chosen for one in have.topics),
        next_date=next_date,
        form=form,
        dates=centre.dates(site, have),
        urls=_urls(request, visit, have),
        unsubscribe_url=site.unsubscribe(have.public_id),
    )


async def _save(request: Request, visit: Visit, fields: Fields) -> Response:
    have = await visit.site.read(visit.load)
    wanted = centre.wanted(visit.site, fields, have, lang=language_of(request, own=have.settings.locale))
    if wanted.errors:
        return centre_page(request, visit, have, sent=fields, errors=wanted.errors)
    if have.state is SubscriberState.UNSUBSCRIBED:
        return see_other(request, visit.path)
    await visit.write(lambda session, have: write_down(visit, session, have, wanted))
    return see_other(request, visit.path, done="saved")


def write_down(visit: Visit, session: Session, have: Preferences, wanted: centre.Wanted) -> None:
    """Save topics, settings and words, and take back the mutes that are no longer ticked."""
    preferences.save(
        session, have.public_id, wanted.changes, now=visit.site.now(), release_no=newest_release(session)
    )
    for value in wanted.unmuted:
        kind, _, rest = value.partition(":")
        if kind == "topic":
            mutes.mute_topic(session, have.public_id, rest, until=None)
        elif kind in set(MuteKind):
            mutes.unmute(session, have.public_id, MuteKind(kind), rest)


def _pause(visit: Visit, session: Session, have: Preferences, until: date) -> None:
    if pause.pause(session, have.public_id, until=until):
        outbox.withdraw(session, have.subscriber_id, now=visit.site.now(), reason=DeliveryReason.PAUSED)


async def _preview(request: Request, visit: Visit, fields: Fields) -> Response:
    visit.site.limits.hit_near(Scope.PREVIEW, visit.site.client(request), now=visit.site.now())
    have = await visit.site.read(visit.load)
    errors: list[wishes.FieldError] = []
    queries = fields.values.get("query", ())[:MAX_OWN_TOPICS]
    wishes.own_topics(
        queries, errors, most=MAX_OWN_TOPICS, lang=language_of(request, own=have.settings.locale)
    )
    hits = await looked_up(visit.site, queries)
    return centre_page(request, visit, have, sent=fields, errors=errors, hits=hits)


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


async def _resubscribe(request: Request, visit: Visit) -> Response:
    await visit.write(lambda session, have: _start_again(visit.site, session, have))
    return see_other(request, visit.path, done="resubscribed")


def _start_again(site: Site, session: Session, have: Preferences) -> None:
    welcome = manage.resubscribe(
        session, have.public_id, now=site.now(), release_no=newest_release(session), hasher=site.hasher
    )
    owe(site, session, welcome)


def _notice(request: Request, site: Site, next_date: str | None, *, lang: str) -> str:
    name = NOTICES.get(request.query_params.get("done", ""))
    if name is Say.SAVED and next_date is None:
        name = Say.SAVED_PLAIN
    return say(site, name, lang=lang, date=next_date) if name else ""


def _urls(request: Request, visit: Visit, have: Preferences) -> dict[str, str]:
    asked = request.query_params.get("lang", "")
    ending = f"?lang={asked}" if asked in visit.site.languages else ""
    actions = {name: f"{visit.path}/{name}{ending}" for name in ("pause", "email", "export", "erase")}
    feed = visit.site.signer.sign(Purpose.FEED, have.public_id, version=have.feed_version)
    return actions | {"feed": visit.site.links.personal_feed(feed)}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
