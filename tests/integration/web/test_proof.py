"""Signing up where robots are kept off by a task: nothing is taken without its solution, and everybody is told what to do."""

import re

import pytest

from digest.settings import ProofOfWork, Settings, Signup
from subscribers.models import SignupRequest
from tests.integration.web.conftest import Story
from tests.unit.web.test_proof import solved


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"signup": Signup(proof_of_work=ProofOfWork.ON)})


def task_on(page: str) -> str:
    found = re.search(r'data-task="([^"]+)"', page)
    assert found, "no task on the page"
    return found[1]


def test_without_a_solution_nothing_is_taken_and_the_form_comes_back_with_a_fresh_task(story: Story) -> None:
    first = task_on(story.site.client.get("/subscribe").text)
    answer = story.sign_up(query="Windkraft")
    assert answer.status_code == 422
    assert "war noch nicht gelöst" in answer.text
    assert 'value="Windkraft"' in answer.text
    assert task_on(answer.text) != first
    assert story.rows(SignupRequest) == []


def test_a_solution_is_taken_once(story: Story) -> None:
    altcha = solved(task_on(story.site.client.get("/subscribe").text))
    assert story.sign_up(altcha=altcha).status_code == 303
    assert story.sign_up("cleo@example.org", altcha=altcha).status_code == 422
    assert story.one(SignupRequest).address == "ben@example.org"


def test_json_gets_the_task_with_the_error(story: Story) -> None:
    asked = {"email": "ben@example.org", "topics": ["ki"]}
    answer = story.site.client.post("/subscribe", json=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    told = answer.json()
    assert [one["field"] for one in told["errors"]] == ["altcha"]
    assert (
        story.site.client.post("/subscribe", json=asked | {"altcha": solved(told["task"])}).status_code == 202
    )


def test_a_preview_needs_none_and_who_has_no_script_is_told_where_to_write(story: Story) -> None:
    answer = story.sign_up(query="Windkraft", action="preview")
    assert answer.status_code == 200
    (told,) = re.findall("<noscript>(.*?)</noscript>", answer.text, re.DOTALL)
    assert "mailto:news@news.example.org" in told


def test_two_visitors_never_get_the_same_task(story: Story) -> None:
    pages = [story.site.client.get("/subscribe").text for _ in range(2)]
    assert task_on(pages[0]) != task_on(pages[1])


def test_every_form_carries_it(story: Story) -> None:
    for path in ("/embed/form", "/subscribe/similar?url=x"):
        task_on(story.site.client.get(path).text)


def test_it_is_off_unless_the_publisher_asks_for_it() -> None:
    assert Settings().signup.proof_of_work is ProofOfWork.OFF
