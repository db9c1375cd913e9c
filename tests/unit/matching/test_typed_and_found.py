"""What is typed and what it finds: the table a reader may rely on."""

import pytest

from digest.matching.engine import ArticleText, Hit, Matcher, Precision, explain
from digest.matching.query import parse_query


def hits(query: str, **article: object) -> list[Hit]:
    text = ArticleText(id=1, **article)  # type: ignore[arg-type]
    found = Matcher({1: parse_query(query)}).match([text])
    assert explain(parse_query(query), text).is_match == bool(found)
    return found


def finds(query: str, title: str, *, language: str = "de") -> bool:
    return bool(hits(query, title=title, language=language))


@pytest.mark.parametrize(
    ("query", "found", "missed"),
    [
        (
            "Ukraine-Konflikt",
            (
                "Lösung des Ukraine-Konflikts",
                "der Ukraine Konflikt",
                "Ukrainekonflikt",
                "UKRAINE-KONFLIKT SPITZT SICH ZU",
            ),
            ("der Konflikt in der Ukraine", "Ukraine", "Konflikt"),
        ),
        ("Ukraine Konflikt", ("der Konflikt in der Ukraine",), ("Ukraine", "ein Konflikt")),
        (
            "NATO-Generalsekretaer",
            ("Nato-Generalsekretär Rutte", "Der Nato-Generalsekretär", "Natogeneralsekretär"),
            ("Generalsekretär",),
        ),
        ("Verhandlungen", ("Verhandlung", "die Verhandlungen"), ("Verhandlungsstrategie",)),
        ("verhandlung", ("Verhandlung", "die Verhandlungen"), ("Verhandlungsstrategie",)),
        ("Verhandlung*", ("Verhandlungsstrategie", "Verhandlung"), ("Handlung",)),
        ("*minister", ("Außenminister", "US-Verteidigungsminister", "Minister"), ("Ministerium",)),
        (
            "Minister",
            ("Der Minister", "Ministers"),
            ("Außenminister", "Verteidigungsminister", "Ministerium"),
        ),
        ("*wahl*", ("Bundestagswahl", "Wahlkampf"), ("Wal",)),
        ("KI", ("KI hilft", "KI-News", "ki hilft"), ("Kiew", "Skizze")),
        ("IT", ("IT wird teurer", "IT-Sicherheit"), ("it is", "mit", "WAS IST DENN IT SCHON WIEDER")),
        ("US", ("US und China", "U.S. Steel", "US-Präsident"), ("us", "USA", "bus")),
        ("=Bayer", ("Bayer", "Bayer-Aktie", "BAYER"), ("Bayern", "Bayers")),
        (
            "künstliche Intelligenz, KI",
            ("KI", "künstlicher Intelligenz", "Intelligenz, künstliche"),
            ("Intelligenz",),
        ),
        ('"künstliche Intelligenz"', ("der künstlichen Intelligenz",), ("Intelligenz, eine künstliche",)),
        ("Künstliche Intelligenz", ("mit künstlicher Intelligenz",), ("künstlich",)),
        (
            '"künstliche Intelligenz" OR KI -Werbung',
            ("künstliche Intelligenz und Werbung", "KI"),
            ("KI und Werbung",),
        ),
        (
            "2 OF (Rutte, Nato, Ukraine-Konflikt)",
            ("Rutte, Nato", "Ukraine-Konflikt, Rutte"),
            ("Rutte, Rutte",),
        ),
        ("10:30 Uhr", ("Um 10:30 Uhr", "10 30, keine Uhr"), ("10 Uhr 30",)),
        (
            "Klimakonferenz",
            ("Klima-Konferenz", "Klimakonferenzen", "Klima-Konferenzen"),
            ("Klima Konferenz",),
        ),
        ("Klima-Konferenz", ("Klimakonferenz", "Klima Konferenz"), ("Konferenz zum Klima",)),
        ("E-Mail", ("E-Mail", "Email", "E-Mails"), ("Mail",)),
        ("AT&T", ("AT&T", "at & t"), ("AT",)),
        ("O'Neill", ("O'Neill", "O’Neill"), ("Neill",)),
        ("C++", ("C++ lernen", "C++-Kurs"), ("C lernen", "C#")),
        ("C#", ("C# lernen",), ("C lernen", "C++")),
        ("Müller", ("Müller", "Mueller", "MÜLLER"), ("Muller",)),
        ("Erdogan", ("Erdoğan",), ()),
        ("Straße", ("Strasse", "Straßen"), ("Strass",)),
        ("Forscher:innen", ("Forscher", "Forscherinnen", "Forscherin", "Forscher*innen"), ("Forschung",)),
        ("Forscherinnen", ("Forscher:innen", "ForscherInnen", "Forscher_innen"), ("Forscher",)),
        ("Russland", ("Russlands", "Russland"), ("Russen",)),
        ("Trumps", ("Trump", "Trumps"), ("Trumpf",)),
        ("Studium", ("Studium",), ("Studien",)),
        ("krieg", ("Krieg", "Kriege"), ("Krug",)),
        ("Straßenbahn oder", (), ("Straßenbahn",)),
        ("war", ("Es war einmal",), ("Ware",)),
    ],
)
def test_a_german_query_finds_and_does_not_find(
    query: str, found: tuple[str, ...], missed: tuple[str, ...]
) -> None:
    assert [title for title in found if not finds(query, title)] == []
    assert [title for title in missed if finds(query, title)] == []


