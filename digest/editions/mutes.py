"""What a reader asked not to see: it stays out of the mail, and its reason is kept."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Final

from sqlalchemy import or_, select
from sqlmodel import Session, col

from digest.db import in_batches
from digest.matching.rank import Candidate
from subscribers.models import Mute, MuteKind

LESS_AT_MOST: Final = 2
"""How many articles of a topic with "less of this" stand in one mail."""

_NEAR: Final = frozenset({"title", "category"})


def of(session: Session, ids: Sequence[int], *, local_date: date) -> dict[int, list[tuple[str, str]]]:
    """The mutes of each person that hold on a date, as (kind, value), sorted."""
    muted: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for batch in in_batches(ids):
        rows = session.execute(
            select(col(Mute.subscriber_id), col(Mute.kind), col(Mute.value))
            .where(
                col(Mute.subscriber_id).in_(batch),
                or_(col(Mute.until).is_(None), col(Mute.until) >= local_date),
            )
            .order_by(col(Mute.subscriber_id), col(Mute.kind), col(Mute.value))
        )
        for subscriber, kind, value in rows:
            muted[subscriber].append((str(kind), value))
    return muted


def apply(
    candidates: Sequence[Candidate], mutes: Sequence[tuple[str, str]]
) -> tuple[list[Candidate], list[tuple[int, str]]]:
    """The candidates that remain, and (article id, why) of those that are muted."""
    stories = {value for kind, value in mutes if kind == MuteKind.STORY}
    sources = {value.casefold() for kind, value in mutes if kind == MuteKind.SOURCE}
    less = {int(value) for kind, value in mutes if kind == MuteKind.LESS and value.isdigit()}
    kept: list[Candidate] = []
    muted: list[tuple[int, str]] = []
    for one in candidates:
        if one.story_id is not None and str(one.story_id) in stories:
            muted.append((one.article_id, "story"))
        elif one.source.casefold() in sources:
            muted.append((one.article_id, "source"))
        else:
            kept.append(one)
    return _fewer(kept, less, muted), muted


def _fewer(kept: list[Candidate], less: set[int], muted: list[tuple[int, str]]) -> list[Candidate]:
    """Of topics with "less of this" only hits in title or category count, two a mail."""
    counts: dict[int, int] = defaultdict(int)
    remaining = []
    for one in kept:
        hits = []
        for hit in one.hits:
            if hit.topic_id in less:
                counts[hit.topic_id] += hit.field in _NEAR
                if hit.field not in _NEAR or counts[hit.topic_id] > LESS_AT_MOST:
                    continue
            hits.append(hit)
        if hits:
            remaining.append(one._replace(hits=tuple(hits)))
        else:
            muted.append((one.article_id, "less"))
    return remaining
