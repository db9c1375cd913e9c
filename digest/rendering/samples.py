"""Sample contexts of every kind: what templates are tried out with when they are loaded, pictured in the docs, and tested.

Everything in them is invented. They hold one of each case a template must cope with: no picture, no link, no teaser, a story
told by several sources, an article carried over, markup and bidi marks in a headline.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from digest.rendering.context import (
    EditionContext,
    Item,
    Mail,
    MailLinks,
    PromoBox,
    Publisher,
    Section,
    SubscriberFacts,
    SystemContext,
)

BASE = "https://news.example.org"
TOKEN = "Xk3vQ2-m8Zr1TtY0uWc5NbD7hJ4sLpAfGe6oKiRqMxVzCyBwEnUdS"  # noqa: S105  # a sample, signed by nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What stands in the personal links of an edition: sample tokens, or markers."""

    unsubscribe: str = TOKEN
    preferences: str = TOKEN
    view: str = TOKEN
    mute: str = TOKEN


PUBLISHER: Publisher = {
    "site": {"name": "Morgenblick", "url": BASE},
    "brand": {
        "logo_url": None,
        "logo_width": None,
        "logo_height": None,
        "accent": "#0b57b7",
        "accent_dark": "#8ab4f8",
    },
    "imprint": {
        "name": "Morgenblick Verlag GmbH",
        "address": ["Beispielweg 1", "80331 München"],
        "url": f"{BASE}/impressum",
        "privacy_url": f"{BASE}/datenschutz",
        "contact": ["redaktion@example.org", "Amtsgericht München, HRB 000000"],
    },
}

# topic, headline, teaser, source, author, minutes, term, where it was found
_ARTICLES: tuple[tuple[str, str, str | None, str, str | None, int | None, str, str], ...] = (
    (
        "KI & Robotik",
        "Neuer Chip rechnet Sprachmodelle mit einem Zehntel des Stroms",
        "Ein Start-up aus Dresden zeigt einen Baustein, der analoge Speicherzellen zum Rechnen nutzt. Erste Muster gehen "
        "im Frühjahr an Forschungsinstitute.",
        "Technikjournal", "Cleo Beispiel", 4, "Chip", "title",
    ),
    (
        "KI & Robotik",
        "Roboter lernen das Greifen aus Videos von Küchen",
        "Statt teurer Vorführungen genügen Aufnahmen aus dem Alltag: Das Verfahren erkennt, welche Bewegung zum Ziel führt.",
        "Wissen kompakt", None, 3, "Roboter", "title",
    ),
    (
        "KI & Robotik",
        "Was die neue Verordnung für kleine Betriebe bedeutet",
        "Ab August gelten Pflichten auch für Anwender. Ein Überblick, wer handeln muss und wer nicht.",
        "Wirtschaft am Morgen", None, 6, "künstliche Intelligenz", "lead",
    ),
    (
        "Ukraine-Konflikt",
        "Unterhändler vertagen Gespräche in London",
        "Die Berater beider Seiten treffen sich in zwei Wochen wieder. Ein Durchbruch gilt als unwahrscheinlich.",
        "Weltspiegel", None, 5, "Gespräche", "body",
    ),
    (
        "Ukraine-Konflikt",
        "Gipfel in Den Haag: Worum es im Juni geht",
        None, "Europa heute", None, None, "Gipfel", "title",
    ),
    (
        "Raumfahrt",
        "Sonde sendet erste Bilder vom Rand des Jupitermonds",
        "Die Aufnahmen zeigen Risse im Eis, die jünger sind als vermutet.",
        "Sternenbote", "Ben Muster", 2, "Sonde", "category",
    ),
    (
        "Raumfahrt",
        "Kleine Raketen, große Pläne: Startplatz in der Nordsee genehmigt",
        "Schon im Herbst soll die erste Rakete von einem Schiff aus starten.",
        "Küstenblatt", None, 3, "Raketen", "title",
    ),
    (
        "Raumfahrt",
        "Leser fragen: Warum ist der Himmel auf dem Mond schwarz? <b>Eine Antwort</b>",
        "Ohne Luft streut nichts das Licht & der Blick geht frei ins All.",
        "Sternenbote", None, None, "Mond", "title",
    ),
)  # fmt: skip