@pytest.mark.parametrize(
    ("query", "found", "missed"),
    [
        ("study", ("two studies", "study"), ("student",)),
        ("running", ("runs", "He ran"), ("runner",)),
        ("Trump", ("Trump's plan", "Trump’s plan"), ("Trumpet",)),
        ("US", ("US economy", "U.S. economy"), ("tell us",)),
    ],
)
def test_an_english_query_finds_and_does_not_find(
    query: str, found: tuple[str, ...], missed: tuple[str, ...]
) -> None:
    assert [title for title in found if not finds(query, title, language="en")] == []
    assert [title for title in missed if finds(query, title, language="en")] == []


def test_a_language_not_enabled_is_compared_by_plain_spelling() -> None:
    assert finds("élection", "Une election", language="fr")
    assert not finds("élection", "des élections", language="fr")


@pytest.mark.parametrize(
    ("query", "article", "field", "term"),
    [
        ("title:KI", {"title": "KI"}, "title", "KI"),
        ("title:KI", {"title": "x", "lead": "KI KI KI"}, None, None),
        ("category:Sport", {"categories": ("Sport & Spiel",)}, "category", "Sport"),
        ('category:"Spiel Satz"', {"categories": ("Spiel", "Satz")}, None, None),
        ('"Spiel Satz"', {"title": "Spiel", "categories": ("Satz",)}, None, None),
        ("source:heise", {"source": "heise online"}, "source", "heise online"),
        ("source:heise.de", {"url": "https://www.heise.de/x"}, "source", "www.heise.de"),
        ("source:www.heise.de", {"url": "https://heise.de/x"}, "source", "heise.de"),
        ("source:heise.de", {"url": "https://theise.de/x"}, None, None),
        ("source:heise.de", {"url": "https://heise.de.example.org/x"}, None, None),
        ("author:Ann", {"author": "Ben; Ann Beispiel"}, "author", "Ben; Ann Beispiel"),
        ('author:"Ben Ann"', {"author": "Ben; Ann"}, None, None),
        ("autor:Anns", {"author": "Ann"}, None, None),
        ("url:sport", {"url": "https://a.example/sport/1"}, "url", "sport"),
        ("url:sport", {"url": "https://a.example/transport/1"}, None, None),
        ("url:spo*", {"url": "https://a.example/sport/1"}, "url", "sport"),
        ("KI lang:de", {"title": "KI", "language": "de-AT"}, "title", "KI"),
        ("KI lang:de", {"title": "KI", "language": "en"}, None, None),
        ("KI OR source:heise", {"body": "KI", "source": "heise"}, "source", "heise"),
        ("KI source:heise", {"lead": "x " * 41 + "KI", "source": "heise"}, None, None),
        ("(KI OR Robotik) -category:Sport lang:de", {"title": "KI", "language": "de"}, "title", "KI"),
        (
            "(KI OR Robotik) -category:Sport lang:de",
            {"title": "KI", "language": "de", "categories": ("Sport",)},
            None,
            None,
        ),
        ("KI", {"url": "http://[x", "title": "KI"}, "title", "KI"),
    ],
)
def test_a_field_compares_only_what_it_names(
    query: str, article: dict[str, object], field: str | None, term: str | None
) -> None:
    found = hits(query, **article)
    if field is None:
        assert found == []
    elif field == "source" and article.get("body"):
        assert (
            len(found) == 1
        )  # a branch without text asks for no place, and the text is still the better reason
    else:
        assert [(hit.field, hit.term) for hit in found] == [(field, term)]


DEEP = "Wort " * 45


