"""Stories on both databases: a restart and a second process change nothing."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import col

from digest.db import Database
from digest.feeds.models import Article
from digest.matching.match import match_new
from digest.matching.registry import Registry
from digest.matching.storybook import Storybook
from tests.support.factories import make_article, make_feed

TITLES = (
    "Rutte sucht in Washington nach Lösungen für den Ukraine-Konflikt",
    "Neue Brücke über den Rhein eröffnet",
    "Ukraine-Konflikt: Rutte zu Gesprächen in Washington",
    "Rheinbrücke: Neue Brücke über den Rhein ist offen",
    "Zoo zählt junge Löwen",
    "Gespräche in Washington: Rutte zum Konflikt",
)


def publish(db: Database, *titles: str, now: datetime) -> None:
    with db.write() as session:
        feed = make_feed(session, f"https://feed.example.org/{titles[0]}", now=now)
        for title in titles:
            make_article(session, feed, title, now=now, effective_at=now)


def run(db: Database, stories: Storybook, *, now: datetime) -> None:
    stories.catch_up()
    match_new(db, Registry(), now=now, stories=stories)


def told(db: Database) -> list[int | None]:
    with db.read() as session:
        return list(session.execute(select(col(Article.story_id)).order_by(col(Article.id))).scalars())


def test_articles_of_one_story_share_its_number(db: Database, now: datetime) -> None:
    publish(db, *TITLES, now=now)
    run(db, Storybook(db), now=now)
    assert told(db) == [1, 2, 1, 2, 5, 1]


def test_a_restart_before_each_article_gives_the_same_stories(db: Database, now: datetime) -> None:
    for day, title in enumerate(TITLES):
        publish(db, title, now=now + day * timedelta(hours=9))
        run(db, Storybook(db), now=now + day * timedelta(hours=9))
    assert told(db) == [1, 2, 1, 2, 5, 1]


def test_two_processes_that_take_turns_group_as_one_would(db: Database, now: datetime) -> None:
    processes = Storybook(db), Storybook(db)
    for turn, title in enumerate(TITLES):
        publish(db, title, now=now)
        run(db, processes[turn % 2], now=now)
    assert told(db) == [1, 2, 1, 2, 5, 1]


def test_a_process_that_waited_for_its_turn_reads_what_the_other_told(db: Database, now: datetime) -> None:
    mine = Storybook(db)
    publish(db, TITLES[1], now=now)
    run(db, mine, now=now)
    publish(db, TITLES[0], now=now)
    run(db, Storybook(db), now=now)
    publish(db, TITLES[2], now=now)
    match_new(db, Registry(), now=now, stories=mine)  # no look before: it was waiting for the lease
    assert told(db) == [1, 2, 2]


def test_stories_older_than_fourteen_days_are_not_read_again(db: Database, now: datetime) -> None:
    publish(db, TITLES[0], now=now)
    run(db, Storybook(db), now=now)
    later = now + timedelta(days=15)
    publish(db, TITLES[2], now=later)
    run(db, Storybook(db), now=later)
    assert told(db) == [1, 2]
