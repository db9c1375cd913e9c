"""The archive and the feeds: what was released on public topics, for everybody; one's own topics, for oneself."""

from typing import Any

import feedparser
import pytest
from sqlmodel import select

from digest.feeds.models import Article
from digest.feeds.parse import parse_feed
from subscribers.models import Mute, MuteKind, Subscription, Topic, TopicKind
from subscribers.tokens import Purpose
from tests.integration.web.conftest import TITLES, Story
from tests.support.factories import make_article, make_feed, make_topic


def change(story: Story, table: type[Any], **values: Any) -> None:
    with story.site.db.write() as session:
        for row in session.exec(select(table)):
            for name, value in values.items():
                setattr(row, name, value)


def test_the_archive_shows_each_day_with_its_public_articles(story: Story) -> None:
    days = story.site.client.get("/archive?lang=de")
    assert "22. November 2026" in days.text
    assert "3 Artikel" in days.text
    day = story.site.client.get("/archive/2026-11-22")
    assert day.status_code == 200
    assert all(title in day.text for title in TITLES.values())
    assert "sandbox" in day.headers["content-security-policy"]
    assert not [
        part for part in ("/u/", "/p/", "/m/", "example.org</td>") if f"{story.site.url}{part}" in day.text
    ]
    assert story.site.client.get("/archive/2026-11-21").status_code == 404
    assert story.site.client.get("/archive/heute").status_code == 404


def test_own_topics_and_withheld_articles_stay_out_of_the_archive(story: Story) -> None:
    with story.site.db.write() as session:
        feed = make_feed(session, "https://other.example.org/rss", now=story.site.clock.now)
        own = make_topic(session, "own", kind=TopicKind.PERSONAL, now=story.site.clock.now)
        private = make_article(
            session, feed, "Nur fuer Ann", number=50, release_no=1, now=story.site.clock.now
        )
        from digest.matching.models import Match

        match = {"field": "title", "term": "x", "score": 1.0, "matched_at": story.site.clock.now}
        session.add(Match(article_id=private.id, topic_id=own.id, **match))
        withdrawn = session.get_one(Article, 1)
        withdrawn.state = "withdrawn"
        taken = withdrawn.title
    for path in ("/archive/2026-11-22", "/topics/ki/feed.xml", story.path(Purpose.FEED)):
        text = story.site.client.get(path).text
        assert "Nur fuer Ann" not in text
        assert taken not in text
    assert story.site.client.get("/topics/own/feed.xml").status_code == 404


def test_without_an_archive_nothing_points_to_one(story: Story) -> None:
    site = story.site
    object.__setattr__(site.runtime, "settings", site.runtime.settings.model_copy(update={"archive": False}))
    assert [
        site.client.get(path).status_code for path in ("/archive", "/archive.xml", "/archive/2026-11-22")
    ] == [404] * 3
    assert "/archive" not in site.client.get("/").text
    assert site.client.get("/topics/ki/feed.xml").status_code == 200


@pytest.mark.parametrize("path", ["/archive.xml", "/topics/ki/feed.xml", "own"])
def test_feeds_are_read_without_complaint_by_our_parser_and_another(story: Story, path: str) -> None:
    change(
        story, Article, title="Neuer \x0b<Chip> & ]]> \ud7ff", summary="Erst\x00 Zeile", authors=["Ann & Ben"]
    )
    url = story.path(Purpose.FEED) if path == "own" else path
    answer = story.site.client.get(url)
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    other = feedparser.parse(answer.content)
    assert not other.bozo, other.get("bozo_exception")
    ours = parse_feed(answer.content, url=story.site.url + url)
    assert [entry.id for entry in ours.entries] == [entry.id for entry in other.entries]
    assert ours.entries[0].updated is not None
    assert any(link.rel == "self" and link.href.endswith(url) for link in other.feed.links)


def test_who_has_the_feed_already_gets_304(story: Story) -> None:
    for path in ("/archive.xml", "/topics/ki/feed.xml", story.path(Purpose.FEED)):
        etag = story.site.client.get(path).headers["etag"]
        again = story.site.client.get(path, headers={"If-None-Match": f'"x", W/{etag}'})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag


def test_a_personal_feed_holds_ones_own_topics_without_the_muted(story: Story) -> None:
    def titles() -> set[str]:
        answer = story.site.client.get(story.path(Purpose.FEED))
        assert answer.headers["cache-control"] == "private, max-age=900"
        return {entry.title for entry in feedparser.parse(answer.content).entries}

    assert titles() == {TITLES["ki"], TITLES["ukraine"]}
    with story.site.db.write() as session:
        ann = story.person()
        session.add(
            Mute(subscriber_id=ann.id, kind=MuteKind.STORY, value="1", created_at=story.site.clock.now)
        )
    assert titles() == {TITLES["ukraine"]}
    with story.site.db.write() as session:
        word = Mute(subscriber_id=ann.id, kind=MuteKind.WORD, value="Lösung", created_at=story.site.clock.now)
        session.add(word)
    assert titles() == set(), "a muted word counts in any form"
    change(story, Mute, value="x")
    assert titles() != set()
    change(story, Subscription, muted_until=story.site.clock.now.date().replace(day=30))
    assert titles() == set()


def test_a_personal_feed_ends_with_its_renewal_and_with_leaving(story: Story) -> None:
    old = story.path(Purpose.FEED)
    story.site.client.post(story.path(Purpose.PREFERENCES), data={"action": "renew_feed"})
    assert story.site.client.get(old).status_code == 410
    new = story.path(Purpose.FEED, version=1)
    assert story.site.client.get(new).status_code == 200
    story.site.client.post(story.path(Purpose.PREFERENCES) + "/pause", data={"pause": "1w"})
    assert story.site.client.get(new).status_code == 200
    story.site.client.post(story.path(Purpose.UNSUBSCRIBE))
    assert story.site.client.get(new).status_code == 410


def test_an_inactive_topic_has_no_feed(story: Story) -> None:
    change(story, Topic, state="broken")
    assert story.site.client.get("/topics/ki/feed.xml").status_code == 404
