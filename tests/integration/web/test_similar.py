"""News similar to an article: looked up among ours by its address, never fetched."""

import hashlib
from collections.abc import Iterator

import httpx
import pytest

from digest.feeds.keys import ALL_FEEDS
from digest.feeds.models import Article, ArticleKey, KeyKind
from digest.feeds.urls import url_key
from digest.matching.expiry import expire_similar
from digest.matching.models import Match
from subscribers.models import SignupRequest, Topic
from subscribers.tokens import Purpose
from tests.integration.web.conftest import TITLES, Story
from tests.support.browser import visit

URL = "https://news.example.org/artikel/1"


@pytest.fixture
def known(story: Story) -> Story:
    """The story, with the address of its first article among the keys."""
    digest = hashlib.sha256(url_key(URL).encode()).hexdigest()
    with story.site.db.write() as session:
        article = session.get_one(Article, 1)
        article.summary = (
            "Forscher aus Dresden und Leuven stellten Speicher und Rechenwerk in einem Bauteil vor."
        )
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


@pytest.fixture
def web(known: Story) -> Iterator[httpx.Client]:
    """A browser without scripts."""
    with httpx.Client(base_url=known.site.url, follow_redirects=True) as client:
        yield client


def test_the_page_proposes_a_query_with_its_matches_and_two_further_words(
    known: Story, web: httpx.Client
) -> None:
    page = visit(web, f"/subscribe/similar?url={URL}")
    assert "2 OF (" in page.source
    assert "lang:de" in page.source
    assert "1 Treffer in den letzten 14 Tagen" in page.text
    assert "<mark>" in page.source
    assert "Auch möglich:" in page.text


def test_the_proposal_becomes_a_topic_of_the_article_and_an_edited_one_the_readers_own(
    known: Story, web: httpx.Client
) -> None:
    path = f"/subscribe/similar?url={URL}"
    for name, typed in (("ben", None), ("cleo", "Chip -Kartoffel")):
        form = visit(web, path)
        fields = {"email": f"{name}@example.org"} | ({"query": typed} if typed else {})
        known.site.clock.move(seconds=5)
        form.press("Kostenlos anmelden", **fields)
        assert [one.kind for one in known.rows(Topic) if one.kind == "personal"] == []
        known.site.client.post(known.confirm_path(f"{name}@example.org"))
    topics = {one.kind: one for one in known.rows(Topic) if one.kind != "curated"}
    assert (topics["similar"].seed_article, topics["similar"].name) == (1, TITLES["ki"])
    assert topics["similar"].slug.startswith("similar-1-")
    assert (topics["personal"].query, topics["personal"].seed_article) == ("Chip -Kartoffel", None)


def test_an_end_is_told_in_words_and_taken_back_by_following_again(known: Story, web: httpx.Client) -> None:
    form = visit(web, f"/subscribe/similar?url={URL}")
    known.site.clock.move(seconds=5)
    form.press("Kostenlos anmelden", email="ben@example.org")
    known.site.client.post(known.confirm_path())
    path = known.path(Purpose.PREFERENCES, known.person("ben").public_id)
    assert "endet am 21. Mai 2027" in visit(web, path).text
    known.site.clock.move(days=181)
    with known.site.db.write() as session:
        assert expire_similar(session, now=known.site.clock.now) == 1
    (similar,) = [one for one in known.rows(Topic) if one.kind == "similar"]
    page = visit(web, path)
    assert "beendet" in page.text
    page = page.choose(f"again:{similar.slug}")
    (similar,) = [one for one in known.rows(Topic) if one.kind == "similar"]
    assert similar.state == "active"


def test_what_it_finds_stands_in_the_personal_feed(known: Story, web: httpx.Client) -> None:
    form = visit(web, f"/subscribe/similar?url={URL}")
    known.site.clock.move(seconds=5)
    form.press("Kostenlos anmelden", email="ben@example.org", topic=[])
    known.site.client.post(known.confirm_path())
    (similar,) = [one for one in known.rows(Topic) if one.kind == "similar"]
    with known.site.db.write() as session:
        values = {"field": "title", "term": "Chip", "score": 1.0, "matched_at": known.site.clock.now}
        session.add(Match(article_id=1, topic_id=similar.id, **values))
    feed = known.site.client.get(known.path(Purpose.FEED, known.person("ben").public_id))
    assert TITLES["ki"] in feed.text
