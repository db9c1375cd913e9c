"""The public archive, day by day, and its feeds: what was released on the publisher's own topics, never on anybody's own."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from digest.editions import compose
from digest.editions.material import ContentFacts, Material, Named, articles_of
from digest.feeds.models import Article
from digest.rendering import Rendered
from digest.web import atom, reading
from digest.web.atom import AtomEntry, AtomFeed
from digest.web.errors import Reason, Refused
from digest.web.headers import MAIL_POLICY
from digest.web.moments import day_words
from digest.web.pages import language_of, page
from digest.web.personal import articles_of_person
from digest.web.security import Link
from digest.web.site import Site, site_of
from subscribers import register
from subscribers.models import Cadence, MailFormat, MailLength, Subscriber, SubscriberState, Topic
from subscribers.tokens import Claims, Purpose

router = APIRouter()
KEEP = {"Cache-Control": "public, max-age=300"}
KEEP_PERSONAL = {"Cache-Control": "private, max-age=900"}
ARTICLES_A_DAY = 200


@router.get("/archive")
async def show_days(request: Request) -> Response:
    """The newest thirty days, older ones by `?before=`."""
    site, lang = _open(request), language_of(request)
    before = _date(request.query_params.get("before", ""))
    days = await site.read(lambda session: _days(site, session, before))
    rows = [
        {
            "url": site.paths.archive(one.on.isoformat()),
            "day": day_words(site, one.on, lang=lang),
            "articles": one.articles,
        }
        for one in days
    ]
    is_more = len(days) == reading.DAYS_PER_PAGE
    older = f"{site.paths.archive()}?before={days[-1].on.isoformat()}" if is_more else None
    return page(
        request,
        "archive",
        lang=lang,
        headers=KEEP,
        days=rows,
        older=older,
        feed_url=site.paths.archive_feed(),
    )


@router.get("/archive.xml")
async def show_feed_of_days(request: Request) -> Response:
    """The archive as a feed, one entry a day."""
    site, lang = _open(request), language_of(request)
    days = await site.read(lambda session: _days(site, session, None))
    entries = [_day_entry(site, one, lang=lang) for one in days]
    feed = _feed(
        site, "archive", site.settings.site.name, site.links.archive_feed(), lang=lang, entries=entries
    )
    return _answer(request, feed, KEEP)


@router.get("/archive/{day}")
async def show_day(request: Request, day: str) -> Response:
    """One day as its mail looks, for everybody."""
    site, lang = _open(request), language_of(request)
    on = _date(day)
    rendered = await site.read(lambda session: day_page(site, session, on, lang=lang)) if on else None
    if rendered is None:
        raise Refused(404, Reason.NO_PAGE)
    headers = {"Content-Security-Policy": MAIL_POLICY, "Content-Language": lang, "Vary": "Accept-Language"}
    return HTMLResponse(rendered.html_text, headers=KEEP | headers)


@router.get("/topics/{slug}/feed.xml")
async def show_topic_feed(request: Request, slug: str) -> Response:
    """The newest articles of one of the publisher's topics."""
    site, lang = site_of(request), language_of(request)

    def look(session: Session) -> AtomFeed | None:
        topic = reading.public_topic(session, slug)
        if topic is None:
            return None
        entries = [_entry(site, one) for one in reading.articles_of_topic(session, topic.id)]
        title, url = f"{topic.name} – {site.settings.site.name}", site.links.topic(slug)
        return _feed(site, f"topic/{slug}", title, url, lang=topic.language or lang, entries=entries)

    feed = await site.read(look)
    if feed is None:
        raise Refused(404, Reason.NO_PAGE)
    return _answer(request, feed, KEEP)


@router.get("/feed/{token}.xml")
async def show_own_feed(
    request: Request, token: str, claims: Annotated[Claims, Depends(Link((Purpose.FEED,)))]
) -> Response:
    """Somebody's own topics, without what they muted, also while paused; 410 once renewed or left."""
    site = site_of(request)
    feed = await site.read(lambda session: own_feed(site, session, claims, token))
    if feed is None:
        raise Refused(410, Reason.GONE)
    return _answer(request, feed, KEEP_PERSONAL)


