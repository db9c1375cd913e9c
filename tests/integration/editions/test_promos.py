"""Promos from the table into the mails, on both databases: chosen with the content, labelled, capped per reader."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from digest.db import Database
from digest.delivery.models import Delivery, DeliveryState
from digest.delivery.outbox import EditionLedger
from digest.editions import promos
from digest.editions.house import House
from digest.editions.labels import PromoLabel
from digest.editions.material import read_material
from digest.editions.models import Content, PromoPlace
from digest.editions.plan import InstantRules, plan_due
from digest.editions.promos import NewPromo, PromoError
from digest.editions.render import render_content, render_public
from digest.links import Links
from digest.rendering import Templates, directories, samples
from tests.integration.editions.test_selection import DAY, SEVEN, publish
from tests.support.factories import make_subscriber, make_topic, subscribe

HOUSE = House(links=Links("https://news.example.org"), timezone="Europe/Berlin")


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates(directories(), publisher=samples.PUBLISHER, language="de")


@pytest.fixture
def house(db: Database, now: Any) -> Database:
    """Ann follows KI, Ben Nato; both at seven in Berlin."""
    with db.write() as session:
        ki, nato = [make_topic(session, slug, now=now) for slug in ("ki", "nato")]
        subscribe(session, make_subscriber(session, "ann", now=now - 30 * DAY), ki, now=now)
        subscribe(session, make_subscriber(session, "ben", now=now - 30 * DAY), nato, now=now)
    return db


def offer(db: Database, slug: str, **values: Any) -> int:
    wanted: dict[str, Any] = {
        "slug": slug,
        "label": PromoLabel.ADVERTISEMENT,
        "advertiser": "Buchhandlung Beispiel",
        "title": f"Titel von {slug}",
        "url": f"https://books.example/{slug}",
    }
    with db.write() as session:
        return promos.add_promo(session, NewPromo(**(wanted | values))).id


def plan(db: Database, *, day: int = 0) -> dict[str, list[int]]:
    """The promos of Ann's and Ben's next mails, which arrive."""
    plan_due(
        db,
        EditionLedger(),
        now=SEVEN + day * DAY,
        catch_up=timedelta(hours=6),
        instant=InstantRules(quiet=""),
    )
    with db.write() as session:
        rows = session.execute(
            select(col(Delivery.subscriber_id), col(Content.promos))
            .join(Content, col(Content.id) == col(Delivery.content_id))
            .where(col(Delivery.state) == DeliveryState.PLANNED)
        ).all()
        session.execute(update(Delivery).values(state=DeliveryState.SENT))
    names = {1: "ann", 2: "ben"}
    return {names[subscriber]: list(found) for subscriber, found in rows}


def test_a_promo_of_a_topic_comes_to_its_readers_only(house: Database) -> None:
    publish(house, "Nato und KI", topics=(1, 2))
    about = offer(house, "ki-books", topics=["ki"])
    everywhere = offer(house, "jobs")
    assert plan(house) == {"ann": [about, everywhere], "ben": [everywhere]}


def test_a_reader_gets_a_promo_no_oftener_than_its_cap(house: Database) -> None:
    once, twice = offer(house, "once", cap=1), offer(house, "twice", cap=2)
    got = []
    for day in range(3):
        publish(house, f"KI am Tag {day}", at=SEVEN + day * DAY)
        got.append(plan(house, day=day)["ann"])
    assert got == [[once, twice], [twice], []]


def test_a_mail_that_did_not_arrive_counts_for_no_cap(house: Database) -> None:
    once = offer(house, "once", cap=1)
    publish(house, "KI am Sonntag")
    assert plan(house)["ann"] == [once]
    with house.write() as session:
        session.execute(update(Delivery).values(state=DeliveryState.FAILED))
    publish(house, "KI am Montag", at=SEVEN + DAY)
    assert plan(house, day=1)["ann"] == [once]


def test_a_paused_promo_stays_out_and_one_under_way_cannot_be_removed(house: Database) -> None:
    publish(house, "KI am Sonntag")
    offer(house, "books")
    plan(house)
    with house.write() as session, pytest.raises(PromoError, match="under way"):
        promos.remove_promo(session, "books")
    with house.write() as session:
        promos.set_active(session, "books", is_active=False)
    publish(house, "KI am Montag", at=SEVEN + DAY)
    assert plan(house, day=1)["ann"] == []


def test_a_promo_stands_in_both_parts_behind_the_news_with_its_label_first(
    house: Database, templates: Templates
) -> None:
    publish(house, "KI rechnet", "KI lernt")
    offer(
        house,
        "books",
        text="Zwölf Titel.",
        image_url="https://books.example/a.png",
        image_width=600,
        image_height=300,
    )
    offer(house, "jobs", label=PromoLabel.OWN_CAUSE, place=PromoPlace.END)
    plan(house)
    with house.read() as session:
        (content,) = session.execute(select(col(Content.id)).where(col(Content.item_count) > 0)).scalars()
        material = read_material(session, [content])
        public = render_public(session, templates, content, house=HOUSE)
    rendered = render_content(templates, material, content, house=HOUSE)
    for part in (rendered.html_text, rendered.plain_text, public.html_text, public.plain_text):
        places = [
            part.index(word)
            for word in ("KI rechnet", "Anzeige", "Titel von books", "In eigener Sache", "Titel von jobs")
        ]
        assert places == sorted(places)
    english = {content: material.contents[content]._replace(language="en")}
    spoken = render_content(templates, replace(material, contents=english), content, house=HOUSE)
    assert spoken.plain_text.index("-- Advertisement --") < spoken.plain_text.index("Titel von books")
    assert "Anzeige" not in spoken.html_text + spoken.plain_text
    assert 'rel="sponsored"' in rendered.html_text
    assert "https://books.example/a.png" in rendered.html_text


def test_what_a_promo_names_must_exist(house: Database) -> None:
    with pytest.raises(PromoError, match="no topic sport"):
        offer(house, "books", topics=["sport"])
    offer(house, "books")
    with pytest.raises(PromoError, match="already"):
        offer(house, "books")
