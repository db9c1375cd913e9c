"""What one attempt means for the tables: articles, validators, health, the host's rest and the next check together.

One transaction holds all of it, so a later 304 can never hide an article that was not stored, and no outcome leaves
a feed without its next attempt. A result whose claim has passed to somebody else is dropped.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from sqlalchemy import delete, func, select
from sqlmodel import Session, col

from digest.feeds import recall, store, tally
from digest.feeds.claim import host_state
from digest.feeds.document import ParsedDocument
from digest.feeds.exchange import Fetched
from digest.feeds.hosts import host_key
from digest.feeds.identity import reconcile
from digest.feeds.known import Plan
from digest.feeds.models import Feed, FeedFetch, FeedState, HostState
from digest.feeds.outcomes import Outcome
from digest.feeds.parse import PARSER_VERSION
from digest.feeds.schedule import health, next_check, rest
from digest.feeds.urls import url_key

RESTING: Final = "resting"
_KEPT_FETCHES: Final = 50
_REDIRECT_COUNT: Final = 3
_REDIRECT_OVER: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one claimed attempt ended. `document` is there exactly if the outcome is `changed` or a parsed `empty`."""

    feed_id: int
    claimed_until: datetime | None
    outcome: Outcome
    detail: str = ""
    fetched: Fetched | None = None
    document: ParsedDocument | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a result did. `news` is the state an operator should be told of, `is_flood` that he has to decide."""

    feed_id: int
    outcome: Outcome
    new: int = 0
    updated: int = 0
    accepted: int = 0
    news: FeedState | None = None
    is_flood: bool = False


def settle(
    session: Session, results: Sequence[Result], *, now: datetime, rng: Random, wanted_by: datetime | None
) -> list[Settled]:
    """Write results together; a feed that is gone, or whose claim is no longer ours, is passed over."""
    feeds = _lock_feeds(session, [result.feed_id for result in results])
    hosts = _hosts(session, {feed.host for feed in feeds.values()})
    settled = []
    with session.no_autoflush:
        for result in results:
            feed = feeds.get(result.feed_id)
            if feed is not None and feed.claimed_until == result.claimed_until:
                host = _host_after(session, hosts.get(feed.host), result, now=now)
                one = _write_down(session, feed, result, now=now)
                feed.next_check_at = next_check(
                    feed, host, result.outcome, now=now, rng=rng, wanted_by=wanted_by
                )
                settled.append(one)
    session.flush()
    tally.count(session, [one.outcome for one in settled])
    return settled


def _lock_feeds(session: Session, feed_ids: Collection[int]) -> dict[int, Feed]:
    statement = select(Feed).where(col(Feed.id).in_(feed_ids)).order_by(col(Feed.id)).with_for_update()
    rows = session.execute(statement.execution_options(populate_existing=True)).scalars()
    return {feed.id: feed for feed in rows}


def _hosts(session: Session, hosts: Collection[str]) -> dict[str, HostState]:
    rows = session.execute(select(HostState).where(col(HostState.host).in_(hosts))).scalars()
    return {row.host: row for row in rows}


def _write_down(session: Session, feed: Feed, result: Result, *, now: datetime) -> Settled:
    """Store the document, what the answer said of itself, and what that makes of the feed's health."""
    plan = _store_document(session, feed, result, now=now)
    if result.outcome.is_ok:
        _remember_answer(feed, result, now=now)
        _follow_permanent_redirect(session, feed, result, now=now)
    settled = Settled(
        feed_id=feed.id,
        outcome=result.outcome,
        new=len(plan.new) if plan else 0,
        updated=len(plan.updated) if plan else 0,
        accepted=plan.accepted if plan else 0,
        news=_set_health(feed, result, now=now),
        is_flood=bool(plan and plan.is_flood),
    )
    feed.claimed_until = None
    session.add(_fetch_row(result, settled, now=now))
    return settled


def prune_fetches(session: Session, feed_ids: Collection[int]) -> None:
    """Keep the last 50 attempts of these feeds."""
    place = func.row_number().over(partition_by=col(FeedFetch.feed_id), order_by=col(FeedFetch.id).desc())
    ranked = (
        select(col(FeedFetch.id), place.label("place")).where(col(FeedFetch.feed_id).in_(feed_ids)).subquery()
    )
    session.execute(
        delete(FeedFetch)
        .where(col(FeedFetch.id).in_(select(ranked.c.id).where(ranked.c.place > _KEPT_FETCHES)))
        .execution_options(synchronize_session=False)
    )


