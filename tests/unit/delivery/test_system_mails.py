"""What a system mail says of the person and the hour it is for."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from digest.delivery.models import MailKind
from digest.delivery.queue import Due
from digest.delivery.system_mails import system_context
from digest.links import Links
from subscribers.tokens import Signer, SigningKeys
from tests.support.mail import fold
from tests.support.mailroom import templates

SIX = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
ENDS = (SIX + timedelta(minutes=15)).isoformat()


def text_of(kind: MailKind, data: dict[str, Any], *, address: str = "ann@example.org") -> str:
    row = Due(
        id=7,
        kind=kind,
        edition_id=None,
        content_id=None,
        data=data,
        address=address,
        locale="de",
        person=UUID(int=1),
        token_version=0,
        confirmed_at=None,
        attempts=0,
        resends=0,
        dated_at=None,
    )
    signer = Signer(keys=SigningKeys(current=b"k" * 32))
    context = system_context(
        row, SIX, links=Links("https://news.example.org"), signer=signer, timezone="Europe/Berlin"
    )
    mail = templates().mail(kind, lang="de", context=context)
    templates().expect_fit(mail, context=context)
    return fold(mail.plain_text)


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        (MailKind.MANAGE, {"expires_at": ENDS}, "gilt bis zum 22. Nov., 01:15"),
        (
            MailKind.ADDRESS_CHANGE,
            {"expires_at": ENDS, "request": str(UUID(int=2))},
            "gilt bis zum 22. Nov., 01:15",
        ),
        (MailKind.ADDRESS_CHANGED, {"changed_at": SIX.isoformat()}, "Seit dem 22. Nov., 01:00"),
    ],
)
def test_hours_are_those_of_the_reader(kind: MailKind, data: dict[str, Any], said: str) -> None:
    assert said in text_of(kind, data | {"timezone": "America/New_York"})


def test_an_address_is_shown_as_people_read_it() -> None:
    shown = text_of(MailKind.GOODBYE, {}, address="ann@xn--mnchen-3ya.example.org")
    assert "An: ann@münchen.example.org" in shown
