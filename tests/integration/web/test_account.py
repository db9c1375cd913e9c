"""With full rights, for fifteen minutes: another address, one's data, invalid links, erasure, and the way back."""

from subscribers.models import Consent, Subscriber, Suppression
from subscribers.tokens import Purpose
from tests.integration.web.conftest import Story


def test_a_new_address_counts_only_after_its_own_confirmation(both: Story) -> None:
    old = both.path(Purpose.PREFERENCES)
    both.site.client.post(both.path(Purpose.ACCOUNT) + "/email", data={"email": "anna@example.org"})
    assert both.person().address == "ann@example.org"
    (mail,) = both.mails("address_change")
    assert mail.address == "anna@example.org"
    path = both.confirm_path("anna@example.org")
    assert "Bestätige deine neue Adresse" in both.site.client.get(path).text
    assert "Deine Adresse ist geändert" in both.site.client.post(path).text
    assert both.person("anna").public_id == both.ann
    assert [one.address for one in both.mails("address_changed")] == ["ann@example.org"]
    assert both.events() == ["address_changed"]
    assert both.site.client.get(old).status_code == 410
    assert both.site.client.get(both.path(Purpose.UNSUBSCRIBE)).status_code == 200


def test_the_answer_does_not_tell_whether_the_new_address_is_known(story: Story) -> None:
    path = story.path(Purpose.ACCOUNT) + "/email"
    story.sign_up("ben@example.org")
    story.site.client.post(story.confirm_path("ben@example.org"))
    answers = {
        story.site.client.post(path, data={"email": f"{name}@example.org"}).text
        for name in ("ben", "new", "ann")
    }
    assert len(answers) == 1


def test_the_data_of_a_person_is_one_file(story: Story) -> None:
    answer = story.site.client.post(story.path(Purpose.ACCOUNT) + "/export")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["cache-control"] == "no-store"
    data = answer.json()
    assert data["profile"]["address"] == "ann@example.org"
    assert {"topics", "mutes", "consent", "deliveries", "suppression"} <= set(data)


def test_fifteen_minutes_are_enough_and_all_there_are(story: Story) -> None:
    path = story.path(Purpose.ACCOUNT)
    story.site.clock.move(minutes=14, seconds=59)
    assert story.site.client.get(path).status_code == 200
    story.site.clock.move(seconds=1)
    assert story.site.client.get(path).status_code == 410
    assert story.site.client.post(f"{path}/erase", data={"sure": "yes"}).status_code == 410
    assert story.person() is not None


def test_old_links_can_be_made_invalid_but_never_those_to_leave(story: Story) -> None:
    mailed = [story.path(Purpose.PREFERENCES), f"{story.path(Purpose.MUTE)}?a=1", story.path(Purpose.FEED)]
    answer = story.site.client.post(story.path(Purpose.ACCOUNT), data={"action": "invalidate"})
    assert "Alte Links gelten nicht mehr" in story.site.client.get(answer.headers["location"]).text
    assert [story.site.client.get(path).status_code for path in mailed] == [410, 410, 410]
    assert story.site.client.post(story.path(Purpose.UNSUBSCRIBE)).status_code == 200


def test_erasure_needs_the_box_and_then_leaves_the_address_nowhere(both: Story) -> None:
    both.sign_up("ann@example.org")
    both.site.client.post("/manage", data={"email": "ann@example.org"})
    path = both.path(Purpose.ACCOUNT) + "/erase"
    refused = both.site.client.post(path)
    assert refused.status_code == 422
    assert both.person() is not None
    done = both.site.client.post(path, data={"sure": "yes"})
    assert "Deine Daten sind gelöscht." in done.text
    assert both.rows(Subscriber) == []
    assert both.events() == ["erased"]
    assert both.one(Suppression).reason == "erased"
    assert both.one(Consent).person is None
    everything = repr(both.site.dump())
    assert "ann@example.org" not in everything
    assert "Du bist abgemeldet" in both.site.client.post(both.path(Purpose.UNSUBSCRIBE)).text
    assert both.site.client.post(path, data={"sure": "yes"}).status_code == 410


def test_who_left_can_come_back_by_a_mailed_link(story: Story) -> None:
    story.site.client.post(story.path(Purpose.UNSUBSCRIBE))
    assert "Wieder anmelden" not in story.site.client.get(story.path(Purpose.PREFERENCES)).text
    path = story.path(Purpose.ACCOUNT)
    assert "Wieder anmelden" in story.site.client.get(path).text
    story.site.client.post(path, data={"action": "resubscribe"})
    assert story.person().state == "active"
    assert story.events() == ["unsubscribed", "resubscribed"]
    assert len(story.mails("welcome")) == 1


def test_manage_answers_everybody_alike_and_mails_only_people(story: Story) -> None:
    texts = {
        story.site.client.post("/manage", data={"email": f"{name}@example.org"}).text
        for name in ("ann", "eve")
    }
    assert len(texts) == 1
    assert [one.address for one in story.mails("manage")] == ["ann@example.org"]
    assert story.site.client.post("/manage", data={"email": "ann"}).status_code == 422


def test_a_link_to_manage_comes_once_in_fifteen_minutes_and_thrice_a_day(story: Story) -> None:
    for _ in range(10):
        story.site.client.post("/manage", data={"email": "ann@example.org"})
        story.site.client.post("/manage", data={"email": "ann@example.org"})
        story.site.clock.move(minutes=16)
    assert len(story.mails("manage")) == 3
