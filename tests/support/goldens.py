"""Editions as a publisher would really send them: whole articles in good German and English, with pictures and promos.

The prose is the demo's. What a filter, a validator or a person thinks of a mail depends on its words, so mails are judged with these.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from digest.demo.samples import IMAGE_SIZE, SampleArticle, SampleFeed, sample_feed
from digest.rendering import samples
from digest.rendering.context import EditionContext, Item, PromoBox, Section, SubscriberFacts

# Under names a filter takes for real: it finds no address in text whose last label it does not know, such as .example.
PICTURES: Final = "https://pictures.example.net"
SIZES: Final = (1, 8, 15)
_STARTED_AT: Final = datetime(2026, 11, 22, 5, 40, tzinfo=UTC)


class Pick(NamedTuple):
    """An article chosen for a reader: the topic, which feed's article, why, and who tells the same (a slug of `halbinsel`)."""

    topic: str
    feed: str
    slug: str
    field: str
    term: str
    also: tuple[str, ...] = ()
    twin: str = ""


# In the order of their worth; the first eight are of three topics.
PICKS: Final[Mapping[str, tuple[Pick, ...]]] = {
    "de": (
        Pick("KI & Robotik", "blauzeit", "roboterhand-lernt-naehen", "title", "Roboterhand"),
        Pick(
            "Ukraine-Konflikt", "blauzeit", "friedensgipfel-genf-fortschritt", "title", "Ukraine-Konflikt",
            twin="genf-gemeinsamer-text",
        ),
        Pick(
            "Energie & Klima", "blauzeit", "natriumspeicher-husum", "title", "Natriumspeicher",
            twin="husum-natriumspeicher-laeuft",
        ),
        Pick(
            "KI & Robotik", "blauzeit", "sprachmodell-fuer-die-hosentasche", "title", "Sprachmodell",
            also=("Open Source",),
        ),
        Pick("KI & Robotik", "blauzeit", "lieferroboter-lassen-leute-vor", "title", "Lieferroboter"),
        Pick("Ukraine-Konflikt", "blauzeit", "gipfel-technik-dolmetscher", "category", "Ukraine-Konflikt"),
        Pick("Energie & Klima", "blauzeit", "waermepumpe-fluss", "lead", "Wärmepumpe"),
        Pick("Energie & Klima", "halbinsel", "strandkorb-solar", "category", "Energie"),
        Pick("Open Source", "blauzeit", "gruppen-mail-offener-standard", "title", "Freie Messenger"),
        Pick("Mobilität und öffentlicher Nahverkehr", "blauzeit", "nachtzug-netz-2028", "title", "Nachtzüge"),
        Pick("KI & Robotik", "blauzeit", "pflegeroboter-singt", "title", "Roboter"),
        Pick("Open Source", "blauzeit", "schulserver-selbst-gebaut", "category", "Open Source"),
        Pick("Mobilität und öffentlicher Nahverkehr", "halbinsel", "faehre-elektrisch-amrum", "title", "E-Fähre"),
        Pick("Open Source", "halbinsel", "krabben-drohne", "lead", "freies Programm"),
        Pick("Energie & Klima", "blauzeit", "wolken-aus-dem-labor", "category", "Energie & Klima"),
    ),
    "en": (
        Pick("AI & Robotics", "blauzeit-world", "machine-that-asks-back", "title", "AI"),
        Pick(
            "Security", "blauzeit-world", "larkspur-router-flaw", "title", "router hole", also=("Open Source",),
            twin="router-hole-fixed",
        ),
        Pick("Space", "blauzeit-world", "gardener-satellite", "title", "low orbit"),
        Pick("AI & Robotics", "blauzeit-world", "robot-orchard", "title", "Robots"),
        Pick("AI & Robotics", "halbinsel", "harbour-robots", "title", "robots"),
        Pick("Security", "blauzeit-world", "deepfake-stamp", "category", "Security"),
        Pick("Space", "blauzeit-world", "moon-radio-silence", "title", "Moon"),
        Pick("AI & Robotics", "blauzeit-world", "language-rescued", "title", "model"),
        Pick("Energy & Climate", "blauzeit-world", "grid-that-breathes", "title", "wind"),
        Pick("Science and Technology", "blauzeit-world", "chip-that-heals", "title", "chip"),
        Pick("Energy & Climate", "halbinsel", "tidal-kite", "category", "Energy"),
        Pick("Energy & Climate", "blauzeit-world", "coffee-grounds-concrete", "category", "Energy & Climate"),
        Pick("Science and Technology", "blauzeit-world", "reef-speakers", "category", "Science"),
        Pick("Science and Technology", "halbinsel", "whale-song-archive", "category", "Science"),
        Pick("Science and Technology", "blauzeit-world", "typewriter-os", "body", "operating system"),
    ),
}  # fmt: skip
_GERMAN_PROMOS: Final[tuple[PromoBox, ...]] = (
    {**samples.PROMOS[0], "url": "https://books.example.net/ki"},
    samples.PROMOS[1],
)
_ENGLISH_PROMOS: Final[tuple[PromoBox, ...]] = (
    {
        **_GERMAN_PROMOS[0],
        "label": "Advertisement",
        "advertiser": "Example Bookshop",
        "title": "Books on AI & robots",
        "text": "Twelve titles worth your evenings, chosen by the people who sell them.",
    },
    {
        **samples.PROMOS[1],
        "label": "From our own house",
        "title": "Jobs in technology and AI",
        "text": "New ones every Wednesday.",
    },
)


