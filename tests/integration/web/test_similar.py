"""News similar to an article: looked up among ours by its address, never fetched."""

import hashlib

import pytest

from digest.feeds.keys import ALL_FEEDS
from digest.feeds.models import ArticleKey, KeyKind
from digest.feeds.urls import url_key
from subscribers.models import SignupRequest
from tests.integration.web.conftest import TITLES, Story

URL = "https://news.example.org/artikel/1"


@pytest.fixture
def known(story: Story) -> Story:
    """The story, with the address of its first article among the keys."""
    digest = hashlib.sha256(url_key(URL).encode()).hexdigest()
    with story.site.db.write() as session:
        session.add(
            ArticleKey(
                scope=ALL_FEEDS,
                kind=KeyKind.URL,
                sha256=digest,
                article_id=1,
                created_at=story.site.clock.now,
            )
        )
    return story


@pytest.mark.parametrize("url", [URL, "http://www.news.example.org/artikel/1/"])
def test_a_known_article_is_shown_with_its_topics_ticked(known: Story, url: str) -> None:
    page = known.site.client.get("/subscribe/similar", params={"url": url}).text
    assert TITLES["ki"] in page
    assert 'value="ki" checked' in page
    assert 'value="raumfahrt" checked' not in page


@pytest.mark.parametrize(
    "url",
    ["https://other.example.org/x", "", "javascript:alert(1)", "http://127.0.0.1:1/", "x" * 9000, "\x00"],
)
def test_an_unknown_address_is_said_and_never_fetched(known: Story, url: str) -> None:
    before = known.site.dump()
    answer = known.site.client.get("/subscribe/similar", params={"url": url})
    assert answer.status_code == 200
    assert "Diesen Artikel kennen wir noch nicht." in answer.text
    assert "javascript:" not in answer.text.replace("javascript%3A", "")
    assert known.site.dump() == before


def test_the_mail_names_the_article_and_the_request_its_choices(known: Story) -> None:
    form = {"email": "ben@example.org", "topic": "ki", "query": "Chip -Kartoffel"}
    answer = known.site.client.post("/subscribe/similar", params={"url": URL}, data=form)
    assert answer.headers["location"] == "/subscribe/check-inbox"
    assert known.mails("confirmation")[0].data["article"] == TITLES["ki"]
    assert known.one(SignupRequest).choices["topics"] == ["ki"]
    unknown = known.site.client.post("/subscribe/similar?url=x", data=form | {"email": "cleo@example.org"})
    assert unknown.status_code == 303
    assert known.mails("confirmation")[1].data["article"] is None


def test_an_error_keeps_the_article(known: Story) -> None:
    answer = known.site.client.post(
        "/subscribe/similar", params={"url": URL}, data={"email": "ben", "topic": "ki"}
    )
    assert answer.status_code == 422
    assert TITLES["ki"] in answer.text
    assert f'action="/subscribe/similar?url={URL.replace(":", "%3A").replace("/", "%2F")}"' in answer.text