PROMOS: tuple[PromoBox, ...] = (
    {
        "label": "Anzeige",
        "advertiser": "Buchhandlung Beispiel",
        "title": "Bücher rund um KI & Robotik",
        "text": "Zwölf Titel, die sich lohnen, von der Redaktion des Buchladens ausgesucht.",
        "url": "https://books.example/ki",
        "image": None,
        "place": "middle",
    },
    {
        "label": "In eigener Sache",
        "advertiser": "Morgenblick",
        "title": "Stellenmarkt: Technik und KI",
        "text": "Neue Stellen jeden Mittwoch.",
        "url": f"{BASE}/stellen",
        "image": None,
        "place": "end",
    },
)

_DATA: Mapping[str, dict[str, Any]] = {
    "confirmation": {
        "request": "6d0c3f6a-2c3e-4b61-9a4b-0b7a4f6d1e11", "topics": ["KI & Robotik", "Raumfahrt"], "own_topics": 2,
        "cadence": "daily", "weekday": None, "time": "07:00", "timezone": "Europe/Berlin",
        "requested_at": "2026-11-22T06:00:00+00:00", "expires_at": "2026-11-29T06:00:00+00:00",
        "article": "Neuer Chip rechnet Sprachmodelle mit einem Zehntel des Stroms",
    },
    "already": {
        "request": "6d0c3f6a-2c3e-4b61-9a4b-0b7a4f6d1e11", "topics": ["Raumfahrt"], "own_topics": 0,
    },
    "welcome": {
        "topics": ["KI & Robotik", "Raumfahrt"], "own_topics": 1, "cadence": "weekly", "weekday": 0, "time": "07:30",
        "timezone": "Europe/Berlin", "next_at": "2026-11-23T07:30:00+01:00",
    },
    "manage": {"expires_at": "2026-11-22T06:15:00+00:00"},
    "address_change": {"request": "6d0c3f6a-2c3e-4b61-9a4b-0b7a4f6d1e11", "expires_at": "2026-11-29T06:00:00+00:00"},
    "address_changed": {"changed_at": "2026-11-22T06:00:00+00:00"},
    "goodbye": {},
}  # fmt: skip
_LINKS: Mapping[str, tuple[str, ...]] = {
    "confirmation": ("confirm",),
    "already": ("preferences",),
    "welcome": ("preferences", "pause", "unsubscribe"),
    "manage": ("manage",),
    "address_change": ("confirm",),
    "address_changed": (),
    "goodbye": ("subscribe",),
}
_PATHS: Mapping[str, str] = {
    "confirm": f"confirm/{TOKEN}",
    "preferences": f"p/{TOKEN}",
    "pause": f"p/{TOKEN}#pause",
    "unsubscribe": f"u/{TOKEN}",
    "manage": f"p/{TOKEN}",
    "subscribe": "subscribe",
}


def edition(
    items: int = 8,
    *,
    has_images: bool = True,
    promos: int = 0,
    is_public: bool = False,
    tokens: Tokens | None = None,
    subscriber: SubscriberFacts | None = None,
) -> EditionContext:
    """An edition with that many articles (any number), in the order a reader gets them."""
    tokens = tokens or Tokens()
    sections = _sections(items, has_images=has_images, mute=None if is_public else tokens.mute)
    return {
        "mail": _mail(),
        "subscriber": None
        if is_public
        else subscriber or {"address": "ann@example.org", "since": "12. März 2026"},
        "links": _public_links() if is_public else _edition_links(tokens),
        "edition": {
            "headline": None,
            "intro": None,
            "preheader": None,
            "schedule": {"cadence": "daily", "weekday": None, "time": "07:00"},
            "next_at": "2026-11-23T07:00:00+01:00",
            "article_count": items,
        },
        "sections": sections,
        "promos": list(PROMOS[:promos]),
    }


