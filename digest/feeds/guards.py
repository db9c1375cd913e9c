"""Which new articles may be mailed: what a feed brings at first, too late, or in a flood is kept but not news. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from digest.feeds.document import Candidate
from digest.feeds.known import Known
from digest.feeds.models import ArticleState, Feed, Trust

FUTURE: Final = timedelta(minutes=15)
NO_MAIL: Final = "no-mail"

_FRESH: Final = timedelta(hours=24)
_FIRST_NEWS: Final = 5
_LATE: Final = timedelta(hours=48)
_FLOOD: Final = 20

Judgement = tuple[ArticleState, str]
"""A state and its reason; an eligible article needs none."""

_NEWS: Final[Judgement] = (ArticleState.ELIGIBLE, "")


def judge(
    fresh: Sequence[Candidate], feed: Feed, known: Known, *, now: datetime
) -> tuple[list[Judgement], bool]:
    """Decide about what is new, in the given order, and whether it is a flood.

    Baseline: of a feed's first document only the 5 newest of the last 24 hours are news (or the `backfill` newest).
    Late: dated 48 hours before our last success. Flood: more at once than this feed ever gave reason to expect.
    """
    judgements = _late(fresh, feed) if feed.baseline_done else _baseline(fresh, feed, now=now)
    judgements = [_no_mail(one, feed, judgement) for one, judgement in zip(fresh, judgements, strict=True)]
    news = sum(1 for judgement in judgements if judgement == _NEWS)
    is_flood = feed.baseline_done and news > _most(feed, known, now=now)
    if is_flood:
        flood = (ArticleState.QUARANTINED, "flood")
        judgements = [flood if judgement == _NEWS else judgement for judgement in judgements]
    return judgements, is_flood


def effective_at(one: Candidate, *, now: datetime) -> tuple[datetime, bool]:
    """When an article counts as published, and whether its own date was a future one that is not believed."""
    if one.published is None:
        return now, False
    if one.published > now + FUTURE:
        return now, True
    return one.published, False


def is_withheld(tags: Sequence[str], feed: Feed) -> bool:
    """Whether the publisher's own feed says that an article is not for mail."""
    return feed.trust is Trust.OWN and any(tag.casefold() == NO_MAIL for tag in tags)


def _baseline(fresh: Sequence[Candidate], feed: Feed, *, now: datetime) -> list[Judgement]:
    dated = [one for one in fresh if one.published and now - _FRESH < one.published <= now + FUTURE]
    news = sorted(dated, key=_newest_first)[:_FIRST_NEWS]
    news += sorted(fresh, key=_newest_first)[: feed.backfill]
    positions = {one.position for one in news}
    seed = (ArticleState.SEED, "baseline")
    return [_NEWS if one.position in positions else seed for one in fresh]


def _newest_first(one: Candidate) -> tuple[float, int]:
    """Dated before undated, newest first; undated by position."""
    return (-one.published.timestamp() if one.published else 0.0, one.position)


def _late(fresh: Sequence[Candidate], feed: Feed) -> list[Judgement]:
    if feed.last_ok_at is None:
        return [_NEWS for _ in fresh]
    limit = feed.last_ok_at - _LATE
    late = (ArticleState.SEED, "late")
    return [late if one.published is not None and one.published < limit else _NEWS for one in fresh]


def _no_mail(one: Candidate, feed: Feed, judgement: Judgement) -> Judgement:
    if judgement == _NEWS and is_withheld(one.tags, feed):
        return (ArticleState.WITHDRAWN, NO_MAIL)
    return judgement


def _most(feed: Feed, known: Known, *, now: datetime) -> float:
    hours = (now - (feed.last_ok_at or now)) / timedelta(hours=1)
    return max(_FLOOD, 5 * known.per_hour * hours, 2 * known.most_accepted)
