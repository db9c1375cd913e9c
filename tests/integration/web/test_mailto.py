"""Leaving by mail: the address in List-Unsubscribe is enough, and nothing else is."""

from datetime import datetime

import pytest
from sqlmodel import Session, select
from typer.testing import CliRunner

from digest.cli.people import app
from digest.db import Database
from digest.delivery.models import Delivery, DeliveryState
from digest.mail.envelope import Envelopes
from subscribers.models import Consent, Subscriber, SubscriberState
from tests.support.sending import make_edition

OLD, NEW = "0123456789abcdef" * 4, "fedcba9876543210" * 4
SENDER, LEAVE = "news@news.example.org", "leave@news.example.org"


@pytest.fixture
def house(sqlite_url: str, now: datetime) -> Database:
    """Three readers whose edition is still to be sent."""
    db = Database(sqlite_url)
    with db.write() as session:
        make_edition(session, 3, now=now)
    yield db
    db.close()


def address(number: int, *, secret: str = NEW) -> str:
    made = Envelopes(secret=secret.encode(), sender=SENDER, unsubscribe=LEAVE)
    mailto = made.system(delivery_id=number, kind="welcome", recipient=SENDER).unsubscribe_mailto or ""
    return mailto.removeprefix("mailto:").partition("?")[0]


def hand_over(url: str, message: str) -> int:
    """`digest subscribers unsubscribe --mail` with this message on stdin; its exit code."""
    environment = {
        "DIGEST_DATABASE_URL": url,
        "DIGEST_SECRET_KEY": NEW,
        "DIGEST_SECRET_KEYS_UNSUBSCRIBE": OLD,
        "DIGEST_ADDRESS_KEY": "a key for addresses, of forty-two bytes yes",
        "DIGEST_SENDER__ADDRESS": SENDER,
        "DIGEST_SENDER__UNSUBSCRIBE_ADDRESS": LEAVE,
    }
    ran = CliRunner().invoke(app, ["unsubscribe", "--mail"], input=message.encode(), env=environment)
    return ran.exit_code


def left(session: Session) -> set[int]:
    rows = session.exec(select(Subscriber.id).where(Subscriber.state == SubscriberState.UNSUBSCRIBED))
    return set(rows)


@pytest.mark.parametrize("secret", [NEW, OLD])
@pytest.mark.parametrize("header", ["To: <{}>", "To: other@example.org\nDelivered-To: {}"])
def test_a_message_to_the_address_of_a_mail_is_enough(
    house: Database, sqlite_url: str, header: str, secret: str
) -> None:
    named = header.format(address(2, secret=secret))
    for _ in range(2):
        assert hand_over(sqlite_url, f"From: somebody@example.net\n{named}\nSubject: x\n\n") == 0
    with house.read() as session:
        gone = session.get_one(Delivery, 2)
        assert left(session) == {gone.subscriber_id}
        assert gone.state == DeliveryState.SKIPPED
        assert [one.source for one in session.exec(select(Consent))] == ["mailto"]


@pytest.mark.parametrize(
    "message",
    [
        "To: leave@news.example.org\n\n",
        f"To: {address(2).replace('+2', '+1')}\n\n",
        f"To: {address(99)}\n\n",
        f"From: {address(2)}\nTo: leave@news.example.org\n\n{address(2)}",
        "",
        "\x00\xff no mail",
    ],
)
def test_nothing_else_changes_anything(house: Database, sqlite_url: str, message: str) -> None:
    assert hand_over(sqlite_url, message) == 1
    with house.read() as session:
        assert left(session) == set()


def test_an_address_or_a_message_but_not_both() -> None:
    for words in (["unsubscribe"], ["unsubscribe", "ann@example.org", "--mail"]):
        assert CliRunner().invoke(app, words).exit_code == 2
