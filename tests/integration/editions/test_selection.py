"""From rows to a selection: folds, mutes and what is left over, planned on both databases."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from digest.db import Database
from digest.delivery.models import Delivery, DeliveryState
from digest.delivery.outbox import EditionLedger
from digest.editions import mutes
from digest.editions.models import Content
from digest.editions.plan import InstantRules, plan_due
from digest.matching.article import ArticleText
from digest.matching.models import Match
from subscribers.models import Mute, MuteKind, Subscription, Topic
from tests.support.factories import make_article, make_feed, make_subscriber, make_topic, subscribe

SEVEN = datetime(2026, 11, 22, 6, 0, 5, tzinfo=UTC)
DAY = timedelta(days=1)
SUNDAY = date(2026, 11, 22)


@pytest.fixture
def house(db: Database, now: datetime) -> Database:
    """Ann follows KI and Nato, at seven in Berlin."""
    with db.write() as session:
        topics = [make_topic(session, slug, now=now) for slug in ("ki", "nato")]
        subscribe(session, make_subscriber(session, "ann", now=now - 30 * DAY), *topics, now=now)
    return db


def publish(
    db: Database,
    *titles: str,
    topics: Iterable[int] = (1,),
    source: str = "Blatt",
    at: datetime = SEVEN,
    place: str = "title",
    **values: Any,
) -> list[int]:
    """Matched articles of one source."""
    with db.write() as session:
        feed = make_feed(session, f"https://{source}.example.org/{titles[0]}", now=at, title=source)
        defaults = {"matched_at": at, "effective_at": at - timedelta(hours=1)} | values
        found = [make_article(session, feed, title, now=at, **defaults) for title in titles]
        for article in found:
            for topic in topics:
                session.add(
                    Match(
                        article_id=article.id,
                        topic_id=topic,
                        field=place,
                        term="KI",
                        score=1.0,
                        matched_at=at,
                    )
                )
        return [article.id for article in found]


def silence(db: Database, kind: MuteKind, value: str, *, until: date | None = None) -> None:
    with db.write() as session:
        session.add(Mute(subscriber_id=1, kind=kind, value=value, until=until, created_at=SEVEN))


def plan(db: Database, *, day: int = 0) -> dict[str, Any]:
    """Ann's next selection; her mail arrives."""
    plan_due(
        db,
        EditionLedger(),
        now=SEVEN + day * DAY,
        catch_up=timedelta(hours=6),
        instant=InstantRules(quiet=""),
    )
    with db.write() as session:
        session.execute(update(Delivery).values(state=DeliveryState.SENT))
        newest = select(col(Content.selection)).order_by(col(Content.id).desc()).limit(1)
        chosen: dict[str, Any] = session.execute(newest).scalar_one()
    return chosen


def shown(chosen: dict[str, Any]) -> list[int]:
    return [item[0] for item in chosen["shown"]]


def test_two_sources_with_the_same_news_share_a_place(house: Database) -> None:
    (first,) = publish(house, "Nato-Generalsekretär Rutte sucht in Washington nach Lösungen", story_id=1)
    (other,) = publish(
        house,
        "Rutte sucht Lösungen in Washington: Nato-Generalsekretär bei Trump",
        source="Kurier",
        story_id=1,
        at=SEVEN - timedelta(hours=2),
    )
    (apart,) = publish(house, "Washington streitet über den Haushalt", source="Kurier", story_id=1)
    chosen = plan(house)
    assert sorted(shown(chosen)) == [first, apart]
    assert chosen["folded"] == [[other, first]]
    assert {item[0]: item[5] for item in chosen["shown"]} == {first: [other], apart: []}


def test_a_muted_word_is_found_anywhere_in_the_article_even_once(house: Database) -> None:
    (loud,) = publish(house, "Neue Pläne der Nato", content_html="<p>Viel Text.</p><p>Auch Trumps Rede.</p>")
    (calm,) = publish(house, "Neue Pläne für die Brücke", content_html="<p>Er trumpfte auf.</p>")
    silence(house, MuteKind.WORD, "Trump")
    chosen = plan(house)
    assert shown(chosen) == [calm]
    assert chosen["muted"] == [[loud, "word"]]


def test_a_mute_that_is_over_brings_nothing_back(house: Database) -> None:
    publish(house, "Trump hier", "Trump dort")
    silence(house, MuteKind.WORD, "Trump", until=SUNDAY)
    assert shown(plan(house)) == []
    (fresh,) = publish(house, "Trump heute", at=SEVEN + DAY)
    assert shown(plan(house, day=1)) == [fresh]


