"""From what the rules of identity found to what becomes of each entry: state, change, and the keys it keeps. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from digest.feeds.document import Candidate
from digest.feeds.guards import NO_MAIL, is_withheld, judge
from digest.feeds.hosts import host_key
from digest.feeds.keys import Entry, Key
from digest.feeds.known import Change, Known, KnownArticle, Link, Standing, Verdict
from digest.feeds.models import ArticleState, Feed, Trust

_FORGIVING: Final = frozenset({"baseline", "late", "expired", "flood"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One entry after the rules: its article, and the articles it was refused by although a key led there."""

    entry: Entry
    article_id: int | None
    link: Link
    refused: frozenset[int]


def standing(feed: Feed, link: str) -> Standing:
    """How much a feed's word about an article at this address counts."""
    if feed.trust is Trust.OWN:
        return Standing.OWN
    return Standing.SAME_HOST if link and host_key(link) == host_key(feed.url) else Standing.FIRST_COME


def outranks(feed: Feed, one: Candidate, article: KnownArticle) -> bool:
    """Whether a feed's word about an article counts more than that of the feed it belongs to."""
    return standing(feed, one.link) > article.standing


def decide(
    found: Sequence[Found], known: Known, feed: Feed, *, now: datetime
) -> tuple[tuple[Verdict, ...], bool]:
    """Say what becomes of every entry, in the document's order, and whether what is new is a flood."""
    drafts = _with_owned_keys([_draft(one, known, feed) for one in found], known)
    fresh = [
        place
        for place, draft in enumerate(drafts)
        if draft.article_id is None or _is_news(draft, known, feed)
    ]
    judgements, is_flood = judge([drafts[place].candidate for place in fresh], feed, known, now=now)
    for place, (state, reason) in zip(fresh, judgements, strict=True):
        if drafts[place].article_id is None or state is ArticleState.ELIGIBLE:
            drafts[place] = replace(drafts[place], state=state, reason=reason)
    return tuple(sorted(drafts, key=lambda one: one.candidate.position)), is_flood


def _draft(one: Found, known: Known, feed: Feed) -> Verdict:
    keys = one.entry.keys
    moved = frozenset(key for key in keys if known.keys.get(key) in one.refused)
    draft = Verdict(
        candidate=one.entry.candidate,
        article_id=one.article_id,
        link=Link.REUSED if moved and one.link is Link.KEY else one.link,
        keys=keys,
        moved=moved,
    )
    article = known.articles.get(one.article_id) if one.article_id is not None else None
    return draft if article is None else _changed(draft, article, feed)


def _with_owned_keys(drafts: list[Verdict], known: Known) -> list[Verdict]:
    """Give every key to one entry, the poorest first; a new entry that could not be recognised again is dropped.

    It says nothing that an entry beside it does not say, and without a key it would be news at every look.
    """
    claimed: set[Key] = set()
    kept: list[Verdict] = []
    for draft in sorted(drafts, key=lambda one: len(one.keys)):
        free = [key for key in draft.keys if key in draft.moved or key not in known.keys]
        owned = tuple(key for key in free if key not in claimed)
        claimed.update(owned)
        if owned or draft.article_id is not None:
            kept.append(replace(draft, owned=owned))
    return kept


def _changed(draft: Verdict, article: KnownArticle, feed: Feed) -> Verdict:
    is_ours = article.feed_id == feed.id
    takes_over = not is_ours and outranks(feed, draft.candidate, article)
    if not is_ours and not takes_over:
        return draft
    if article.fingerprint == draft.candidate.fingerprint and not takes_over:
        return draft
    if article.is_released:
        return replace(draft, change=Change.NOTED, takes_over=takes_over)
    state, reason = _withheld_now(draft.candidate, article, feed)
    return replace(draft, change=Change.REWRITTEN, takes_over=takes_over, state=state, reason=reason)


def _is_news(draft: Verdict, known: Known, feed: Feed) -> bool:
    """Whether another feed's doubt about an article is to be judged anew: this feed has just brought it."""
    article = known.articles.get(draft.article_id or 0)
    if (
        draft.link is not Link.OTHER_FEED
        or article is None
        or article.is_released
        or article.feed_id == feed.id
    ):
        return False
    is_doubt = (
        article.state in {ArticleState.SEED, ArticleState.QUARANTINED} and article.state_reason in _FORGIVING
    )
    return is_doubt and standing(feed, draft.candidate.link) >= article.standing


def _withheld_now(one: Candidate, article: KnownArticle, feed: Feed) -> tuple[ArticleState | None, str]:
    """Follow a `no-mail` tag that was set or taken away before the release."""
    if is_withheld(one.tags, feed):
        return (ArticleState.WITHDRAWN, NO_MAIL) if article.state is ArticleState.ELIGIBLE else (None, "")
    is_freed = article.state is ArticleState.WITHDRAWN and article.state_reason == NO_MAIL
    return (ArticleState.ELIGIBLE, "") if is_freed else (None, "")
