"""The preference centre: one Save that changes what it showed, a pause, and no more power than the link has."""

from datetime import timedelta

import pytest
from sqlmodel import select

from digest.delivery.models import DeliveryState
from digest.feeds.models import Feed
from subscribers.models import Mute, MuteKind, Subscription, Topic, TopicKind
from subscribers.tokens import Purpose
from tests.integration.web.conftest import Story
from tests.support.browser import visit
from tests.support.factories import make_article, make_topic, subscribe

FORM = {
    "shown": ["ki", "ukraine", "raumfahrt"],
    "topic": ["ki", "raumfahrt"],
    "cadence": "weekly",
    "weekday": "2",
    "time": "18:30",
    "timezone": "America/New_York",
    "language": "en",
    "format": "text",
    "length": "headlines",
    "words": "Fußball\nTrump\n",
    "action": "save",
}


def followed(story: Story) -> set[str]:
    slugs = {topic.id: topic.slug for topic in story.rows(Topic)}
    return {slugs[one.topic_id] for one in story.rows(Subscription)}


def test_one_save_changes_everything_the_form_showed(both: Story) -> None:
    path = both.path(Purpose.PREFERENCES)
    answer = both.site.client.post(path, data=FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?done=saved")
    ann = both.person()
    assert (ann.cadence, ann.weekday, ann.local_time) == ("weekly", 2, "18:30")
    assert (ann.timezone, ann.locale) == ("America/New_York", "en")
    assert (ann.format, ann.length) == ("text", "headlines")
    assert followed(both) == {"ki", "raumfahrt"}
    assert {one.value for one in both.rows(Mute) if one.kind is MuteKind.WORD} == {"Fußball", "Trump"}
    assert both.events() == ["topics_changed"]
    both.site.client.post(path, data=FORM)
    assert both.events() == ["topics_changed"], "the same again is no event"
    page = both.site.client.get(answer.headers["location"])
    assert "Saved. Next edition: on Wednesday, November 25, 2026 at 6:30" in page.text


def test_a_topic_added_elsewhere_meanwhile_survives(story: Story) -> None:
    with story.site.db.write() as session:
        subscribe(
            session,
            story.person(),
            make_topic(session, "mond", now=story.site.clock.now),
            now=story.site.clock.now,
        )
    story.site.client.post(story.path(Purpose.PREFERENCES), data=FORM)
    assert "mond" in followed(story)


def test_own_topics_are_added_shown_and_dropped(story: Story) -> None:
    path = story.path(Purpose.PREFERENCES)
    story.site.client.post(path, data={"query": ["Windkraft -Offshore", ""]})
    (own,) = followed(story) - {"ki", "ukraine"}
    assert "Windkraft -Offshore" in story.site.client.get(path).text
    story.site.client.post(path, data={"shown": [own], "topic": []})
    assert own not in followed(story)


def test_without_a_topic_pausing_is_offered_and_nothing_is_an_error(story: Story) -> None:
    path = story.path(Purpose.PREFERENCES)
    answer = story.site.client.post(path, data=FORM | {"topic": []})
    assert answer.status_code == 303
    assert "Would you rather pause or unsubscribe?" in story.site.client.get(path).text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"query": "(("}, "query"),
        ({"words": "Fußball\n-"}, "words"),
        ({"time": "03:00"}, "time"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"language": "tlh"}, "language"),
        ({"format": "pdf"}, "format"),
    ],
)
def test_what_cannot_be_saved_comes_back_and_nothing_is_stored(
    story: Story, fields: dict[str, str], field: str
) -> None:
    before = story.site.dump()
    answer = story.site.client.post(story.path(Purpose.PREFERENCES), data=FORM | fields)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert 'value="raumfahrt" checked' in answer.text
    assert story.site.dump() == before


def test_a_pause_has_an_end_and_withdraws_what_waits(story: Story) -> None:
    story.sign_up()
    story.site.client.post(story.confirm_path())
    ben = story.person("ben")
    path = story.path(Purpose.PREFERENCES, ben.public_id)
    story.site.client.post(f"{path}/pause", data={"pause": "2w"})
    ben = story.person("ben")
    assert (ben.state, ben.paused_until.isoformat(), ben.last_release) == ("paused", "2026-12-06", 1)
    assert [one.state for one in story.mails("welcome")] == [DeliveryState.SKIPPED]
    assert "Pausiert bis 6. Dezember 2026." in story.site.client.get(path).text
    story.site.client.post(f"{path}/pause", data={"pause": "resume"})
    assert story.person("ben").state == "active"


