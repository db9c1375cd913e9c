"""What a preview shows is what the next edition will be: matched, muted, with what was left over; and nothing moves."""

import re
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import Session

from digest import previews
from digest.db import Database
from digest.delivery.mails import Mails
from digest.delivery.models import Delivery
from digest.delivery.outbox import EditionLedger
from digest.delivery.queue import due
from digest.editions.draft import NothingNewError
from digest.editions.labels import PromoLabel
from digest.editions.models import Content, Edition, Release
from digest.editions.plan import InstantRules, plan_due
from digest.editions.promos import NewPromo, add_promo
from digest.previews import Preview
from digest.runtime import Runtime
from digest.settings import Settings
from subscribers.models import MuteKind, Subscriber
from subscribers.tokens import Purpose
from tests.integration.editions.test_selection import DAY, SEVEN, house, plan, publish, shown, silence
from tests.support.mail import read

__all__ = ["house"]  # the fixture: Ann follows KI and Nato


@pytest.fixture
def runtime(house: Database, settings: Settings) -> Runtime:
    return Runtime(settings, house, lambda: SEVEN - DAY / 24, Random(1))


def ann(session: Session) -> Subscriber:
    return session.get_one(Subscriber, 1)


def rows(db: Database) -> list[int]:
    """How many releases, editions, contents and deliveries there are."""
    with db.read() as session:
        return [
            session.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (Release, Edition, Content, Delivery)
        ]


def titles(made: Preview) -> list[str]:
    return [one["title"] for one in made.reasons["shown"]]


def out(made: Preview) -> dict[str, str]:
    return {one["title"]: one["why"] for one in made.reasons["out"]}


def test_what_was_not_matched_yet_is_matched_for_the_preview(house: Database, runtime: Runtime) -> None:
    publish(house, "KI rechnet schneller", topics=(), matched_at=None)
    made = previews.preview(runtime, ann)
    assert titles(made) == ["KI rechnet schneller"]
    assert made.report.errors == ()


def test_a_preview_is_the_edition_that_follows_with_what_was_left_over(
    house: Database, runtime: Runtime
) -> None:
    publish(house, *[f"KI Nummer {number}" for number in range(8)])
    left = plan(house)["carried"]
    publish(house, "KI am Montag", at=SEVEN + DAY)
    before = rows(house)
    made = previews.preview(replace(runtime, clock=lambda: SEVEN + DAY / 2), ann)
    assert rows(house) == before
    chosen = plan(house, day=1)
    assert [one["article"] for one in made.reasons["shown"]] == shown(chosen)
    assert set(left) & set(shown(chosen))


def test_muted_words_hold_in_a_preview_and_everything_left_out_says_why(
    house: Database, runtime: Runtime
) -> None:
    publish(house, "KI ohne Lärm", *[f"KI {number}" for number in range(6)])
    publish(house, "KI mit Lärm", content_html="<p>Nur einmal Lärm.</p>")
    silence(house, MuteKind.WORD, "Lärm")
    made = previews.preview(runtime, ann)
    why = out(made)
    assert why.pop("KI mit Lärm") == "muted: word"
    assert why.pop("KI ohne Lärm") == "muted: word"
    assert len(titles(made)) == 5
    assert list(why.values()) == [
        "cap: 5 articles of its topic stand in the mail already; it comes again in the next mail"
    ]


def test_the_reasons_tell_the_score_the_size_and_what_was_sent_before(
    house: Database, runtime: Runtime
) -> None:
    publish(house, "KI am Sonntag")
    plan(house)
    publish(house, "KI von vielen", "KI von allen", at=SEVEN + DAY, authors=["x" * 60_000])
    made = previews.preview(replace(runtime, clock=lambda: SEVEN + DAY / 2), ann)
    (first,) = made.reasons["shown"]
    assert (first["place"], first["field"], first["term"], first["score"]) == (1, "title", "KI", 1.0)
    (left,) = {"KI von vielen", "KI von allen"} - {first["title"]}
    assert out(made) == {
        left: "size: with it the mail would be too large to be shown whole; it comes again in the next mail",
        "KI am Sonntag": "sent before, on 2026-11-22",
    }
    assert {one["score"] for one in made.reasons["out"]} == {1.0}


PERSONAL = re.compile(r"/([upvm])/([A-Za-z0-9_-]{40,})")
PURPOSES = {"u": Purpose.UNSUBSCRIBE, "p": Purpose.PREFERENCES, "v": Purpose.VIEW, "m": Purpose.MUTE}


def kinds_of_links(runtime: Runtime, part: str) -> set[tuple[str, bool]]:
    """Each kind of personal link in a part, and whether it is a test's."""
    return {
        (letter, runtime.signer.read(PURPOSES[letter], token, now=SEVEN).is_test)
        for letter, token in PERSONAL.findall(part)
    }


def test_a_preview_is_the_workers_mail_with_links_that_change_nothing(
    house: Database, runtime: Runtime
) -> None:
    publish(house, "KI rechnet")
    test = read(previews.preview(runtime, ann).message.data)
    plan_due(house, EditionLedger(), now=SEVEN, catch_up=DAY, instant=InstantRules(quiet=""))
    with house.read() as session:
        mails, rows = Mails(runtime), due(session, 1, now=SEVEN)
        mails.load(session, rows)
    real = read(mails.compose(rows[0], dated_at=runtime.clock()).data)
    assert kinds_of_links(runtime, test.html) == kinds_of_links(runtime, test.text) == {
        (letter, True) for letter in PURPOSES
    }  # fmt: skip
    assert kinds_of_links(runtime, real.html) == {(letter, False) for letter in PURPOSES}
    assert test.names == real.names
    notice, _, same = PERSONAL.sub("", test.text).partition(" ***\n\n")
    assert notice.startswith("*** ")
    assert same == PERSONAL.sub("", real.text)
    assert test.raw("Message-ID") != real.raw("Message-ID")
    assert test.raw("Feedback-ID").startswith(b"test:daily:")


def test_a_reader_who_muted_all_of_it_hears_that(house: Database, runtime: Runtime) -> None:
    publish(house, "KI mit Lärm")
    silence(house, MuteKind.WORD, "Lärm")
    with pytest.raises(NothingNewError, match="muted"):
        previews.preview(runtime, ann)


def test_a_preview_tells_its_headers_sizes_links_and_promos(house: Database, runtime: Runtime) -> None:
    publish(house, "KI rechnet")
    promo: dict[str, Any] = {"slug": "books", "advertiser": "Buchhandlung Beispiel", "title": "Bücher"}
    with house.write() as session:
        add_promo(session, NewPromo(label=PromoLabel.PROMOTION, url="https://books.example/ki", **promo))
    made = previews.preview(runtime, ann, recipient="ann@xn--mnchen-3ya.example.org")
    assert read(made.message.data).raw("To") == b"ann@xn--mnchen-3ya.example.org"
    assert "ann@münchen.example.org" in made.html
    assert "ann@münchen.example.org" in made.text
    assert made.reasons["promos"] == ["Bücher"]
    assert made.headers[:3] == ["Date", "From", "To"]
    assert made.headers[-2:] == ["MIME-Version", "Content-Type"]
    assert "https://books.example/ki" in made.links
    assert made.sizes["html"] > made.sizes["text"] > 300
    assert made.subject.startswith("[Test] ")
