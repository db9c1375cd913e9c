"""Random queries and articles over thirty words in two languages, drawn so that hits and near misses are common."""

from contextlib import suppress
from random import Random

from digest.matching.article import ArticleText
from digest.matching.query import Query, QueryError, parse_query

GERMAN = [
    "Häuser",
    "Haus",
    "Konflikt",
    "Konflikts",
    "Ukraine",
    "Ukraine-Konflikt",
    "Ukrainekonflikt",
    "Verhandlung",
    "Verhandlungen",
    "künstliche",
    "künstlichen",
    "Intelligenz",
    "KI",
    "krieg",
    "Krieg",
    "IT",
    "it",
    "Forscher:innen",
    "Forscher",
]
ENGLISH = [
    "study",
    "studies",
    "running",
    "runs",
    "US",
    "us",
    "U.S.",
    "AT&T",
    "E-Mail",
    "email",
    "Trump's",
    "Trump",
    "C++",
]
WORDS = GERMAN + ENGLISH
STARS = ("Verhandl*", "*konflikt", "*ukrain*", "stud*", "*haus", "*mail")
OTHER_FIELDS = (
    "source:heise",
    "source:heise.de",
    'source:"heise online"',
    "author:Ann",
    'author:"Ben Cleo"',
    "url:sport",
    "url:spo*",
    "lang:de",
    "lang:en",
)


def draw_queries(random: Random, count: int) -> dict[int, Query]:
    """Queries of the whole grammar, by number; what goes over a limit is drawn again."""
    found: dict[int, Query] = {}
    while len(found) < count:
        with suppress(QueryError):
            found[len(found)] = parse_query(_text(random))
    return found


def _text(random: Random) -> str:
    text = _group(random, depth=2)
    if " OR " in text:
        text = f"({text})"
    if random.random() < 0.12:
        text += f" {random.choice(OTHER_FIELDS)}"
    if random.random() < 0.35:
        text += random.choice((" in:title", " in:lead", " in:all", " in:all"))
    return text


def _group(random: Random, *, depth: int) -> str:
    return " OR ".join(_and(random, depth=depth) for _ in range(random.choice((1, 1, 1, 2, 3))))


def _and(random: Random, *, depth: int) -> str:
    parts = [_atom(random, depth=depth) for _ in range(random.choice((1, 1, 1, 2, 2, 3)))]
    if random.random() < 0.15:
        parts.append(f"-{_atom(random, depth=0)}")
    return " ".join(parts)


def _atom(random: Random, *, depth: int) -> str:
    kind = random.random()
    if depth and kind < 0.12:
        return f"({_group(random, depth=depth - 1)})"
    if depth and kind < 0.22:
        many = random.randint(2, 5)
        values = ", ".join(dict.fromkeys(_value(random) for _ in range(many)))
        count = values.count(",") + 1
        return f"{random.randint(1, min(count, 3))} OF ({values})" if count > 1 else values
    if kind < 0.3:
        return random.choice(("title:", "category:", "titel:")) + _value(random)
    if kind < 0.34:
        return random.choice(OTHER_FIELDS[:7])
    return _value(random)


def _value(random: Random) -> str:
    kind = random.random()
    if kind < 0.1:
        return random.choice(STARS)
    word = random.choice(WORDS)
    if kind < 0.2:
        return f"={word}"
    if kind < 0.4:
        return f'"{word} {random.choice(WORDS)}"'
    if kind < 0.45:
        return f'"{word} {random.choice(WORDS)} {random.choice(WORDS)}"'
    return f'"{word}"' if word == "it" else word


def draw_article(random: Random, number: int) -> ArticleText:
    """One article: words of both languages, most of it filler, deep enough to have a body."""
    filler = ("Montag", "heute", "nach", "the", "and", "of", "über", "Wetter")

    def text(count: int, rate: float) -> str:
        chosen = (WORDS if random.random() < rate else filler for _ in range(count))
        words = [random.choice(source) for source in chosen]
        return "".join(word + random.choice((" ", " ", " ", " ", "-", ". ")) for word in words)

    title = text(random.randint(2, 7), 0.25)
    return ArticleText(
        id=number,
        title=title.upper() if random.random() < 0.1 else title,
        lead=text(random.randint(10, 50), 0.08),
        body=text(random.randint(0, 120), 0.2),
        categories=tuple(text(random.randint(1, 2), 0.5) for _ in range(random.randint(0, 2))),
        source=random.choice(("heise online", "Beispiel", "")),
        author=random.choice(("", "Ann", "Ann; Ben Cleo")),
        language=random.choice(("de", "en", "de-AT", "fr", None)),
        url=random.choice(("", "https://www.heise.de/sport/1", "https://heise.de.example.org/transport/2")),
    )
