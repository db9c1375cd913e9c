"""Every row of the table in docs/privacy.md, on both databases, by a clock that is moved: kept until its day, gone after it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlmodel import Session, SQLModel

from digest import stages
from digest.db import Database
from digest.delivery import outbox
from digest.delivery.models import Attempt, Chunk, Delivery, DeliveryState
from digest.delivery.retention import forget_deliveries
from digest.editions.models import Content, Edition, EditionState
from digest.feeds.keys import ALL_FEEDS
from digest.feeds.models import Article, ArticleKey, KeyKind
from digest.matching.models import Match
from digest.runtime import Runtime
from digest.settings import Retention, Settings
from subscribers import consent, signup
from subscribers.addresses import canonical
from subscribers.choices import Choices
from subscribers.models import Cadence, ConsentKind, MailFormat, MailLength, SignupRequest
from tests.support.factories import make_article, make_feed, make_subscriber, make_topic
from tests.support.site import Clock

SECOND = timedelta(seconds=1)
KEPT = Retention()
ROOT = Path(__file__).parents[3]


@dataclass(slots=True)
class House:
    """One installation with its clock."""

    runtime: Runtime
    clock: Clock
    began: datetime

    def tidy(self, *, after: timedelta) -> None:
        """Tidy up at so long after the beginning, and once more: the second time finds nothing."""
        self.clock.now = self.began + after
        stages.tidy(self.runtime)
        before = self.dump()
        stages.tidy(self.runtime)
        assert self.dump() == before

    def rows(self, table: type[SQLModel]) -> list[Any]:
        """All rows of a table, oldest first."""
        with self.runtime.db.read() as session:
            return list(session.scalars(select(table).order_by(table.id)))  # type: ignore[attr-defined]  # each has one

    def dump(self) -> str:
        """What could be tidied, as text."""
        return repr([self.rows(table) for table in (Delivery, Attempt, Content, Article, SignupRequest)])


@pytest.fixture
def house(db: Database, settings: Settings, now: datetime) -> House:
    """An empty installation."""
    clock = Clock(now)
    return House(Runtime(settings, db, clock, Random(1)), clock, now)


def sign_up(house: House, *names: str) -> None:
    """Ask for mails, as the form does, and end them: they expired or were sent."""
    wishes = [signup.SignUp(address=canonical(f"{name}@example.org"), choices=Choices()) for name in names]
    with house.runtime.db.write() as session:
        owed = signup.sign_up(session, wishes, now=house.began, hasher=house.runtime.hasher)
        outbox.enqueue_all(session, [mail for mail in owed if mail], now=house.began)
        for row in session.scalars(select(Delivery)):
            row.state, row.reply = DeliveryState.SENT, f"250 for {row.address}"
            session.add(row)


def sent_edition(session: Session, *, at: datetime) -> tuple[int, int]:
    """An edition that went to Ann and Ben, who answered with their addresses; its id and that of its content."""
    people = [make_subscriber(session, name, now=at) for name in ("ann", "ben")]
    edition = Edition(
        cadence=Cadence.DAILY, local_time="07:00", timezone="Europe/Berlin", local_date=at.date(), due_at=at, release_no=1,
        expires_at=at, state=EditionState.FINISHED, created_at=at, finished_at=at, counts={"sent": 2},
    )  # fmt: skip
    session.add(edition)
    session.flush()
    content = Content(
        edition_id=edition.id, key="k", language="de", format=MailFormat.HTML, length=MailLength.NORMAL,
        selection={"shown": []}, created_at=at,
    )  # fmt: skip
    chunk = Chunk(edition_id=edition.id, ready_at=at, expires_at=at, is_open=False)
    session.add_all([content, chunk])
    session.flush()
    for person in people:
        one = Delivery(
            edition_id=edition.id, content_id=content.id, subscriber_id=person.id, chunk_id=chunk.id,
            state=DeliveryState.SENT, created_at=at, reply=f"250 {person.address}",
        )  # fmt: skip
        session.add(one)
        session.flush()
        session.add(Attempt(delivery_id=one.id, at=at, outcome="deferred", reply=f"450 {person.address}"))
    return edition.id, content.id


def test_a_stranger_who_never_confirms_is_forgotten_with_the_mail(house: House) -> None:
    sign_up(house, "ben", "cleo")
    house.tidy(after=KEPT.requests - SECOND)
    assert len(house.rows(SignupRequest)) == len(house.rows(Delivery)) == 2
    house.tidy(after=KEPT.requests)
    assert not house.rows(SignupRequest)
    assert "example.org" not in house.dump()


def test_no_number_of_a_forgotten_mail_is_given_out_again(house: House) -> None:
    sign_up(house, "ben", "cleo")
    newest = max(row.id for row in house.rows(Delivery))
    house.tidy(after=KEPT.requests)
    sign_up(house, "ann")
    assert max(row.id for row in house.rows(Delivery)) > newest


def test_the_mail_of_somebody_who_confirmed_stays_theirs_for_longer(house: House) -> None:
    with house.runtime.db.write() as session:
        ann = make_subscriber(session, "ann", now=house.began).id
    sign_up(house, "ben")
    with house.runtime.db.write() as session:
        session.scalars(select(Delivery)).one().subscriber_id = ann
    house.tidy(after=KEPT.deliveries - SECOND)
    assert house.rows(Delivery)[0].address == "ben@example.org"
    house.tidy(after=KEPT.deliveries)
    (row,) = house.rows(Delivery)
    assert (row.address, row.subscriber_id, row.data, row.reply) == (None, None, None, "")
    assert row.state is DeliveryState.SENT


def test_an_old_edition_keeps_its_counts_and_nobody_s_name(house: House) -> None:
    with house.runtime.db.write() as session:
        sent_edition(session, at=house.began)
    house.tidy(after=KEPT.deliveries - SECOND)
    assert len(house.rows(Content)) == 1
    assert house.dump().count("ann@example.org") == 2
    house.tidy(after=KEPT.deliveries)
    assert not house.rows(Content)
    assert "example.org" not in house.dump()
    assert [(row.state, row.subscriber_id, row.content_id) for row in house.rows(Delivery)] == [
        (DeliveryState.SENT, None, None)
    ] * 2
    assert house.rows(Edition)[0].counts == {"sent": 2}


def test_articles_lose_their_text_and_then_go_unless_they_fit_a_topic(house: House) -> None:
    with house.runtime.db.write() as session:
        feed, topic = make_feed(session, now=house.began), make_topic(session, now=house.began)
        seen = {"matched_at": house.began, "content_html": "<p>text</p>"}
        kept = make_article(session, feed, "KI", number=1, now=house.began, **seen)
        gone = make_article(session, feed, "Wetter", number=2, now=house.began, **seen)
        session.add(
            Match(
                article_id=kept.id,
                topic_id=topic.id,
                field="title",
                term="KI",
                score=1,
                matched_at=house.began,
            )
        )
        key = {"scope": ALL_FEEDS, "kind": KeyKind.URL, "sha256": "0" * 64, "created_at": house.began}
        session.add(ArticleKey(article_id=gone.id, **key))
        keys = session.scalar(select(func.count()).select_from(ArticleKey))
    house.tidy(after=KEPT.article_texts - SECOND)
    assert all(row.content_html for row in house.rows(Article))
    house.tidy(after=KEPT.article_texts)
    assert [row.content_html for row in house.rows(Article)] == ["", ""]
    house.tidy(after=KEPT.articles - SECOND)
    assert len(house.rows(Article)) == 2
    house.tidy(after=KEPT.articles)
    assert [row.title for row in house.rows(Article)] == ["KI"]
    assert len(house.rows(ArticleKey)) == keys


def test_a_transaction_takes_so_many_rows_and_no_more(house: House) -> None:
    sign_up(house, *(f"r{number}" for number in range(25)))
    later, ended = house.began + KEPT.requests, []
    while not ended or ended[-1]:
        with house.runtime.db.write() as session:
            ended.append(
                forget_deliveries(
                    session, now=later, unconfirmed=KEPT.requests, people=KEPT.deliveries, limit=10
                )
            )
    assert ended == [10, 10, 5, 0]


def test_the_end_of_the_chain_is_noted_once_a_day(house: House, tmp_path: Path) -> None:
    file = tmp_path / "anchors"
    kept = house.runtime.settings.model_copy(
        update={"consent": house.runtime.settings.consent.model_copy(update={"anchor_file": file})}
    )
    house.runtime = Runtime(kept, house.runtime.db, house.clock, Random(1))
    with house.runtime.db.write() as session:
        event = consent.Event(kind=ConsentKind.CONFIRMED, subject=uuid4())
        consent.append(session, [event], now=house.began)
    for hours in (0, 1, 24):
        house.tidy(after=timedelta(hours=hours))
    assert [line.split()[0] for line in file.read_text().splitlines()] == ["2026-11-22", "2026-11-23"]


def test_the_privacy_page_names_every_period_as_it_is() -> None:
    page = (ROOT / "docs/privacy.md").read_text(encoding="utf-8")
    named: dict[str, set[int]] = {}
    for kept, name in re.findall(
        r"^\| [^|]+ \| ([^|]+) \| [^|]+ \| `DIGEST_RETENTION__(\w+)` \|$", page, re.MULTILINE
    ):
        named.setdefault(name.lower(), set()).add(int(re.search(r"\d+", kept)[0]))  # type: ignore[index]  # a row without a number fails, as it should
    defaults = {name: value.days if isinstance(value, timedelta) else value for name, value in KEPT}
    assert named == {name: {value} for name, value in defaults.items()}
