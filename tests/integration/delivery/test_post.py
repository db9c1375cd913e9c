"""The real mails of the real worker: planned, rendered, sent over SMTP, and read back."""

import email
import email.policy
import re
from datetime import datetime, timedelta
from email.message import EmailMessage
from random import Random
from uuid import uuid4

import pytest
from sqlmodel import col, select

from digest.db import Database
from digest.delivery.outbox import EditionLedger, enqueue_all
from digest.delivery.post import post_office
from digest.delivery.worker import Counts
from digest.editions.models import Content
from digest.editions.plan import InstantRules, plan_due
from digest.matching.models import Match
from digest.runtime import Runtime
from digest.settings import Settings
from subscribers.models import MailFormat, Subscriber, Topic
from subscribers.owed import OwedMail
from subscribers.tokens import Purpose
from tests.support.factories import make_article, make_feed, make_subscriber, make_topic, subscribe
from tests.support.sending import deliveries
from tests.support.smtp import Act, Server, serve

LATER = timedelta(minutes=10, seconds=1)


def runtime_for(db: Database, settings: Settings, port: int, now: datetime) -> Runtime:
    smtp = settings.smtp.model_copy(
        update={"host": "127.0.0.1", "port": port, "tls": "none", "connections": 2}
    )
    return Runtime(settings.model_copy(update={"smtp": smtp}), db, lambda: now, Random(1))


async def deliver(db: Database, settings: Settings, server: Server, now: datetime) -> Counts:
    return await post_office(runtime_for(db, settings, server.port, now)).run_until_idle()