@pytest.mark.parametrize(
    ("query", "article", "is_match"),
    [
        ("KI", {"title": "KI"}, True),
        ("KI", {"categories": ("KI",)}, True),
        ("KI", {"lead": "KI"}, True),
        ("KI", {"body": f"{DEEP} KI"}, False),
        ("KI", {"body": f"{DEEP} KI KI"}, False),
        ("KI", {"body": f"{DEEP} KI KI KI"}, True),
        ("KI Nato", {"body": f"{DEEP} KI KI Nato"}, True),
        ("KI Nato", {"title": "KI", "body": f"{DEEP} Nato"}, True),
        ("KI OR Nato", {"body": f"{DEEP} KI KI Nato"}, True),
        ("KI OR (KI Nato)", {"body": f"{DEEP} KI Nato"}, False),
        ("KI OR (Nato Gipfel)", {"title": "Nato", "body": f"{DEEP} KI"}, False),
        ("2 OF (KI, Nato, Gipfel)", {"body": f"{DEEP} KI Nato Gipfel"}, True),
        ("2 OF (KI, Nato, Gipfel)", {"body": f"{DEEP} KI Nato"}, False),
        ("KI -Nato", {"title": "KI", "body": f"{DEEP} Nato"}, False),
        ("KI in:title", {"lead": "KI KI KI"}, False),
        ("KI in:title", {"categories": ("KI",)}, True),
        ("KI in:lead", {"lead": "KI"}, True),
        ("KI in:lead", {"body": f"{DEEP} KI KI KI"}, False),
        ("KI in:all", {"body": f"{DEEP} KI"}, True),
        ("source:x KI in:all", {"source": "x", "body": f"{DEEP} KI"}, True),
    ],
)
def test_a_mention_is_not_yet_a_match(query: str, article: dict[str, object], is_match: bool) -> None:
    assert bool(hits(query, **article)) is is_match


def test_precision_is_the_gate_of_queries_that_name_none() -> None:
    article = ArticleText(1, body=f"{DEEP} KI")
    assert Matcher({1: parse_query("KI")}, precision=Precision.ALL).match([article])
    assert not Matcher({1: parse_query("KI in:lead")}, precision=Precision.ALL).match([article])


def test_the_best_zone_gives_field_and_words_and_all_true_values_the_score() -> None:
    (hit,) = hits("KI Nato Gipfel -Wetter", title="Gipfel der Nato", lead="KI, KI, KI", language="de")
    assert hit == Hit(1, 1, "title", "Gipfel, Nato", 3 + 3 + 2.5)


def test_the_printed_words_are_cut_at_sixty_characters() -> None:
    (hit,) = hits(f'"{"Donaudampfschifffahrt " * 4}"', title="Donaudampfschifffahrt " * 4)
    assert len(hit.term) == 60


def test_equal_queries_share_an_entry_and_each_topic_gets_its_hit() -> None:
    matcher = Matcher(
        {n: parse_query(text) for n, text in enumerate(("Müller", "Mueller", '"Müller"', "Müller in:all"))}
    )
    assert sum(map(len, matcher._entries.values())) == 2
    assert {hit.topic_id for hit in matcher.match([ArticleText(1, title="Müller", language="de")])} == set(
        range(4)
    )


def test_topics_are_read_once_and_changed_by_adding_again() -> None:
    matcher = Matcher({1: parse_query("KI")})
    matcher.add(1, parse_query("Nato"))
    assert [hit.topic_id for hit in matcher.match([ArticleText(7, title="KI")])] == []
    assert [hit.article_id for hit in matcher.match([ArticleText(7, title="Nato")])] == [7]
    matcher.discard(1)
    matcher.discard(1)
    assert len(matcher) == 0


@pytest.mark.parametrize(
    ("query", "title", "sentence"),
    [
        ("KI Nato", "KI", "Fehlt: Nato."),
        ("2 OF (KI, Nato, Gipfel)", "KI", "Fehlt: Gipfel, Nato."),
        ("KI -Werbung", "KI und Werbung", "Ausgeschlossen durch: Werbung."),
        ("KI lang:en", "KI", "Andere Sprache: lang:en."),
        ("KI", "KI", "Passt."),
    ],
)
def test_an_explanation_says_why_not(query: str, title: str, sentence: str) -> None:
    assert explain(parse_query(query), ArticleText(1, title=title, language="de")).sentence("de") == sentence


def test_an_explanation_of_a_mention_counts_the_places_and_shows_what_stands_around() -> None:
    body = f"{DEEP}Der Gipfel in Brüssel war kurz. {DEEP}"
    found = explain(parse_query("Gipfel"), ArticleText(1, title="Wetter", body=body, language="de"))
    assert found.sentence("de") == "Nur erwähnt (1-mal, body)."
    assert "Der Gipfel in Brüssel war kurz." in found.findings[0].around
    assert len(found.findings[0].around) <= 130
