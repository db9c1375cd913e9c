"""From due slots to rows: every promise of planning, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from digest.db import Database
from digest.delivery.models import Delivery, DeliveryState
from digest.delivery.outbox import EditionLedger
from digest.editions.models import Content, Edition, EditionState, Release
from digest.editions.plan import InstantRules, PlanCounts, cut_release, plan_due
from digest.feeds.models import Article, ArticleState
from digest.matching.models import Match
from subscribers.models import Cadence, Mute, MuteKind, Subscriber, Subscription, Topic
from tests.support.factories import make_article, make_feed, make_subscriber, make_topic, subscribe, weekly

SEVEN = datetime(2026, 11, 22, 6, 0, 5, tzinfo=UTC)
DAY = timedelta(days=1)


def plan(db: Database, at: datetime = SEVEN, **values: Any) -> PlanCounts:
    return plan_due(
        db, EditionLedger(), now=at, catch_up=timedelta(hours=6), instant=InstantRules(quiet=""), **values
    )


def publish(db: Database, *titles: str, topic: str = "ki", at: datetime = SEVEN, **values: Any) -> list[int]:
    """Articles that matched a topic and wait for a release."""
    with db.write() as session:
        found = session.execute(select(Topic).where(col(Topic.slug) == topic)).scalar_one()
        feed = make_feed(session, f"https://feed.example.org/{abs(hash(titles))}", now=at)
        ids = []
        for title in titles:
            article = make_article(session, feed, title, now=at, matched_at=at, **values)
            session.add(
                Match(
                    article_id=article.id,
                    topic_id=found.id,
                    field="title",
                    term=topic,
                    score=1.0,
                    matched_at=at,
                )
            )
            ids.append(article.id)
        return ids


@pytest.fixture
def ann_and_ben(db: Database, now: datetime) -> Database:
    """Ann and Ben follow KI, both at seven in Berlin."""
    with db.write() as session:
        topic = make_topic(session, "ki", now=now)
        for name in ("ann", "ben"):
            subscribe(session, make_subscriber(session, name, now=now - 30 * DAY), topic, now=now)
    return db


def rows(db: Database, *columns: Any) -> list[Any]:
    with db.read() as session:
        return [tuple(row) for row in session.execute(select(*columns))]


def deliver(db: Database) -> None:
    """Let everything planned arrive."""
    with db.write() as session:
        session.execute(update(Delivery).values(state=DeliveryState.SENT))


def editions(db: Database) -> list[tuple[date, str, str]]:
    return sorted(rows(db, col(Edition.local_date), col(Edition.state), col(Edition.reason)))


def test_two_readers_of_the_same_topic_share_one_content(ann_and_ben: Database) -> None:
    publish(ann_and_ben, "Neue KI aus München", "KI im Labor")
    counts = plan(ann_and_ben)
    assert (counts.deliveries, counts.contents) == (2, 1)
    (selection,) = rows(ann_and_ben, col(Content.selection))[0]
    assert sorted(item[0] for item in selection["shown"]) == [1, 2]
    assert rows(ann_and_ben, col(Delivery.since), col(Delivery.release_no)) == [(0, 1), (0, 1)]
    assert set(rows(ann_and_ben, col(Subscriber.last_release))) == {(1,)}


def test_planning_again_plans_nothing(ann_and_ben: Database) -> None:
    publish(ann_and_ben, "Neue KI")
    plan(ann_and_ben)
    assert plan(ann_and_ben, SEVEN + timedelta(minutes=5)).deliveries == 0
    assert len(rows(ann_and_ben, col(Delivery.id))) == 2


def test_no_news_no_mail_and_the_publisher_sees_why(ann_and_ben: Database) -> None:
    plan(ann_and_ben)
    assert (date(2026, 11, 22), EditionState.SKIPPED, "no_news") in editions(ann_and_ben)
    assert rows(ann_and_ben, col(Delivery.id)) == []
    assert set(rows(ann_and_ben, col(Subscriber.last_release))) == {(0,)}


def test_each_article_reaches_each_reader_once_over_many_days(ann_and_ben: Database) -> None:
    for day in range(4):
        at = SEVEN + day * DAY
        publish(ann_and_ben, f"KI am Tag {day}", at=at)
        plan(ann_and_ben, at)
        deliver(ann_and_ben)
    shown = [item[0] for (chosen,) in rows(ann_and_ben, col(Content.selection)) for item in chosen["shown"]]
    assert sorted(shown) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "state",
    [
        ArticleState.SEED,
        ArticleState.HELD,
        ArticleState.QUARANTINED,
        ArticleState.FILTERED,
        ArticleState.WITHDRAWN,
    ],
)
def test_only_eligible_articles_are_released(sqlite_url: str, now: datetime, state: ArticleState) -> None:
    db = Database(sqlite_url)
    with db.write() as session:
        subscribe(session, make_subscriber(session, now=now), make_topic(session, "ki", now=now), now=now)
    publish(db, "Alte KI", state=state)
    assert cut_release(db, now=SEVEN) is None
    assert plan(db).deliveries == 0
    db.close()


def test_an_unmatched_article_waits_for_the_next_release(ann_and_ben: Database) -> None:
    (article,) = publish(ann_and_ben, "Neue KI")
    with ann_and_ben.write() as session:
        session.execute(update(Article).values(matched_at=None))
    assert cut_release(ann_and_ben, now=SEVEN) is None
    with ann_and_ben.write() as session:
        session.execute(update(Article).where(col(Article.id) == article).values(matched_at=SEVEN))
    assert cut_release(ann_and_ben, now=SEVEN) == 1
    assert rows(ann_and_ben, col(Release.no), col(Release.articles)) == [(1, 1)]


def test_a_reader_gets_nothing_from_before_the_subscription(ann_and_ben: Database, now: datetime) -> None:
    publish(ann_and_ben, "Alte KI")
    cut_release(ann_and_ben, now=SEVEN - timedelta(hours=1))
    with ann_and_ben.write() as session:
        cleo = make_subscriber(session, "cleo", now=now, last_release=1)
        topic = session.execute(select(Topic)).scalar_one()
        session.add(Subscription(subscriber_id=cleo.id, topic_id=topic.id, since_release=1, created_at=now))
    assert plan(ann_and_ben).deliveries == 2
    publish(ann_and_ben, "Neue KI", at=SEVEN + DAY)
    assert plan(ann_and_ben, SEVEN + DAY).deliveries == 3


def test_readers_whose_windows_hold_the_same_share_a_content_whatever_their_cursors(
    ann_and_ben: Database,
) -> None:
    with ann_and_ben.write() as session:
        session.execute(
            update(Subscriber).where(col(Subscriber.address) == "ben@example.org").values(last_release=0)
        )
        session.add(Release(no=1, cut_at=SEVEN, articles=0))
        session.execute(
            update(Subscriber).where(col(Subscriber.address) == "ann@example.org").values(last_release=1)
        )
    publish(ann_and_ben, "Neue KI")
    counts = plan(ann_and_ben)
    assert (counts.deliveries, counts.contents) == (2, 1)


def test_a_slice_at_a_time_gives_the_same_rows(ann_and_ben: Database) -> None:
    publish(ann_and_ben, "Neue KI")
    assert plan(ann_and_ben, slice_size=1).deliveries == 2
    assert len(set(rows(ann_and_ben, col(Delivery.content_id)))) == 1


def test_killed_between_slices_it_goes_on_with_nobody_skipped_or_doubled(ann_and_ben: Database) -> None:
    publish(ann_and_ben, "Neue KI")

    class Dying(EditionLedger):
        calls = 0

        def write(self, *args: Any, **kwargs: Any) -> None:
            type(self).calls += 1
            super().write(*args, **kwargs)
            if self.calls == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plan_due(
            ann_and_ben,
            Dying(),
            now=SEVEN,
            catch_up=timedelta(hours=6),
            instant=InstantRules(),
            slice_size=1,
        )
    assert len(rows(ann_and_ben, col(Delivery.id))) == 1
    plan(ann_and_ben, SEVEN + timedelta(minutes=1), slice_size=1)
    assert sorted(rows(ann_and_ben, col(Delivery.subscriber_id))) == [(1,), (2,)]


def test_planners_at_the_same_time_plan_each_person_once(ann_and_ben: Database) -> None:
    publish(ann_and_ben, "Neue KI")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: plan(ann_and_ben, slice_size=1), range(4)))
    assert sorted(rows(ann_and_ben, col(Delivery.subscriber_id))) == [(1,), (2,)]
    assert len([one for one in editions(ann_and_ben) if one[0] == date(2026, 11, 22)]) == 1


def test_after_days_of_silence_one_mail_carries_everything_and_missed_slots_say_so(
    ann_and_ben: Database,
) -> None:
    publish(ann_and_ben, "KI am Sonntag")
    plan(ann_and_ben)
    deliver(ann_and_ben)
    for day in (1, 2, 3):
        publish(ann_and_ben, f"KI am Tag {day}", at=SEVEN + day * DAY)
    plan(ann_and_ben, SEVEN + 3 * DAY)
    with ann_and_ben.read() as session:
        waiting = session.execute(
            select(func.count()).select_from(Delivery).where(col(Delivery.since) == 1)
        ).scalar_one()
    assert waiting == 2
    found = {day: (state, reason) for day, state, reason in editions(ann_and_ben)}
    assert found[date(2026, 11, 23)] == found[date(2026, 11, 24)] == (EditionState.SKIPPED, "missed")
    assert found[date(2026, 11, 25)][0] is EditionState.SENDING


def test_a_weekly_reader_gets_one_mail_a_week_on_the_chosen_day(db: Database, now: datetime) -> None:
    with db.write() as session:
        topic = make_topic(session, "ki", now=now)
        subscribe(session, make_subscriber(session, now=now - 30 * DAY, **weekly(6)), topic, now=now)
    for day in range(14):
        publish(db, f"KI am Tag {day}", at=SEVEN + day * DAY)
        plan(db, SEVEN + day * DAY)
    assert [d for d, s, _ in editions(db) if s is EditionState.SENDING] == [
        date(2026, 11, 22),
        date(2026, 11, 29),
    ]


def test_a_muted_source_stays_out_with_its_reason_and_does_not_come_back(
    ann_and_ben: Database, now: datetime
) -> None:
    publish(ann_and_ben, "KI von nebenan")
    with ann_and_ben.write() as session:
        session.add(
            Mute(
                subscriber_id=1,
                kind=MuteKind.SOURCE,
                value="Beispielfeed",
                until=date(2026, 11, 22),
                created_at=now,
            )
        )
    assert plan(ann_and_ben).deliveries == 1
    chosen = [one for (one,) in rows(ann_and_ben, col(Content.selection))]
    assert [1, "source"] in [one["muted"][0] for one in chosen if one["muted"]]
    publish(ann_and_ben, "Neue KI", at=SEVEN + DAY)
    plan(ann_and_ben, SEVEN + DAY)
    of_ann = rows(ann_and_ben, col(Delivery.subscriber_id), col(Delivery.since))
    assert (1, 1) in of_ann


def test_what_does_not_fit_is_carried_once_and_then_expires(db: Database, now: datetime) -> None:
    with db.write() as session:
        subscribe(
            session, make_subscriber(session, now=now - 30 * DAY), make_topic(session, "ki", now=now), now=now
        )
    publish(db, *[f"KI Nummer {n}" for n in range(8)])
    plan(db)
    deliver(db)
    publish(db, *[f"Neue KI Nummer {n}" for n in range(6)], at=SEVEN + DAY)
    plan(db, SEVEN + DAY)
    ordered = sorted(rows(db, col(Content.id), col(Content.selection)), key=lambda row: row[0])
    first, second = (selection for _, selection in ordered)
    assert (len(first["shown"]), len(first["carried"]), first["expired"]) == (5, 3, [])
    again = [item[0] for item in second["shown"] if item[6]]
    assert len(second["shown"]) == 5
    assert set(again) | set(second["expired"]) >= set(first["carried"]) - set(second["carried"])
    assert not set(second["carried"]) & set(first["carried"])


def test_instant_alerts_come_with_news_only_and_leave_no_empty_rows(db: Database, now: datetime) -> None:
    with db.write() as session:
        topic = make_topic(session, "ki", now=now)
        ann = make_subscriber(session, now=now - DAY, cadence=Cadence.INSTANT)
        subscribe(session, ann, topic, now=now)
    assert plan(db).editions == 0
    publish(db, "Eilige KI")
    assert plan(db).deliveries == 1
    deliver(db)
    publish(db, "Noch eine KI", at=SEVEN + timedelta(minutes=6))
    assert plan(db, SEVEN + timedelta(minutes=6)).deliveries == 0  # within the gap of 15 minutes
    assert plan(db, SEVEN + timedelta(minutes=16)).deliveries == 1


def test_instant_alerts_keep_quiet_at_night_and_carry_everything_in_the_morning(
    db: Database, now: datetime
) -> None:
    night = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)
    rules = InstantRules(quiet="22:00-07:00")
    with db.write() as session:
        topic = make_topic(session, "ki", now=now)
        subscribe(session, make_subscriber(session, now=now - DAY, cadence=Cadence.INSTANT), topic, now=now)
    publish(db, "KI bei Nacht", at=night)

    def at(moment: datetime) -> PlanCounts:
        return plan_due(db, EditionLedger(), now=moment, catch_up=timedelta(hours=6), instant=rules)

    assert at(night).deliveries == 0
    publish(db, "Noch eine KI bei Nacht", at=night + timedelta(hours=2))
    assert at(night + timedelta(hours=2)).deliveries == 0
    assert at(night + timedelta(hours=7, minutes=31)).deliveries == 1
    assert [len(one["shown"]) for (one,) in rows(db, col(Content.selection))] == [2]


def test_a_mail_that_never_left_is_merged_into_the_next_with_both_days_news(ann_and_ben: Database) -> None:
    publish(ann_and_ben, "KI am Sonntag")
    plan(ann_and_ben)
    publish(ann_and_ben, "KI am Montag", at=SEVEN + DAY)
    plan(ann_and_ben, SEVEN + DAY)
    ended = rows(ann_and_ben, col(Delivery.state), col(Delivery.reason), col(Delivery.since))
    assert sorted(ended) == [("planned", "", 0)] * 2 + [("skipped", "merged", 0)] * 2
    newest = max(rows(ann_and_ben, col(Content.id), col(Content.selection)))[1]
    assert len(newest["shown"]) == 2