def edition(
    items: int = 8,
    *,
    lang: str = "de",
    promos: int = 0,
    tokens: samples.Tokens | None = None,
    subscriber: SubscriberFacts | None = None,
) -> EditionContext:
    """An edition of that many real articles, up to fifteen."""
    tokens = tokens or samples.Tokens()
    context = samples.edition(0, tokens=tokens, subscriber=subscriber)
    context["sections"] = _sections(PICKS[lang][:items], tokens.mute)
    context["edition"]["article_count"] = items
    context["promos"] = list((_GERMAN_PROMOS if lang == "de" else _ENGLISH_PROMOS)[:promos])
    return context


def _sections(picks: tuple[Pick, ...], mute: str) -> list[Section]:
    by_topic: dict[str, list[Item]] = {}
    for pick in picks:
        by_topic.setdefault(pick.topic, []).append(_item(pick, mute))
    return [
        {
            "anchor": f"t{number}",
            "topic": topic,
            "items": items,
            "more_count": 3 if number == 2 else 0,
            "more_url": f"{samples.BASE}/archive" if number == 2 else None,
        }
        for number, (topic, items) in enumerate(by_topic.items(), 1)
    ]


def _item(pick: Pick, mute: str) -> Item:
    feed = sample_feed(pick.feed)
    article = _article(feed, pick.slug)
    number = 100 + article.age // timedelta(minutes=1)
    return {
        "id": number,
        "title": article.title,
        "url": _address(pick.feed, article),
        "teaser": article.teaser,
        "source": feed.title,
        "author": article.author,
        "published": (_STARTED_AT - article.age).isoformat(),
        "minutes": 1 + sum(len(part.split()) for part in article.paragraphs) // 60,
        "image": _image(article),
        "mute_url": f"{samples.BASE}/m/{mute}?a={number}",
        "is_carried": article.age > timedelta(days=1),
        "reason": {"topic": pick.topic, "field": pick.field, "term": pick.term},
        "also_topics": list(pick.also),
        "same_story": [{"source": "Halbinsel", "url": _twin(pick.twin)}] if pick.twin else [],
        "searches": [],
    }


def _article(feed: SampleFeed, slug: str) -> SampleArticle:
    return next(article for article in feed.articles if article.slug == slug)


def _twin(slug: str) -> str:
    return _address("halbinsel", _article(sample_feed("halbinsel"), slug))


def _address(feed: str, article: SampleArticle) -> str:
    return f"https://{feed}.example.net/{article.slug}"


def _image(article: SampleArticle) -> Any:
    width, height = IMAGE_SIZE
    return (
        {"url": f"{PICTURES}/{article.image}.png", "width": width, "height": height}
        if article.image
        else None
    )