def read(server: Server, recipient: str) -> EmailMessage:
    parsed = email.message_from_bytes(server.bodies[recipient], policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@pytest.fixture
def planned(db: Database, now: datetime) -> Database:
    """Ann and Ben are owed an edition with two articles about KI."""
    with db.write() as session:
        topic = make_topic(session, "ki", now=now)
        feed = make_feed(session, now=now)
        for name in ("ann", "ben"):
            subscribe(session, make_subscriber(session, name, now=now - timedelta(days=30)), topic, now=now)
        for title in ("Neue KI aus München", "KI im Labor"):
            article = make_article(session, feed, title, now=now, matched_at=now)
            session.add(
                Match(
                    article_id=article.id,
                    topic_id=topic.id,
                    field="title",
                    term="KI",
                    score=1,
                    matched_at=now,
                )
            )
    plan_due(db, EditionLedger(), now=now, catch_up=timedelta(hours=6), instant=InstantRules())
    return db


async def test_an_edition_arrives_with_its_articles_and_its_readers_own_links(
    planned: Database, settings: Settings, now: datetime
) -> None:
    async with serve() as server:
        counts = await deliver(planned, settings, server, now)
    assert (counts.sent, counts.failed) == (2, 0)
    ann, ben = read(server, "ann@example.org"), read(server, "ben@example.org")
    assert "Neue KI aus München" in text_of(ann)
    assert "Neue KI aus München" in text_of(ann, "html")
    assert ann["To"] == "ann@example.org"
    assert ann["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert ann["Message-ID"] != ben["Message-ID"]
    token = re.search(r"/u/([\w-]+)", ann["List-Unsubscribe"])
    assert token is not None
    signer = runtime_for(planned, settings, 1, now).signer
    with planned.read() as session:
        person = session.get_one(Subscriber, deliveries(planned)[0].subscriber_id)
    assert signer.read(Purpose.UNSUBSCRIBE, token[1], now=now).subject == person.public_id
    assert token[1] in text_of(ann, "html")


async def test_an_address_said_not_to_exist_gets_no_further_edition(
    planned: Database, settings: Settings, now: datetime
) -> None:
    gone = lambda seen: (  # noqa: E731
        "550 5.1.1 No such user" if (seen.verb, seen.recipient) == ("RCPT", "ben@example.org") else None
    )
    tomorrow = now + timedelta(days=1)
    async with serve(Server(script=gone)) as server:
        assert (await deliver(planned, settings, server, now)).failed == 1
        with planned.write() as session:
            topic = session.exec(select(Topic)).one()
            article = make_article(
                session,
                make_feed(session, "later", now=now),
                "KI am Tag danach",
                now=tomorrow,
                matched_at=tomorrow,
            )
            session.add(
                Match(
                    article_id=article.id,
                    topic_id=topic.id,
                    field="title",
                    term="KI",
                    score=1,
                    matched_at=tomorrow,
                )
            )
        plan_due(planned, EditionLedger(), now=tomorrow, catch_up=timedelta(hours=6), instant=InstantRules())
        server.script = lambda seen: None
        assert (await deliver(planned, settings, server, tomorrow)).sent == 1
    assert [(one.state.value, one.reason) for one in deliveries(planned)] == [
        ("sent", ""), ("failed", "no_such_address"), ("sent", ""), ("skipped", "suppressed"),
    ]  # fmt: skip


async def test_a_content_that_cannot_be_read_costs_nobody_else_the_mail(
    db: Database, settings: Settings, now: datetime
) -> None:
    with db.write() as session:
        topic = make_topic(session, "ki", now=now)
        article = make_article(session, make_feed(session, now=now), "KI", now=now, matched_at=now)
        session.add(
            Match(article_id=article.id, topic_id=topic.id, field="title", term="KI", score=1, matched_at=now)
        )
        for name, wish in (("ann", MailFormat.HTML), ("ben", MailFormat.TEXT)):
            person = make_subscriber(session, name, now=now - timedelta(days=30), format=wish)
            subscribe(session, person, topic, now=now)
    plan_due(db, EditionLedger(), now=now, catch_up=timedelta(hours=6), instant=InstantRules())
    with db.write() as session:
        last = session.exec(select(Content).order_by(col(Content.id).desc())).first()
        assert last is not None
        last.selection = {"of": "another version"}
        session.add(last)
    async with serve() as server:
        counts = await deliver(db, settings, server, now)
    assert (counts.sent, counts.failed) == (1, 1)
    failed = next(one for one in deliveries(db) if one.content_id == last.id)
    assert (failed.reason, failed.reply) == ("error", "what stands in this content cannot be read")


async def test_a_copy_sent_after_a_lost_reply_is_the_same_octet_for_octet(
    planned: Database, settings: Settings, now: datetime
) -> None:
    script = lambda event: Act.ACCEPT_AND_CLOSE if event.verb == "DOT" and event.count == 0 else None  # noqa: E731
    async with serve(Server(script=script)) as server:
        first = await deliver(planned, settings, server, now)
        second = await deliver(planned, settings, server, now + LATER)
    assert (first.sent, first.deferred, second.sent) == (1, 1, 1)
    doubled = [one for one in server.accepted if server.copies()[one.recipient] == 2]
    assert len(doubled) == 2
    assert len({(one.message_id, one.sha256) for one in doubled}) == 1


async def test_every_kind_of_system_mail_arrives(sqlite_url: str, settings: Settings, now: datetime) -> None:
    db = Database(sqlite_url)
    soon = (now + timedelta(minutes=15)).isoformat()
    request = str(uuid4())
    asked = {"topics": ["KI"], "own_topics": 1, "cadence": "daily", "weekday": None, "time": "07:00"}
    asked |= {"timezone": "Europe/Berlin"}
    data = {
        "confirmation": asked
        | {"request": request, "requested_at": now.isoformat(), "expires_at": soon, "article": None},
        "already": {"request": request, "topics": ["KI"], "own_topics": 0},
        "welcome": asked | {"next_at": (now + timedelta(days=1)).isoformat()},
        "manage": {"expires_at": soon},
        "address_change": {"request": request, "expires_at": soon},
        "address_changed": {"changed_at": now.isoformat()},
        "goodbye": {},
    }
    with db.write() as session:
        person = make_subscriber(session, "cleo", now=now)
        owed = [
            OwedMail(
                kind=kind,
                address=f"{kind}@example.org",
                subscriber_id=person.id,
                locale="de",
                data=values,
                expires_at=now + timedelta(hours=24),
            )
            for kind, values in data.items()
        ]
        assert len(set(enqueue_all(session, owed, now=now))) == 7
    async with serve() as server:
        counts = await deliver(db, settings, server, now)
    assert (counts.sent, counts.failed) == (7, 0), [d.reply for d in deliveries(db)]
    links = {
        "confirmation": "/confirm/",
        "already": "/p/",
        "welcome": "/u/",
        "manage": "/p/",
        "goodbye": "/subscribe",
    }
    for kind, link in links.items():
        assert link in text_of(read(server, f"{kind}@example.org"))
    assert read(server, "welcome@example.org")["List-Unsubscribe-Post"] is not None
    assert read(server, "confirmation@example.org")["List-Unsubscribe"] is None
    db.close()
