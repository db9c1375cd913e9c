"""Leaving: one press, in force before the answer, from anywhere, for ever, and easily taken back."""

import pytest

from digest.delivery.models import DeliveryState, MailKind
from subscribers.models import UnsubscribeReason
from subscribers.tokens import Purpose, Signer, SigningKeys
from subscribers.types import new_public_id
from tests.integration.web.conftest import Story

BODIES = {
    "rfc8058": {"data": {"List-Unsubscribe": "One-Click"}},
    "multipart": {"files": {"List-Unsubscribe": (None, "One-Click")}},
    "none": {},
    "senseless": {"content": b"\x00\xff" * 500, "headers": {"Content-Type": "application/x-thing"}},
    "foreign": {"headers": {"Origin": "https://mail.example.net", "Sec-Fetch-Site": "cross-site"}},
}


@pytest.mark.parametrize("body", BODIES)
def test_one_click_leaves_whatever_the_body_and_wherever_it_comes_from(story: Story, body: str) -> None:
    answer = story.site.client.post(story.path(Purpose.UNSUBSCRIBE), **BODIES[body])
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert len(answer.content) <= 10_240
    assert story.person().state == "unsubscribed"
    assert story.events() == ["unsubscribed"]


def test_opening_the_link_only_asks(story: Story) -> None:
    before = story.site.dump()
    page = story.site.client.get(story.path(Purpose.UNSUBSCRIBE))
    assert "Newsletter abbestellen?" in page.text
    assert "a•••@example.org" in page.text
    assert story.site.dump() == before


def test_twenty_presses_make_one_event(both: Story) -> None:
    path = both.path(Purpose.UNSUBSCRIBE)
    answers = {both.site.client.post(path).text for _ in range(20)}
    assert len(answers) == 1
    assert both.events() == ["unsubscribed"]


def test_a_waiting_edition_is_withdrawn_with_the_same_commit(story: Story) -> None:
    story.sign_up()
    story.site.client.post(story.confirm_path())
    ben = story.person("ben")
    story.site.client.post(story.path(Purpose.UNSUBSCRIBE, ben.public_id))
    states = {one.kind: one.state for one in story.mails("welcome") + story.mails("confirmation")}
    assert states[MailKind.WELCOME] is DeliveryState.SKIPPED


def test_links_survive_a_new_address_a_key_rotation_and_two_years(story: Story) -> None:
    old = story.site.runtime.signer
    path = f"/u/{old.sign(Purpose.UNSUBSCRIBE, story.ann)}"
    with story.site.db.write() as session:
        ann = session.merge(story.person())
        ann.token_version = 7
    story.site.clock.move(days=730)
    rotated = Signer(
        keys=SigningKeys(current=b"another key, thirty-two bytes long", old=(b"0123456789abcdef" * 4,))
    )
    story.site.runtime.__dict__["signer"] = rotated
    assert story.site.client.post(path).status_code == 200
    assert story.person().state == "unsubscribed"


def test_an_erased_person_sees_the_same_page(story: Story) -> None:
    answer = story.site.client.post(story.path(Purpose.UNSUBSCRIBE, new_public_id()))
    assert answer.status_code == 200
    assert "Du bist abgemeldet" in answer.text
    assert story.events() == []


def test_undo_within_a_day_brings_everything_back(both: Story) -> None:
    path = both.path(Purpose.UNSUBSCRIBE)
    both.site.client.post(path)
    both.site.clock.move(hours=23)
    for _ in range(2):
        assert "Willkommen zurück" in both.site.client.post(f"{path}/undo").text
    assert both.person().state == "active"
    assert both.events() == ["unsubscribed", "resubscribed"]
    assert len(both.mails("welcome")) == 1


def test_undo_within_a_month_asks_by_mail_and_later_not_at_all(story: Story) -> None:
    path = story.path(Purpose.UNSUBSCRIBE)
    story.site.client.post(path)
    story.site.clock.move(days=20)
    assert "Postfach" in story.site.client.post(f"{path}/undo").text
    assert story.person().state == "unsubscribed"
    assert len(story.mails("confirmation")) == 1
    story.site.clock.move(days=20)
    assert "melde dich neu an" in story.site.client.post(f"{path}/undo").text
    assert len(story.mails("confirmation")) == 1


def test_a_reason_is_counted_without_a_person(story: Story) -> None:
    path = story.path(Purpose.UNSUBSCRIBE)
    story.site.client.post(path)
    assert "Danke" in story.site.client.post(f"{path}/reason", data={"reason": "too_many"}).text
    story.site.client.post(f"{path}/reason", data={"reason": "because of ann@example.org"})
    row = story.one(UnsubscribeReason)
    assert (row.reason, row.count) == ("too_many", 1)


def test_another_site_cannot_press_undo(story: Story) -> None:
    path = story.path(Purpose.UNSUBSCRIBE)
    story.site.client.post(path)
    answer = story.site.client.post(f"{path}/undo", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert story.person().state == "unsubscribed"


def test_what_mail_programs_append_to_a_link_does_no_harm(story: Story) -> None:
    for ending in (".", ",", ")", ">", "%20", ".)"):
        assert story.site.client.get(story.path(Purpose.UNSUBSCRIBE) + ending).status_code == 200
