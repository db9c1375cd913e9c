"""What a system mail says of the person and the hour it is for."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any
from uuid import UUID

import pytest

from digest.delivery.mails import Mails
from digest.delivery.models import MailKind
from digest.delivery.queue import Due
from digest.delivery.system_mails import system_context
from digest.editions.house import House
from digest.links import Links
from digest.mail.envelope import Envelopes
from digest.mail.message import Letterhead
from digest.rendering import Templates, UnfitError, directories, samples
from subscribers.tokens import Signer, SigningKeys
from tests.support import mailroom
from tests.support.mail import fold
from tests.support.mailroom import templates

SIX = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
ENDS = (SIX + timedelta(minutes=15)).isoformat()


SIGNER = Signer(keys=SigningKeys(current=b"k" * 32))
LINKS = Links("https://news.example.org")
HOUSE = House(links=LINKS, timezone="Europe/Berlin")


def due(kind: MailKind, data: dict[str, Any], *, address: str = "ann@example.org") -> Due:
    return Due(
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


def text_of(kind: MailKind, data: dict[str, Any], *, address: str = "ann@example.org") -> str:
    row = due(kind, data, address=address)
    context = system_context(row, SIX, links=LINKS, signer=SIGNER, timezone="Europe/Berlin")
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


@dataclass(frozen=True)
class Running:
    """The parts of a process that never started."""

    templates: Templates
    signer: Signer = SIGNER
    links: Links = LINKS
    house: House = HOUSE
    letterhead: Letterhead = mailroom.LETTERHEAD
    envelopes: Envelopes = mailroom.ENVELOPES
    dkim: None = None


def test_a_system_mail_is_looked_over_before_it_is_sent(tmp_path: Path) -> None:
    shipped = directories()[0]
    copytree(shipped, tmp_path, dirs_exist_ok=True)
    main = '{% extends "base.html.j2" %}{% block main %}<p>Tschüss</p>{% endblock %}'
    (tmp_path / "email" / "goodbye.html.j2").write_text(main, encoding="utf-8")
    row = due(MailKind.GOODBYE, {})
    made = {
        folder: Mails(Running(Templates((folder,), publisher=samples.PUBLISHER, language="de")))
        for folder in (shipped, tmp_path)
    }
    assert made[shipped].compose(row, dated_at=SIX).recipient == "ann@example.org"
    with pytest.raises(UnfitError, match="the HTML part has no main heading"):
        made[tmp_path].compose(row, dated_at=SIX)