def test_a_pause_ends_between_tomorrow_and_a_year_from_now(story: Story) -> None:
    path = story.path(Purpose.PREFERENCES)
    for until in ["2026-11-22", "2025-01-01", "2027-11-23", "morgen", "", "2026-13-01"]:
        answer = story.site.client.post(f"{path}/pause", data={"pause": "date", "until": until})
        assert answer.status_code == 422
        assert 'id="until-error"' in answer.text
    assert story.person().state == "active"
    assert (
        story.site.client.post(f"{path}/pause", data={"pause": "date", "until": "2027-11-22"}).status_code
        == 303
    )


def test_a_link_from_a_mail_shows_no_address_and_changes_none(story: Story) -> None:
    path = story.path(Purpose.PREFERENCES)
    assert "ann@example.org" not in story.site.client.get(path).text
    before = {name: rows for name, rows in story.site.dump().items() if name == "subscriber"}
    for action in ("email", "export", "erase"):
        answer = story.site.client.post(f"{path}/{action}", data={"email": "eve@example.net", "sure": "yes"})
        assert answer.status_code == 200
        assert "Er gilt 15 Minuten" in answer.text
    for action in ("invalidate", "resubscribe"):
        story.site.client.post(path, data={"action": action})
    assert {name: rows for name, rows in story.site.dump().items() if name == "subscriber"} == before
    assert [one.address for one in story.mails("manage")] == ["ann@example.org"], (
        "one mail in fifteen minutes"
    )


def test_mutes_are_listed_with_their_end_and_unticking_takes_them_back(story: Story) -> None:
    story.site.client.post(f"{story.path(Purpose.MUTE)}?a=1", data={"choice": "source:7"})
    story.site.client.post(f"{story.path(Purpose.MUTE)}?a=1", data={"choice": "topic:30"})
    path = story.path(Purpose.PREFERENCES)
    page = story.site.client.get(path).text
    assert "bis 29. November 2026" in page
    assert "bis 22. Dezember 2026" in page
    shown = ["source:Beispielfeed", "topic:ki"]
    story.site.client.post(path, data={"shown_mute": shown, "mute": []})
    assert story.rows(Mute) == []
    assert {one.muted_until for one in story.rows(Subscription)} == {None}


def test_what_a_mail_already_asked_for_stands_ticked_and_unsaved(story: Story) -> None:
    story.sign_up("ann@example.org", topic=["raumfahrt"], query="Windkraft")
    (mail,) = story.mails("already")
    before = story.site.dump()
    page = story.site.client.get(f"{story.path(Purpose.PREFERENCES)}?add={mail.data['request']}").text
    assert 'value="raumfahrt" checked' in page
    assert 'value="Windkraft"' in page
    assert story.site.dump() == before


def test_each_query_shows_its_matches_and_nothing_is_saved(story: Story) -> None:
    path = story.path(Purpose.PREFERENCES)
    story.site.client.post(path, data={"query": ["Sonde"]})
    (own,) = followed(story) - {"ki", "ukraine"}
    before = story.site.dump()
    form = {"shown": [own], "topic": [own], "query": ["Chip", "Mond Sonde"], "action": "preview"}
    page = story.site.client.post(path, data=form)
    assert page.status_code == 200
    assert page.text.count("1 Treffer in den letzten 14 Tagen") == 3, (
        "two new queries and the one that is followed"
    )
    assert "<mark>Sonde</mark> erreicht den <mark>Mond</mark>" in page.text
    assert 'value="Chip"' in page.text
    assert story.site.dump() == before


