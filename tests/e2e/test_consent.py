"""What the operator can show to whoever asks: the proof of one person, the mail that led to it, and that nothing was rewritten."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.browser import visit
from tests.support.house import House, open_house

AT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    anchors = {"DIGEST_CONSENT__ANCHOR_FILE": str(tmp_path / "anchors")}
    with open_house(tmp_path, f"sqlite:///{tmp_path / 'h.db'}", at=AT, environment=anchors) as house:
        house.ok("topics", "add", "ki", "--name", "KI", "--query", "KI")
        yield house


def test_a_proof_names_the_mail_and_an_anchor_shows_what_was_rewritten(house: House) -> None:
    form = visit(house.web, "/subscribe?lang=de")
    house.clock.move(seconds=20)
    form.press("Kostenlos anmelden", email="ann@example.org", topic=["ki"])
    house.tick()
    mail = house.one_mail()
    confirm = next(word for word in mail.text.split() if "/confirm/" in word)
    visit(house.web, house.path(confirm)).press("Anmeldung bestätigen")

    proof = house.ok("consent", "proof", "ann@example.org", "--json").json
    (event,) = proof["events"]
    shown = event["person"]["mail"]
    assert f"<{shown['message_id'].strip('<>')}>".encode() == mail.raw("Message-ID").strip()
    assert shown["at"].startswith("2026-11-22T17:00:20")
    assert shown["reply"].startswith("250")
    salt = bytes.fromhex(event["person_salt"])
    spelled = json.dumps(event["person"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(salt + spelled.encode()).hexdigest() == event["person_hash"]

    page = house.folder / "proof.html"
    house.ok("consent", "proof", "ann@example.org", "--html", str(page))
    printed = page.read_text(encoding="utf-8")
    assert "ann@example.org" in printed
    assert event["hash"] in printed
    assert "Kostenlos anmelden" in printed, "the words she agreed to"

    house.clock.move(days=1)
    house.tick()  # the tidying stage notes the end of the chain
    anchors = house.folder / "anchors"
    assert house.ok("consent", "verify", "--anchor", str(anchors), "--json").json["ok"]
    with sqlite3.connect(house.folder / "h.db") as database:
        database.execute("DELETE FROM consent")  # the owner of the database rewrites history
    assert house.ok("consent", "verify", "--json").json["ok"], "a chain alone cannot show it"
    found = house.digest("consent", "verify", "--anchor", str(anchors), "--json")
    assert (found.code, found.json["first_bad"]) == (1, 1)


def test_a_file_that_is_no_anchor_is_said(house: House) -> None:
    other = house.folder / "other"
    other.write_text("not an anchor\n")
    told = house.digest("consent", "verify", "--anchor", str(other))
    assert told.code == 1
    assert "is no anchor file: line 1" in told.err