def test_a_word_that_cannot_be_read_mutes_nothing(house: Database) -> None:
    (article,) = publish(house, "Neue KI")
    silence(house, MuteKind.WORD, "(")
    assert shown(plan(house)) == [article]


def test_a_muted_word_speaks_the_language_of_topics() -> None:
    articles = [
        ArticleText(id=1, title="Der Krieg", language="de"),
        ArticleText(id=2, title="Werbung für künstliche Intelligenz", language="de"),
    ]
    said = mutes.saying(['"künstliche Intelligenz"', "Kriege", "Krieg in:title", "oder ("], articles)
    assert said == {
        '"künstliche Intelligenz"': {2},
        "Kriege": {1},
        "Krieg in:title": {1},
        "oder (": set(),
    }


def test_less_of_a_topic_leaves_two_of_title_or_category(house: Database) -> None:
    near = publish(house, "KI eins", "KI zwei", "KI drei")
    far = publish(house, "Brücke", place="lead")
    (both,) = publish(house, "KI und Nato", topics=(1, 2), place="lead")
    silence(house, MuteKind.LESS, "1")
    chosen = plan(house)
    assert shown(chosen) == [*near[:2], both]
    assert sorted(chosen["muted"]) == [[near[2], "less"], [far[0], "less"]]
    assert chosen["carried"] == chosen["expired"] == []


def test_an_article_of_a_muted_topic_stays_if_another_topic_brings_it(house: Database) -> None:
    (both,) = publish(house, "KI und Nato", topics=(1, 2))
    (only,) = publish(house, "KI allein")
    with house.write() as session:
        session.execute(
            update(Subscription).where(col(Subscription.topic_id) == 1).values(muted_until=SUNDAY)
        )
    chosen = plan(house)
    assert shown(chosen) == [both]
    assert chosen["muted"] == [[only, "topic"]]


def test_what_was_left_over_and_then_muted_with_its_topic_never_comes_back(house: Database) -> None:
    publish(house, *[f"KI Nummer {number}" for number in range(8)])
    left = plan(house)["carried"]
    assert len(left) == 3
    with house.write() as session:
        session.execute(
            update(Subscription).where(col(Subscription.topic_id) == 1).values(muted_until=SUNDAY + DAY)
        )
    silent = publish(house, "KI während der Pause", at=SEVEN + DAY)
    chosen = plan(house, day=1)
    assert (shown(chosen), sorted(chosen["muted"])) == ([], [[one, "topic"] for one in sorted(left + silent)])
    (fresh,) = publish(house, "KI neu", at=SEVEN + 2 * DAY)
    assert shown(plan(house, day=2)) == [fresh]


def test_everything_that_matched_is_settled_once_over_a_week(house: Database) -> None:
    """matched = shown + folded + expired + muted, and what the last mail carries."""
    published: list[int] = []
    settled: list[int] = []
    carried: list[int] = []
    carried_ever: list[int] = []
    silence(house, MuteKind.WORD, "Lärm")
    silence(house, MuteKind.SOURCE, "Laut", until=SUNDAY + 2 * DAY)
    silence(house, MuteKind.LESS, "2")
    for day in range(6):
        at = SEVEN + day * DAY
        for source, topics in (("Blatt", (1,)), ("Kurier", (1, 2)), ("Laut", (2,))):
            titles = [f"{source} meldet {'Lärm' if n == 3 else 'Neues'} {day} {n} im Land" for n in range(9)]
            published += publish(house, *titles, source=source, topics=topics, at=at, story_id=day + 1)
        chosen = plan(house, day=day)
        carried = chosen["carried"]
        carried_ever += carried
        settled += shown(chosen) + chosen["expired"]
        settled += [article for article, _ in chosen["folded"] + chosen["muted"]]
    assert sorted(settled + carried) == sorted(published)
    assert len(carried_ever) == len(set(carried_ever))


def test_a_topic_that_is_gone_takes_nothing_else_along(house: Database) -> None:
    publish(house, "KI allein")
    (article,) = publish(house, "KI und Nato", topics=(1, 2))
    with house.write() as session:
        session.execute(update(Topic).where(col(Topic.id) == 1).values(state="expired"))
    assert shown(plan(house)) == [article]
