"""The confirmation link: a page, a button, and nothing before the button."""

from digest.delivery.models import DeliveryState
from subscribers.models import Consent, SignupRequest
from tests.integration.web.conftest import Story


def test_opening_the_link_shows_what_will_start_and_starts_nothing(story: Story) -> None:
    story.sign_up(query="Windkraft <b>", cadence="weekdays")
    before = story.site.dump()
    page = story.site.client.get(story.confirm_path() + "?lang=de")
    assert page.status_code == 200
    for shown in (
        "b•••@example.org",
        "Künstliche Intelligenz",
        "Windkraft &lt;b&gt;",
        "montags bis freitags um 7",
    ):
        assert shown in page.text
    assert "ben@example.org" not in page.text
    assert story.site.dump() == before


def test_the_button_starts_the_subscription_once(both: Story) -> None:
    both.sign_up(query="Windkraft")
    path = both.confirm_path()
    first = both.site.client.post(path)
    assert first.status_code == 200
    assert "Du bist dabei" in first.text
    assert "Montag, 23. November 2026 um 07:00 Uhr" in first.text
    assert "Neuer Chip" in first.text
    ben = both.person("ben")
    assert (ben.state, ben.last_release) == ("active", 1)
    assert both.events() == ["confirmed"]
    assert [one.data["next_at"] for one in both.mails("welcome")] == ["2026-11-23T06:00:00+00:00"]
    again = both.site.client.post(path)
    assert "Du bist schon dabei." in again.text
    assert both.events() == ["confirmed"]
    assert len(both.mails("welcome")) == 1


def test_the_event_proves_form_wording_and_network(story: Story) -> None:
    headers = {"X-Forwarded-For": "203.0.113.77", "Referer": "https://news.example.org/artikel?id=7"}
    data = {"email": "ben@example.org", "topic": "ki", "form": "footer-de"}
    story.site.client.post("/subscribe", data=data, headers=headers)
    story.site.client.post(story.confirm_path(), headers={"X-Forwarded-For": "198.51.100.9"})
    event = story.one(Consent)
    assert event.source == "footer-de"
    assert event.person["page"] == "https://news.example.org/artikel"
    assert event.network == {"request": "203.0.113.0/24", "confirmation": "198.51.100.0/24"}


def test_this_wasnt_me_deletes_the_request_and_its_waiting_mail(both: Story) -> None:
    both.sign_up()
    path = both.confirm_path()
    assert "Es wurde nichts gestartet" in both.site.client.post(path, data={"action": "cancel"}).text
    assert both.rows(SignupRequest) == []
    assert [one.state for one in both.mails("confirmation")] == [DeliveryState.SKIPPED]
    assert both.site.client.post(path).status_code == 410
    both.site.clock.move(days=29)
    both.sign_up()
    assert len(both.mails("confirmation")) == 1, "nobody writes to this address for 30 days"


def test_an_expired_link_is_gone_and_offers_the_form(story: Story) -> None:
    story.sign_up()
    path = story.confirm_path()
    story.site.clock.move(days=7, seconds=1)
    before = story.site.dump()
    for answer in (story.site.client.get(path), story.site.client.post(path)):
        assert answer.status_code == 410
        assert 'name="email"' in answer.text
        assert "Dieser Link ist abgelaufen" in answer.text
    assert story.site.dump() == before
