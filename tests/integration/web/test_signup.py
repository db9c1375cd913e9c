"""The sign-up form: what it takes, what it writes, and that it tells nobody anything about an address."""

import pytest
from sqlmodel import select

from digest.web.messages import Say
from subscribers.models import SignupRequest, Subscriber, SubscriberState, SuppressionReason, Wording
from subscribers.suppression import suppress
from subscribers.tokens import NO_SUBJECT, Purpose
from tests.integration.web.conftest import Story


def test_a_sign_up_writes_a_request_and_one_mail_but_no_subscriber(both: Story) -> None:
    answer = both.sign_up(
        query="Windkraft -Offshore", cadence="weekly", weekday="4", timezone="Europe/Vienna"
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/subscribe/check-inbox")
    request = both.one(SignupRequest)
    assert request.address == "ben@example.org"
    assert request.choices["topics"] == ["ki"]
    assert [own["query"] for own in request.choices["own"]] == ["Windkraft -Offshore"]
    assert (request.choices["cadence"], request.choices["weekday"]) == ("weekly", 4)
    assert request.choices["timezone"] == "Europe/Vienna"
    assert [one.address for one in both.mails("confirmation")] == ["ben@example.org"]
    assert both.person("ben") is None
    assert both.events() == []


def test_the_answer_is_the_same_for_new_known_suppressed_limited_and_left_addresses(story: Story) -> None:
    with story.site.db.write() as session:
        suppress(
            session, ["cleo@example.org"], SuppressionReason.COMPLAINT, now=story.site.clock.now,
            hasher=story.site.runtime.hasher,
        )  # fmt: skip
        gone = Subscriber(
            address="dora@example.org", address_key="dora@example.org", created_at=story.site.clock.now,
            state=SubscriberState.UNSUBSCRIBED,
        )  # fmt: skip
        session.add(gone)
    story.sign_up("limited@example.org")
    names = ["new", "ann", "cleo", "limited", "dora"]
    answers = [story.sign_up(f"{name}@example.org") for name in names]
    told = {(one.status_code, one.content, tuple(sorted(_lasting(one.headers).items()))) for one in answers}
    assert len(told) == 1
    assert [one.address for one in story.mails("already")] == ["ann@example.org"]
    assert "cleo@example.org" not in {one.address for one in story.mails("confirmation")}


def _lasting(headers: object) -> dict[str, str]:
    return {name: value for name, value in dict(headers).items() if name != "date"}  # type: ignore[call-overload]


def test_one_address_gets_one_mail_a_day_and_three_in_thirty_days(story: Story) -> None:
    for day in range(31):
        for _ in range(3):
            assert story.sign_up().status_code == 303
        if day == 0:
            assert len(story.mails("confirmation")) == 1
        if day < 30:
            assert len(story.mails("confirmation")) <= 3
            story.site.clock.move(days=1)
    assert len(story.mails("confirmation")) == 4


def test_json_gets_json(story: Story) -> None:
    answer = story.site.client.post("/subscribe", json={"email": "ben@example.org", "topics": ["ki"]})
    assert answer.status_code == 202
    assert answer.json()["status"] == "check_inbox"
    wrong = story.site.client.post("/subscribe?lang=en", json={"email": "ben", "topics": ["ki", "nope"]})
    assert wrong.status_code == 422
    assert wrong.headers["content-type"] == "application/problem+json"
    assert wrong.json()["errors"] == [
        {"field": "email", "message": Say.BAD_ADDRESS.value},
        {"field": "topic", "message": Say.UNKNOWN_TOPIC.value},
    ]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"email": "ben"}, "email"),
        ({"email": "Ben <ben@example.org>"}, "email"),
        ({"topic": [], "query": ""}, "topic"),
        ({"topic": ["secret"]}, "topic"),
        ({"query": "-nur -ausschluss"}, "query"),
        ({"query": ["KI", "(("]}, "query-2"),
        ({"cadence": "hourly"}, "cadence"),
        ({"cadence": "weekly", "weekday": "8"}, "weekday"),
    ],
)
def test_what_cannot_be_taken_comes_back_with_everything_typed(
    story: Story, fields: dict[str, object], field: str
) -> None:
    sent = {"email": "ben@example.org", "topic": ["ki"], "query": "Windkraft"} | fields
    answer = story.site.client.post("/subscribe?lang=en", data=sent)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}-error"' in answer.text
    assert 'role="alert"' in answer.text
    assert "<title>Error:" in answer.text
    assert str(sent["email"]).split("<")[0] in answer.text
    assert story.rows(SignupRequest) == []


def test_a_robot_gets_the_same_answer_and_leaves_no_trace(story: Story) -> None:
    before = story.site.dump()
    signer, now = story.site.runtime.signer, story.site.clock.now
    fresh = signer.sign(Purpose.FORM, NO_SUBJECT, expires_at=now.replace(day=23))
    assert story.sign_up(extra="spam").status_code == 303
    assert story.sign_up(started=fresh).status_code == 303
    assert story.site.dump() == before
    story.site.clock.move(seconds=3)
    assert story.sign_up(started=fresh).status_code == 303
    assert len(story.rows(SignupRequest)) == 1


def test_the_form_ticks_what_its_address_names_and_nothing_else(story: Story) -> None:
    form = story.site.client.get("/subscribe?topic=ki&topic=ukraine&topic=nope&utm=x").text
    assert form.count(" checked") == 2 + 1  # two topics and the daily cadence
    assert 'value="ki" checked' in form
    single = story.site.client.get("/subscribe?topic=ki").text
    assert '<input type="hidden" name="topic" value="ki">' in single
    assert "Raumfahrt" not in single


def test_the_words_that_were_shown_are_remembered(story: Story) -> None:
    form = story.site.client.get("/subscribe?lang=de").text
    named = form.split('name="wording" value="')[1].split('"')[0]
    story.sign_up(wording=named, lang="de")
    wording = story.one(Wording)
    assert wording.text.startswith(
        "Mit „Kostenlos anmelden“ bestellst du den E-Mail-Newsletter von Beispiel Verlag"
    )
    assert story.one(SignupRequest).wording_id == wording.id
    story.sign_up("cleo@example.org", wording="0123456789abcdef")
    assert {one.wording_id for one in story.rows(SignupRequest)} == {wording.id, None}


def test_next_leads_only_where_the_publisher_allows(story: Story) -> None:
    assert story.sign_up(next="https://evil.example.net/").headers["location"] == "/subscribe/check-inbox"


def test_the_hits_of_a_query_are_shown_and_nothing_is_stored(story: Story) -> None:
    before = story.site.dump()
    fields = {"email": "", "query": ["Chip", "Windkraft"], "action": "preview"}
    answer = story.site.client.post("/subscribe", data=fields)
    assert answer.status_code == 200
    assert "Neuer <mark>Chip</mark> beschleunigt KI um das Zehnfache" in answer.text
    assert "Kein Treffer" in answer.text
    assert story.site.dump() == before


def test_two_batches_of_one_address_make_one_request_and_one_mail(both: Story) -> None:
    both.sign_up(topic=["ki"])
    both.sign_up(topic=["ukraine"], cadence="weekdays")
    request = both.one(SignupRequest)
    assert set(request.choices["topics"]) == {"ki", "ukraine"}
    assert request.choices["cadence"] == "weekdays"
    assert len(both.mails("confirmation")) == 1
    with both.site.db.read() as session:
        assert session.exec(select(Subscriber)).all()
