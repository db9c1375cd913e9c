"""Thirty days each of what happens to feeds: every story becomes news once, and none twice."""

from collections import Counter
from datetime import datetime

import pytest

from digest.feeds.models import ArticleState
from tests.support.histories import History, histories
from tests.support.history import Memory, candidates, own_feed

ALL = histories()


@pytest.mark.parametrize("name", [history.name for history in ALL])
def test_every_story_is_news_once_and_none_twice(name: str, now: datetime) -> None:
    history = next(history for history in histories() if history.name == name)
    news, due = play(history, now)
    assert {number for number, times in news.items() if times > 1} == set(), "repeated"
    assert due - set(news) == set(), "lost"


def play(history: History, now: datetime) -> tuple[Counter[int], set[int]]:
    """How often each story was news, and which had to be."""
    memory = Memory(own_feed(now))
    first, due = set[int](), set[int]()
    for at, entries, publisher in history.play(now):
        if entries is None:
            continue
        told = candidates(entries)
        listed = {int(entry.summary[1:]) for entry in entries}
        if not memory.feed.baseline_done:
            first = {story.number for story in publisher.stories if story.published <= now} | listed
        due |= listed - first
        memory.look(told, now=at)
        if at.hour == 6:
            memory.release()
    news = Counter(
        story for story, state, _ in memory.born if state is ArticleState.ELIGIBLE and story not in first
    )
    return news, due


def test_there_are_enough_histories_and_they_are_all_different() -> None:
    assert len({history.name for history in ALL}) == len(ALL) >= 20