def system(kind: str) -> SystemContext:
    """A system mail of that kind."""
    links = {name: f"{BASE}/{_PATHS[name]}" for name in _LINKS[kind]}
    return {
        "mail": _mail(),
        "subscriber": {"address": "ann@example.org", "since": None},
        "links": {**_no_links(), **links},  # type: ignore[typeddict-item]  # the names are those of MailLinks
        "data": dict(_DATA[kind]),
    }


def _mail() -> Mail:
    return {"is_test": False, "sent_on": "2026-11-22", "timezone": "Europe/Berlin"}


def _no_links() -> MailLinks:
    return {
        "unsubscribe": None, "preferences": None, "pause": None, "view": None, "archive": None, "subscribe": None,
        "confirm": None, "manage": None,
    }  # fmt: skip


def _edition_links(tokens: Tokens) -> MailLinks:
    return {
        **_no_links(),
        "unsubscribe": f"{BASE}/u/{tokens.unsubscribe}",
        "preferences": f"{BASE}/p/{tokens.preferences}",
        "pause": f"{BASE}/p/{tokens.preferences}#pause",
        "view": f"{BASE}/v/{tokens.view}",
        "archive": f"{BASE}/archive",
    }


def _public_links() -> MailLinks:
    return {**_no_links(), "archive": f"{BASE}/archive", "subscribe": f"{BASE}/subscribe"}


def _sections(items: int, *, has_images: bool, mute: str | None) -> list[Section]:
    by_topic: dict[str, list[Item]] = {}
    for number in range(items):
        topic = _ARTICLES[number % len(_ARTICLES)][0]
        by_topic.setdefault(topic, []).append(_item(number, has_images=has_images, mute=mute))
    return [
        {
            "anchor": f"t{number}",
            "topic": topic,
            "items": found,
            "more_count": 12 if number == 1 else 0,
            "more_url": f"{BASE}/topics/raumfahrt" if number == 1 else None,
        }
        for number, (topic, found) in enumerate(by_topic.items(), 1)
    ]


def _item(number: int, *, has_images: bool, mute: str | None) -> Item:
    topic, title, teaser, source, author, minutes, term, field = _ARTICLES[number % len(_ARTICLES)]
    return {
        "id": number + 1,
        "title": title,
        "url": None if number % 8 == 6 else f"https://articles.example/2026/11/{number + 1}?a=1&b=2",
        "teaser": teaser,
        "source": source,
        "author": author,
        "published": f"2026-11-22T0{number % 6}:10:00+00:00",
        "minutes": minutes,
        "image": _image(number) if has_images else None,
        "mute_url": f"{BASE}/m/{mute}?a={number + 1}" if mute else None,
        "is_carried": number % 8 == 4,
        "reason": {"topic": topic, "field": field, "term": term},
        "also_topics": ["Raumfahrt"] if number % 8 == 3 else [],
        "same_story": _same_story() if number % 8 == 0 else [],
        "searches": [{"name": "Mehr im Archiv", "url": f"{BASE}/suche?q=chip"}] if number % 8 == 1 else [],
    }


def _image(number: int) -> Any:
    sizes = {0: (1200, 800), 1: (800, 600), 3: (None, None), 5: (1000, 1000)}
    if number % 8 not in sizes:
        return None
    width, height = sizes[number % 8]
    return {"url": f"https://pictures.example/{number % 8}.jpg", "width": width, "height": height}


def _same_story() -> Any:
    return [
        {"source": "Elbkurier", "url": "https://elbkurier.example/chip"},
        {"source": "Rechner heute", "url": "https://rechner.example/chip"},
    ]