def _store_document(session: Session, feed: Feed, result: Result, *, now: datetime) -> Plan | None:
    document = result.document
    if document is None:
        return None
    _describe(feed, document)
    if not document.candidates:  # nothing listed: what we know of the feed's articles stays untouched
        return None
    known = recall.known(session, feed, document.candidates, now=now)
    plan = reconcile(document.candidates, known, feed, now=now)
    store.apply(session, feed, plan, now=now)
    return plan


def _describe(feed: Feed, document: ParsedDocument) -> None:
    feed.title = document.title or feed.title
    feed.site_url = document.link or feed.site_url
    feed.language = document.language or feed.language
    feed.hub_url, feed.self_url = document.hub_url, document.self_url
    feed.ttl = max((wish for wish in (document.ttl, document.update_period) if wish), default=None)


def _remember_answer(feed: Feed, result: Result, *, now: datetime) -> None:
    """Keep validators and hash of a readable document; a 304 refreshes only what it names."""
    fetched = result.fetched
    feed.last_ok_at = now
    if fetched is None or (result.outcome is Outcome.EMPTY and result.document is None):
        return  # no bytes at all: nothing to compare the next answer with
    is_document = fetched.status != 304
    if is_document or fetched.etag:
        feed.etag = fetched.etag
    if is_document or fetched.last_modified:
        feed.last_modified = fetched.last_modified
    if is_document or fetched.fresh_for is not None:
        feed.max_age = fetched.fresh_for
    if fetched.body is not None:
        feed.body_sha256 = fetched.body.sha256
        feed.parser_version = PARSER_VERSION
        feed.last_document_at = now


def _follow_permanent_redirect(session: Session, feed: Feed, result: Result, *, now: datetime) -> None:
    """Take over a new address when it was promised in three successes over a day and belongs to nobody else."""
    fetched = result.fetched
    hops = fetched.hops if fetched else ()
    if fetched is None or not hops or not all(hop.is_permanent for hop in hops):
        feed.redirect_target, feed.redirect_count, feed.redirect_since = None, 0, None
        return
    if feed.redirect_target != fetched.url or feed.redirect_since is None:
        feed.redirect_target, feed.redirect_count, feed.redirect_since = fetched.url, 0, now
    feed.redirect_count += 1
    is_settled = feed.redirect_count >= _REDIRECT_COUNT and now - feed.redirect_since >= _REDIRECT_OVER
    is_downgrade = feed.url.startswith("https:") and fetched.url.startswith("http:")
    if not is_settled or is_downgrade or _is_owned(session, feed, url_key(fetched.url)):
        return
    feed.url, feed.url_key, feed.host = fetched.url, url_key(fetched.url), host_key(fetched.url)
    feed.redirect_target, feed.redirect_count, feed.redirect_since = None, 0, None


def _is_owned(session: Session, feed: Feed, key: str) -> bool:
    statement = select(col(Feed.id)).where(col(Feed.url_key) == key, col(Feed.id) != feed.id)
    return session.execute(statement).first() is not None


def _host_after(
    session: Session, host: HostState | None, result: Result, *, now: datetime
) -> HostState | None:
    """The host whose rest counts for the next check: the feed's own, or the one that asked for silence just now."""
    fetched = result.fetched
    if result.outcome is not Outcome.THROTTLED or fetched is None:
        return host
    host = host_state(session, fetched.host)
    if result.detail != RESTING:
        silence = rest(host, fetched.wait, now=now)
        host.not_before = max(silence.not_before, host.not_before or now)
        host.strikes, host.strikes_at = silence.strikes, now
        host.reason = f"status {fetched.status}"
        session.flush()
    return host


def _set_health(feed: Feed, result: Result, *, now: datetime) -> FeedState | None:
    """Write the new health; the state if an operator should be told of it."""
    after = health(feed, result.outcome, now=now)
    feed.state, feed.state_since, feed.error_count = after.state, after.state_since, after.error_count
    feed.gone_count, feed.gone_since = after.gone_count, after.gone_since
    feed.last_outcome, feed.last_detail = result.outcome.value, result.detail
    return after.state if after.is_news else None


def _fetch_row(result: Result, settled: Settled, *, now: datetime) -> FeedFetch:
    fetched = result.fetched
    return FeedFetch(
        feed_id=result.feed_id,
        at=now,
        outcome=result.outcome.value,
        status=fetched.status if fetched else None,
        bytes_wire=fetched.bytes_wire if fetched else 0,
        bytes_body=fetched.body.size if fetched and fetched.body else 0,
        duration=fetched.duration if fetched else timedelta(),
        new=settled.accepted,
        updated=settled.updated,
    )
