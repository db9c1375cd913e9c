"""Ann's whole life with us, through the public surfaces alone: pages, mails, commands; on both databases."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.support.browser import visit
from tests.support.house import House, open_house, rss
from tests.support.mail import Read

EVENING = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 23, 6, 0, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def house(tmp_path: Path, database_url_empty: str) -> Iterator[House]:
    with open_house(tmp_path, database_url_empty, at=EVENING) as house:
        house.feeds.publish("/feed", rss(("1", "Alte Nachricht", "Von gestern."), at=EVENING - 2 * DAY))
        house.ok("feeds", "add", house.feeds.url("/feed"), "--trust", "own")
        house.ok(
            "topics",
            "add",
            "ki",
            "--name",
            "Künstliche Intelligenz",
            "--query",
            'KI, "künstliche Intelligenz"',
        )
        house.tick()
        yield house


def link(mail: Read, path: str) -> str:
    (found,) = set(re.findall(rf"https?://\S+/{path}/[A-Za-z0-9_-]+", mail.text))
    return str(found)


def subject(mail: Read) -> str:
    raw = b"\r\n".join(name.encode() + b": " + value for name, value in mail.fields) + b"\r\n\r\n"
    return str(message_from_bytes(raw, policy=policy.default)["Subject"])


def publish(house: House, *articles: tuple[str, str, str], at: datetime) -> None:
    house.feeds.publish("/feed", rss(*articles, at=at))


def look_before_it_goes(house: House) -> None:
    """The editor sees what Ann will get and why, and sends a test of it; none of its links does anything."""
    folder = house.folder / "preview"
    said = house.ok("preview", "--subscriber", "ann@example.org", "-o", str(folder)).out
    for told in (
        "[Test] Neue KI aus München",
        "List-Unsubscribe-Post",
        "KI",
        "→ https://news.example.org/artikel/2",
    ):
        assert told in said
    assert {each.name for each in folder.iterdir()} == {
        "preview.html", "preview.txt", "preview.eml", "reasons.json",
    }  # fmt: skip
    reasons = json.loads((folder / "reasons.json").read_text(encoding="utf-8"))
    assert [one["place"] for one in reasons["shown"]] == [1, 2]
    assert reasons["shown"][0]["score"] > 0
    assert "overschattet" not in str(reasons)
    assert house.new_mails() == []
    house.ok("send-test", "editor@example.org", "--topic", "ki")
    test = house.one_mail()
    assert subject(test).startswith("[Test] ")
    page = house.web.post(house.path(link(test, "u")), data={"List-Unsubscribe": "One-Click"})
    assert page.status_code == 200
    assert house.ok("subscribers", "show", "ann@example.org", "--json").json["state"] == "active"


def test_ann_signs_up_reads_changes_leaves_comes_back_and_is_forgotten(house: House) -> None:
    # She chooses a topic and types one of her own; the form answers the same for everybody.
    form = visit(house.web, "/subscribe?lang=de")
    house.clock.move(seconds=20)  # a person takes a while; a robot does not
    asked = form.press(
        "Kostenlos anmelden",
        email="ann@example.org",
        topic=["ki"],
        query=["Ukraine-Konflikt -Sport", "", ""],
        cadence="daily",
        timezone="Europe/Berlin",
    )
    assert "Schau in dein Postfach" in asked.heading
    house.tick()
    confirmation = house.one_mail()
    assert "bestätige" in subject(confirmation)
    assert "Ukraine" not in confirmation.text  # nothing that was typed into a form

    # Opening the link does nothing; the button does.
    before = visit(house.web, link(confirmation, "confirm"))
    assert house.digest("subscribers", "show", "ann@example.org").code == 1
    done = before.press("Anmeldung bestätigen")
    assert done.heading == "Du bist dabei"
    ann = house.ok("subscribers", "show", "ann@example.org", "--json").json
    assert (ann["state"], ann["cadence"], ann["time"], ann["timezone"]) == (
        "active",
        "daily",
        "07:00",
        "Europe/Berlin",
    )
    assert [event["kind"] for event in ann["consent"]] == ["confirmed"]
    house.tick()
    assert "Willkommen" in subject(house.one_mail())

    # The next morning at seven her time: what matches, once, with its reason; not what is excluded.
    publish(
        house,
        ("2", "Neue KI aus München", "Ein Modell versteht Bairisch."),
        ("3", "Ukraine-Konflikt: Gespräche in Genf", "Die Runde tagt bis Mittwoch."),
        ("4", "Ukraine-Konflikt überschattet Sport", "Der Sport und die Politik."),
        ("5", "Ein Minister spricht", "Über dies und das."),
        at=MORNING - timedelta(hours=2),
    )
    house.tick(MORNING - timedelta(minutes=30))
    assert house.new_mails() == []
    look_before_it_goes(house)
    house.tick(MORNING)
    edition = house.one_mail()
    assert "Neue KI aus München" in edition.text
    assert "Ukraine-Konflikt: Gespräche in Genf" in edition.text
    assert "‚KI‘ im Titel" in edition.text
    assert "überschattet" not in edition.text
    assert "Minister" not in edition.text
    assert "https://news.example.org/artikel/2" in edition.text
    house.tick(MORNING + timedelta(minutes=1))
    assert house.new_mails() == []
    told = house.ok("explain", "ann@example.org", "https://news.example.org/artikel/2", "--json").json
    assert told["outcome"] == "sent"
    assert any("KI" in reason for reason in told["reasons"])
    told = house.ok("explain", "ann@example.org", "https://news.example.org/artikel/4", "--json").json
    assert told["outcome"] == "no_match"

    # She mutes the source from the mail: the next news of it stays out, and says so.
    mute = re.search(r"https?://\S+/m/[A-Za-z0-9_-]+\?a=\d+", edition.text)
    assert mute is not None
    muted = visit(house.web, mute.group()).choose("source:7")
    assert "Stumm bis" in muted.text
    publish(house, ("20", "KI am Dienstag", "Von der stummen Quelle."), at=MORNING + DAY - timedelta(hours=3))
    house.tick(MORNING + DAY)
    assert house.new_mails() == []
    told = house.ok("explain", "ann@example.org", "https://news.example.org/artikel/20", "--json").json
    assert told["outcome"] == "muted"
    muted.press(muted.buttons()[0])  # undo

    # She pauses for her holidays: nothing comes, and afterwards the gap comes in one mail.
    preferences = visit(house.web, link(edition, "p"))
    assert "Künstliche Intelligenz" in preferences.text
    assert "ann@example.org" not in preferences.source  # an edition's link shows no address
    paused = preferences.press("1 Woche")
    assert "Pausiert" in paused.text
    assert house.ok("subscribers", "show", "ann@example.org", "--json").json["state"] == "paused"
    publish(house, ("6", "KI im Urlaub", "Während Ann am See sitzt."), at=MORNING + DAY)
    house.tick(MORNING + 2 * DAY)
    assert house.new_mails() == []
    visit(house.web, link(edition, "p")).press("Weiter geht’s")
    assert house.ok("subscribers", "show", "ann@example.org", "--json").json["state"] == "active"
    house.tick()
    assert "KI im Urlaub" in house.one_mail().text

    # She changes her address by a link that was mailed for it, and confirms from the new one.
    visit(house.web, "/manage?lang=de").press("Link schicken", email="ann@example.org")
    house.tick()
    account = visit(house.web, link(house.one_mail(), "p"))
    account.press("Adresse ändern", email="ann.neu@example.org")
    house.tick()
    change = house.one_mail()
    assert change.raw("To").strip() == b"ann.neu@example.org"
    visit(house.web, link(change, "confirm")).press("Neue Adresse bestätigen")
    house.tick()
    assert house.one_mail().raw("To").strip() == b"ann@example.org"  # the old address is told
    assert house.digest("subscribers", "show", "ann@example.org").code == 1
    publish(house, ("8", "KI unter neuer Adresse", "Sie kommt an."), at=MORNING + 9 * DAY)
    house.tick(MORNING + 10 * DAY)
    moved = house.one_mail()
    assert "KI unter neuer Adresse" in moved.text
    assert "Urlaub" not in moved.text
    assert moved.raw("To").strip() == b"ann.neu@example.org"

    # She leaves by the button of her mail program: one POST, no page, final when we answer.
    one_click = re.search(rb"<(http[^>]+)>", moved.raw("List-Unsubscribe"))
    assert one_click is not None
    assert moved.raw("List-Unsubscribe-Post").strip() == b"List-Unsubscribe=One-Click"
    left = house.web.post(
        one_click[1].decode(), data={"List-Unsubscribe": "One-Click"}, follow_redirects=False
    )
    assert left.status_code == 200
    publish(house, ("7", "KI ohne Ann", "Sie liest das nicht."), at=MORNING + 10 * DAY)
    house.tick(MORNING + 11 * DAY)
    assert house.new_mails() == []

    # She comes back, asks for her data, and erases it: the address is nowhere, and stays unmailed.
    house.clock.move(minutes=1)
    visit(house.web, one_click[1].decode()).press("Versehen? Wieder anmelden")
    house.tick()
    visit(house.web, link(house.one_mail(), "confirm")).press("Anmeldung bestätigen")
    assert house.ok("subscribers", "show", "ann.neu@example.org", "--json").json["state"] == "active"
    house.tick()
    house.new_mails()
    visit(house.web, "/manage?lang=de").press("Link schicken", email="ann.neu@example.org")
    house.tick()
    account = visit(house.web, link(house.new_mails()[-1], "p"))
    exported = house.ok("subscribers", "export", "ann.neu@example.org").json
    assert "Ukraine-Konflikt -Sport" in str(exported)
    assert [one["state"] for one in exported["deliveries"] if one["kind"] == "edition"]
    gone = account.press("Meine Daten löschen", sure="yes")
    assert "gelöscht" in gone.text
    assert house.digest("subscribers", "show", "ann.neu@example.org").code == 1
    refused = house.digest(
        "subscribers", "add", "ann.neu@example.org", "--topic", "ki", "--consent", "by hand"
    )
    assert refused.code == 1
    assert house.ok("consent", "verify", "--json").json["ok"]
