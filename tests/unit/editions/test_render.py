"""A content is looked over once, before anybody gets it."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from digest.editions import compose
from digest.editions.house import House
from digest.editions.material import ContentFacts, Material, Named, Told
from digest.editions.render import render_content
from digest.links import Links
from digest.rendering import Templates, UnfitError, directories, samples
from digest.rendering.context import Item
from subscribers.models import Cadence, MailFormat, MailLength, TopicKind

SEVEN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOUSE = House(links=Links("https://news.example.org"), timezone="Europe/Berlin")


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates(directories(), publisher=samples.PUBLISHER, language="de")


def told(number: int) -> Told:
    return Told(
        id=number,
        link=f"https://blatt.example.org/nachrichten/{number}",
        title=f"Ein Satz als Überschrift von Nummer {number}",
        summary="Was geschehen ist, steht hier in einem Satz, der lang genug ist. " * 2,
        content_html="",
        image_url="",
        image_width=None,
        image_height=None,
        authors=[],
        source="Blatt",
        effective_at=SEVEN,
        published_at=SEVEN,
        trust=None,
    )


def material(articles: int) -> Material:
    shown = [[number, 1, "title", "KI", [], [], False] for number in range(1, articles + 1)]
    content = ContentFacts(
        id=1,
        language="de",
        format=MailFormat.HTML,
        length=MailLength.NORMAL,
        selection={"shown": shown, "more": {}},
        edition_id=1,
        cadence=Cadence.DAILY,
        local_time="07:00",
        timezone="Europe/Berlin",
        local_date=date(2026, 11, 22),
        due_at=SEVEN,
    )
    return Material(
        {1: content}, {n: told(n) for n in range(1, articles + 1)}, {1: Named("KI", "ki", TopicKind.CURATED)}
    )


def item_of(article: Told) -> Item:
    """The article as a mail shows it; what a context holds is plain JSON."""
    made = replace(material(1), articles={1: article})
    context = compose.context(made, 1, house=HOUSE, markers=made.markers)
    assert json.loads(json.dumps(context)) == context
    return context["sections"][0]["items"][0]


def test_a_good_content_is_rendered(templates: Templates) -> None:
    assert "Nummer 7" in render_content(templates, material(8), 1, house=HOUSE).html_text


def test_an_article_is_read_once_for_all_contents_that_show_it_so() -> None:
    """Reading 5 KB of HTML for each mail again cost five times what the whole mail costs."""
    made = material(8)
    normal = made.contents[1]
    contents = {1: normal, 2: normal._replace(id=2), 3: normal._replace(length=MailLength.HEADLINES)}
    made = replace(made, contents=contents)
    first, second, short = (
        compose.context(made, number, house=HOUSE, markers=made.markers)["sections"][0]["items"]
        for number in contents
    )
    public = compose.context(made, 1, house=HOUSE, markers=None)["sections"][0]["items"]
    assert [id(item) for item in first] == [id(item) for item in second]
    assert not {id(item) for item in first} & {id(item) for item in (*short, *public)}
    assert (short[0]["teaser"], public[0]["mute_url"]) == (None, None)
    assert made.markers.stem in str(first[0]["mute_url"])


def test_what_mail_programs_would_clip_is_never_sent(templates: Templates) -> None:
    with pytest.raises(UnfitError, match="mail programs clip it"):
        render_content(templates, material(150), 1, house=HOUSE)
