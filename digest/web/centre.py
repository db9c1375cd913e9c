"""The page of the preference centre: everything a person has, in words, or what they just sent and cannot be taken."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from digest.matching.condition import conditions
from digest.web import wishes
from digest.web.centre_form import day_of, shown_form
from digest.web.forms import Fields
from digest.web.messages import Say
from digest.web.moments import day_words, next_words
from digest.web.pages import error_rows, language_of, page, say
from digest.web.site import Site
from digest.web.visit import Visit
from subscribers.choices import MAX_OWN_TOPICS
from subscribers.preferences import Preferences
from subscribers.tokens import Purpose

NOTICES = {
    "saved": Say.SAVED,
    "again": Say.FOLLOWED_AGAIN,
    "resumed": Say.RESUMED,
    "feed": Say.FEED_RENEWED,
    "links": Say.LINKS_INVALID,
    "resubscribed": Say.RESUBSCRIBED,
}


async def centre_page(
    request: Request,
    visit: Visit,
    have: Preferences,
    *,
    sent: Fields | None = None,
    errors: Sequence[wishes.FieldError] = (),
    hits: Sequence[Any] = (),
    own_hits: Sequence[Any] = (),
) -> Response:
    """The page; `hits` stand beside the new queries, `own_hits` beside those that are followed."""
    site, lang = visit.site, language_of(request, own=have.settings.locale)
    offered = await site.catalogue.offered(site.now(), site.read)
    health = await site.read(lambda session: conditions(session, have.own_ids, now=site.now()))
    form = shown_form(site, have, offered, health, lang=lang, sent=sent or Fields({}))
    _put(form["queries"], hits)
    _put(form["own"], own_hits)
    next_date = next_words(site, have.settings, lang=lang)
    return page(
        request,
        "preferences",
        status=422 if errors else 200,
        lang=lang,
        errors=error_rows(site, errors, lang=lang),
        notice=_notice(request, site, next_date, lang=lang),
        person=shown_person(site, have, lang=lang, has_all_rights=visit.has_all_rights),
        has_no_topics=not any(one.is_chosen for one in have.topics),
        next_date=next_date,
        form=form,
        removed=removed_before(request, have),
        urls=_urls(request, visit, have),
        unsubscribe_url=site.unsubscribe(have.public_id),
    )


def removed_before(request: Request, have: Preferences) -> list[str]:
    """The own topics that the Save before this page ended, to be taken back by one button."""
    followed = {one.query for one in have.topics}
    ended = request.query_params.get("removed", "").splitlines()[:MAX_OWN_TOPICS]
    return [query for query in ended if query and query not in followed]


def shown_person(site: Site, have: Preferences, *, lang: str, has_all_rights: bool) -> dict[str, Any]:
    """Who this is, as far as a page may say."""
    return {
        "address": have.masked_address,
        "state": have.state.value,
        "paused_until": day_words(site, have.paused_until, lang=lang) if have.paused_until else "",
        "has_all_rights": has_all_rights,
        "today": day_of(site.now(), have).isoformat(),
    }


def _put(rows: Sequence[dict[str, Any]], hits: Sequence[Any]) -> None:
    for row, found in zip(rows, hits, strict=False):
        row["hits"] = found


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
