"""What would be stored if a feed were asked now. Asks and reads for real, stores nothing."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import col

from digest.db import Database
from digest.feeds import recall
from digest.feeds.attempt import Fetches, Parses, attempt
from digest.feeds.document import ParsedDocument
from digest.feeds.exchange import Hop
from digest.feeds.guards import effective_at
from digest.feeds.hosts import host_key
from digest.feeds.identity import reconcile
from digest.feeds.known import Known, Plan, Verdict
from digest.feeds.models import ArticleState, Feed, FeedState, IdMode, KeyKind, Trust
from digest.feeds.outcomes import Outcome, sentence
from digest.feeds.settle import Result
from digest.feeds.urls import url_key

_NOBODY = -1
"""The id of a feed that is not in the tables: no key has this scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEntry:
    """One entry: what it is to us, and why. `state` is None for a known article, whose state stays."""

    title: str
    link: str
    guid: str
    summary: str
    content_html: str
    image_url: str
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    language: str
    published: datetime | None
    effective_at: datetime
    keys: tuple[KeyKind, ...]
    article_id: int | None
    state: ArticleState | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What an address gave, from the first redirect to the last entry."""

    outcome: Outcome
    sentence: str
    status: int | None
    url: str
    hops: tuple[Hop, ...]
    etag: str | None
    last_modified: str | None
    fresh_for: timedelta | None
    title: str
    format: str
    is_known: bool
    block_query: str
    keep_query: str
    id_mode: IdMode
    entries: tuple[TrialEntry, ...]


async def try_url(
    db: Database,
    fetcher: Fetches,
    pool: Parses,
    url: str,
    *,
    now: datetime,
    trust: Trust = Trust.THIRD,
    lang: str = "en",
) -> Trial:
    """Ask an address without validators and judge what it says as if it were polled now; never raises for a server.

    A feed we have is judged by its own past, any other one as new.
    """
    feed = await asyncio.to_thread(_feed, db, url, now, trust)
    is_known = feed.id != _NOBODY
    feed.url, feed.etag, feed.last_modified, feed.body_sha256 = url, None, None, None
    result = await attempt(feed, fetcher, pool, now=now, rests=lambda _host: False)
    plan = await asyncio.to_thread(_plan, db, feed, result.document, now) if result.document else None
    return _trial(result, feed, plan, now=now, lang=lang, is_known=is_known)


def _feed(db: Database, url: str, now: datetime, trust: Trust) -> Feed:
    with db.read() as session:
        feed: Feed | None = session.execute(
            select(Feed).where(col(Feed.url_key) == url_key(url))
        ).scalar_one_or_none()
        session.expunge_all()
    if feed is not None:
        return feed
    return Feed(
        id=_NOBODY,
        url=url,
        original_url=url,
        url_key=url_key(url),
        host=host_key(url),
        trust=trust,
        state=FeedState.NEW,
        next_check_at=now,
        state_since=now,
        created_at=now,
    )


def _plan(db: Database, feed: Feed, document: ParsedDocument, now: datetime) -> Plan:
    if not document.candidates:
        return Plan(verdicts=(), id_mode=feed.id_mode, is_flood=False)
    with db.read() as session:
        known: Known = recall.known(session, feed, document.candidates, now=now)
    return reconcile(document.candidates, known, feed, now=now)


def _trial(
    result: Result, feed: Feed, plan: Plan | None, *, now: datetime, lang: str, is_known: bool
) -> Trial:
    fetched, document = result.fetched, result.document
    if fetched is not None and fetched.body is not None:
        fetched.body.close()
    return Trial(
        outcome=result.outcome,
        sentence=sentence(result.outcome, detail=result.detail, lang=lang),
        status=fetched.status if fetched else None,
        url=fetched.url if fetched else feed.url,
        hops=fetched.hops if fetched else (),
        etag=fetched.etag if fetched else None,
        last_modified=fetched.last_modified if fetched else None,
        fresh_for=fetched.fresh_for if fetched else None,
        title=document.title if document else "",
        format=document.format if document else "",
        is_known=is_known,
        block_query=feed.block_query,
        keep_query=feed.keep_query,
        id_mode=plan.id_mode if plan else feed.id_mode,
        entries=tuple(_entry(one, now) for one in plan.verdicts) if plan else (),
    )


def _entry(one: Verdict, now: datetime) -> TrialEntry:
    moment, is_future = effective_at(one.candidate, now=now)
    return TrialEntry(
        title=one.candidate.title,
        link=one.candidate.link,
        guid=one.candidate.guid,
        summary=one.candidate.summary,
        content_html=one.candidate.content_html,
        authors=one.candidate.authors,
        tags=one.candidate.tags,
        language=one.candidate.language,
        image_url=one.candidate.image_url,
        published=one.candidate.published,
        effective_at=moment,
        keys=tuple(key.kind for key in one.keys),
        article_id=one.article_id,
        state=one.state,
        reason=one.reason or one.link.value or ("future_date" if is_future else ""),
    )