def test_a_query_that_finds_a_quarter_of_everything_is_refused_with_narrower_ones(story: Story) -> None:
    with story.site.db.write() as session:
        feed = session.exec(select(Feed)).one()
        for number in range(200):
            title, text = (
                f"Meldung {number}",
                f"Wetter {number}: Regen. Dann Wetter wie {number + 7} und Wetter.",
            )
            title += ": Wetter" if number % 2 else ""
            make_article(session, feed, title, summary=text, number=1000 + number, now=story.site.clock.now)
    before = story.site.dump()
    answers = [
        story.site.client.post(story.path(Purpose.PREFERENCES), data={"query": ["", "Wetter"]}),
        story.sign_up(query=["", "Wetter"]),
    ]
    for answer in answers:
        assert answer.status_code == 422
        assert 'href="#query-2"' in answer.text
        assert "mehr als ein Viertel aller Artikel" in answer.text
        assert "Enger wäre: Wetter in:title" in answer.text
    assert story.site.dump() == before


def test_another_form_of_the_page_leaves_what_is_chosen_as_it_stands(story: Story) -> None:
    account = story.path(Purpose.ACCOUNT)
    page = story.site.client.post(f"{account}/email", data={"email": "nobody"})
    assert page.status_code == 422
    assert 'value="ki" checked' in page.text
    assert 'value="nobody"' in page.text
    page = story.site.client.post(f"{account}/pause", data={"pause": "date", "until": "2020-01-01"})
    assert 'value="ki" checked' in page.text
    assert 'value="2020-01-01"' in page.text


@pytest.mark.parametrize("lang", ["de", "en"])
def test_topics_in_the_language_of_the_page_come_first(story: Story, lang: str) -> None:
    with story.site.db.write() as session:
        for slug, language in (("aaa-space", "en"), ("zoo", "de")):
            make_topic(session, slug, language=language, now=story.site.clock.now)
    story.site.clock.move(minutes=1)  # the list of topics is remembered for half a minute
    for path in ("/subscribe", story.path(Purpose.PREFERENCES)):
        text = story.site.client.get(f"{path}?lang={lang}").text
        is_english_first = text.index('value="aaa-space"') < text.index('value="zoo"')
        assert is_english_first == (lang == "en")
    assert ("Englisch" if lang == "de" else "German") in text


def add_own(story: Story, query: str, *, days: int = 0) -> None:
    """Let Ann follow a topic of her own since some days ago."""
    now, ann = story.site.clock.now, story.person()
    with story.site.db.write() as session:
        own = make_topic(
            session, "own-1", name=query, query=query, kind=TopicKind.PERSONAL, owner_id=ann.id,
            now=now - timedelta(days=days),
        )  # fmt: skip
        subscribe(session, ann, own, now=now)


def test_an_own_topic_that_was_unticked_is_taken_back_with_one_button(story: Story) -> None:
    add_own(story, "Windkraft -Offshore")
    saved = story.site.client.post(
        story.path(Purpose.PREFERENCES), data={"shown": ["own-1", "ki"], "topic": "ki", "action": "save"}
    )
    assert "own-1" not in followed(story)
    story.site.client.follow_redirects = True
    page = visit(story.site.client, saved.headers["location"])
    assert "Nicht mehr unter deinen Themen: Windkraft -Offshore" in page.text
    back = page.press("Rückgängig machen")
    (own,) = [one for one in story.rows(Topic) if one.kind == TopicKind.PERSONAL]
    assert own.query == "Windkraft -Offshore"
    assert {"ki", own.slug} <= followed(story)
    assert "Rückgängig machen" not in back.buttons()


def test_what_was_typed_into_the_address_is_only_text(story: Story) -> None:
    page = story.site.client.get(story.path(Purpose.PREFERENCES), params={"removed": "<b>x</b>\n" * 50})
    assert page.status_code == 200
    assert "<b>x</b>" not in page.text


def test_a_topic_that_brings_nothing_says_so_and_offers_what_would(story: Story) -> None:
    add_own(story, "Chip Quantenschaum", days=40)
    with story.site.db.write() as session:
        feed = session.exec(select(Feed)).one()
        for number in range(60, 64):
            now = story.site.clock.now - timedelta(days=1)
            make_article(session, feed, f"Chip Nummer {number}", number=number, matched_at=now, now=now)
    page = story.site.client.get(story.path(Purpose.PREFERENCES)).text
    assert "Kein Artikel in 30 Tagen" in page
    assert "Versuch es damit: <code>Chip</code>" in page
