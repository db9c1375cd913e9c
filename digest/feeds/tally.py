"""How often attempts ended in which way, since the beginning: counted where they are settled, so no restart forgets."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from digest.feeds.models import Feed, FeedState, FetchCount
from digest.feeds.outcomes import Outcome


def count(session: Session, outcomes: Iterable[Outcome]) -> None:
    """Add attempts; the last thing a transaction does, for other pollers wait for these few rows."""
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    for outcome, number in sorted(Counter(outcomes).items()):  # everybody in one order: no deadlock
        row = dialect.insert(FetchCount).values(outcome=outcome.value, count=number)
        more = {"count": col(FetchCount.count) + number}
        session.execute(row.on_conflict_do_update(index_elements=["outcome"], set_=more))


def totals(session: Session) -> Mapping[str, int]:
    """How many attempts there were of each outcome; the outcomes that never came are 0."""
    rows = session.execute(select(col(FetchCount.outcome), col(FetchCount.count)))
    return {outcome.value: 0 for outcome in Outcome} | {outcome: int(number) for outcome, number in rows}


def states(session: Session) -> Mapping[str, int]:
    """How many feeds are in each state."""
    rows = session.execute(select(col(Feed.state), func.count()).group_by(col(Feed.state)))
    return {state.value: 0 for state in FeedState} | {FeedState(state).value: int(n) for state, n in rows}