def own_feed(site: Site, session: Session, claims: Claims, token: str) -> AtomFeed | None:
    """The feed of the person a token names, or None."""
    person = register.by_public_id(session, claims.subject)
    if person is None or not _may_read(person, claims):
        return None
    today = site.now().astimezone(ZoneInfo(person.timezone)).date()
    entries = [_entry(site, one) for one in articles_of_person(session, person, today=today)]
    name = f"feed/{claims.subject}"
    url = site.links.personal_feed(token)
    return _feed(site, name, site.settings.site.name, url, lang=person.locale, entries=entries)


def day_page(site: Site, session: Session, on: date, *, lang: str) -> Rendered | None:
    """A day in the public variant of the edition template; None for a day without news."""
    timezone, runtime = site.settings.timezone, site.runtime
    shown = reading.shown_on(session, on, timezone=timezone, limit=ARTICLES_A_DAY)
    if not shown:
        return None
    facts = ContentFacts(
        id=0,
        language=lang,
        format=MailFormat.HTML,
        length=MailLength.NORMAL,
        selection={"shown": shown, "more": {}},
        edition_id=0,
        cadence=Cadence.DAILY,
        local_time="00:00",
        timezone=timezone,
        local_date=on,
        due_at=reading.day_bounds(on, timezone)[0],
    )
    material = Material(
        {0: facts},
        articles_of(session, {item[0] for item in shown}),
        _topics(session, {topic for item in shown for topic in (item[1], *item[4])}),
    )
    context = compose.context(material, 0, house=runtime.house, markers=None)
    return runtime.templates.mail("edition", lang=lang, context=context)


def _topics(session: Session, ids: Iterable[int]) -> dict[int, Named]:
    rows = session.exec(select(Topic).where(col(Topic.id).in_(list(ids))))
    return {one.id: Named(one.name, one.slug, one.kind) for one in rows}


def _open(request: Request) -> Site:
    site = site_of(request)
    if not site.settings.archive:
        raise Refused(404, Reason.NO_PAGE)
    return site


def _days(site: Site, session: Session, before: date | None) -> list[reading.ArchiveDay]:
    return reading.archive_days(session, before=before, timezone=site.settings.timezone)


def _date(text: str) -> date | None:
    """A day that begins and ends in every zone: the first and the last year there are do not."""
    try:
        found = date.fromisoformat(text) if len(text) == 10 else date.min
    except ValueError:
        return None
    return found if date.min.year < found.year < date.max.year else None


def _may_read(person: Subscriber, claims: Claims) -> bool:
    return person.state is not SubscriberState.UNSUBSCRIBED and person.feed_version == claims.version


def _feed(
    site: Site, name: str, title: str, url: str, *, lang: str, entries: Sequence[AtomEntry]
) -> AtomFeed:
    updated = max((one.updated for one in entries), default=datetime(2000, 1, 1, tzinfo=ZoneInfo("UTC")))
    return AtomFeed(
        id=_tag(site, "2000", name),
        title=title,
        author=site.publisher,
        self_url=url,
        url=site.settings.site.url or site.links.home(),
        language=lang,
        updated=updated,
        entries=entries,
    )


def _entry(site: Site, article: Article) -> AtomEntry:
    return AtomEntry(
        id=_tag(site, article.first_seen_at.date().isoformat(), f"article/{article.id}"),
        title=article.title,
        url=article.link,
        updated=article.updated_at or article.effective_at,
        published=article.published_at,
        summary=article.summary,
        authors=article.authors,
        source=article.source,
    )


def _day_entry(site: Site, day: reading.ArchiveDay, *, lang: str) -> AtomEntry:
    return AtomEntry(
        id=_tag(site, day.on.isoformat(), "archive"),
        title=day_words(site, day.on, lang=lang),
        url=site.links.archive(day.on.isoformat()),
        updated=day.newest_at,
    )


def _tag(site: Site, on: str, name: str) -> str:
    """A name that stays (RFC 4151): our host, a date on which it was ours, and what it stands for."""
    return f"tag:{urlsplit(site.links.base_url).hostname},{on}:{name}"


def _answer(request: Request, feed: AtomFeed, keep: dict[str, str]) -> Response:
    """The feed, or 304 to somebody who has it already."""
    body = atom.written(feed)
    etag = f'"{sha256(body).hexdigest()[:24]}"'
    headers = keep | {"ETag": etag}
    if etag in [
        one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")
    ]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=atom.MEDIA_TYPE, headers=headers)
