"""Words and their forms, zones, languages, and what around an article is not the article."""

import csv
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.matching.article import ArticleText, Zone, read
from digest.matching.engine import Matcher
from digest.matching.furniture import repeated, split_dateline, without_furniture
from digest.matching.language import guessed, primary
from digest.matching.query import parse_query
from digest.matching.spelling import clean, plain
from digest.matching.text import HyphenWord, Token, piece, spans, tokens, value_forms

SHARED = Path(__file__).parents[4] / "shared"
CORPUS = Path(os.environ.get("MATCH_CORPUS", SHARED / "data" / "matching"))


def forms(word: str, language: str = "de") -> set[str]:
    found = piece(word, language)
    assert isinstance(found, Token)
    return set(found.forms)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Häuser Haeuser", {"haeuser", "haus"}),
        ("Russlands", {"russlands", "russland"}),
        ("Trumps", {"trumps", "trump"}),
        ("Kubas", {"kubas", "kuba"}),
        ("Paris", {"paris"}),
        ("Siemens", {"siemens"}),
        ("Hamas", {"hamas"}),
        ("Chaos", {"chaos"}),
        ("Straßen Strassen", {"strassen", "strasse"}),
        ("künstlichen", {"kuenstlichen", "kuenstlich"}),
        ("Müller Mueller", {"mueller"}),
        ("Erdoğan", {"erdogan"}),
        ("Viren", {"viren", "virus"}),
        ("Studien", {"studien", "studie"}),
        ("VERHANDLUNGEN", {"verhandlungen", "verhandlung"}),
        ("KI", {"ki"}),
        ("C++", {"c++"}),
        ("U.S. U.S", {"us"}),
        (
            "Forscher:innen Forscher*innen Forscher_innen ForscherInnen",
            {"forscher", "forscherinnen", "forscherin"},
        ),
    ],
)
def test_a_german_token_is_found_under_its_spelling_and_its_lemma(words: str, expected: set[str]) -> None:
    for word in words.split():
        assert forms(word) == expected, word


@pytest.mark.parametrize(("word", "lemma"), [("studies", "study"), ("running", "run"), ("Trump's", "trump")])
def test_an_english_token_is_found_under_its_lemma(word: str, lemma: str) -> None:
    assert lemma in forms(word, "en")


def test_a_hyphen_word_is_its_parts_and_its_closed_spelling() -> None:
    conflict, mail = piece("Ukraine-Konflikts", "de"), piece("E-Mail", "de")
    assert isinstance(conflict, HyphenWord)
    assert isinstance(mail, HyphenWord)
    assert [token.forms for token in conflict.tokens] == [("ukraine",), ("konflikts", "konflikt")]
    assert conflict.closed is not None
    assert set(conflict.closed.forms) == {"ukrainekonflikts", "ukrainekonflikt"}
    assert mail.closed is not None
    assert mail.closed.forms == ("email",)
    long = piece("Hals-Nasen-Ohren-Arzt", "de")
    assert isinstance(long, HyphenWord)
    assert long.closed is None


def test_a_language_that_is_not_enabled_has_only_the_plain_spelling() -> None:
    assert forms("Häuser", "") == {"haeuser"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MÜLLER", "mueller"),
        ("Œuvre", "oeuvre"),
        ("Łódź", "lodz"),
        ("ĐẶNG", "dang"),
        ("naïve", "naive"),
        ("ẞ", "ss"),
    ],
)
def test_plain_spelling_drops_accents_and_opens_umlauts(text: str, expected: str) -> None:
    assert plain(text) == plain(plain(text)) == expected


def test_invisible_characters_take_no_part() -> None:
    assert clean("Ver\u00adhand\u200blung ﬁn") == "Verhandlung fin"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller Straße", "Mueller Strasse"),
        ("„künstliche Intelligenz“", '"kuenstliche Intelligenz"'),
        ("Große Größe", "Grosse Groesse"),
    ],
)
def test_spelling_and_quotes_change_nothing(one: str, other: str) -> None:
    for title in (one, other):
        for query in (one, other):
            article = ArticleText(1, title=title, language="de")
            assert Matcher({1: parse_query(query)}).match([article]), (title, query)


def test_only_german_values_typed_in_lower_case_may_be_nouns() -> None:
    assert set(value_forms("krieg", "de")) == {"kriegen", "krieg"}
    assert value_forms("Krieg", "de") == ("krieg",)


@pytest.mark.corpus
def test_the_german_pairs_meet_and_do_not_meet() -> None:
    path = CORPUS / "german-pairs.tsv"
    if not path.is_file():
        pytest.skip("no german-pairs.tsv: MATCH_CORPUS names the folder")
    met = {"1": 0, "0": 0}
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            met[row["same"]] += not forms(row["b"]).isdisjoint(value_forms(row["a"], "de"))
    assert met["1"] >= 60
    assert met["0"] <= 3


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Die Verhandlungen in London blieben ohne Durchbruch", "de"),
        ("The talks in London ended without a result", "en"),
        ("Größere Wohnung", "de"),
        ("Wczoraj wieczorem rozmowy w Londynie niczego nie przyniosły", ""),
        ("東京", ""),
        ("2024 12", ""),
        ("", ""),
    ],
)
def test_a_language_is_guessed_or_left_open(text: str, language: str) -> None:
    assert guessed(text, ("de", "en")) == language


def test_a_language_tag_counts_by_its_primary_part() -> None:
    assert [primary(tag) for tag in ("de-AT", "EN_us", "", None, " de ")] == ["de", "en", "", "", "de"]


def test_the_lead_is_the_first_forty_tokens_and_a_hyphen_word_is_not_torn() -> None:
    reading = read(ArticleText(1, title="Titel", lead="a " * 39 + "b-c d", body="Rest", language="de"))
    zones = {
        token.printed: reading.zone(place) for place, token in enumerate(reading.tokens) if token.printed
    }
    assert (zones["b"], zones["c"], zones["d"], zones["Rest"]) == (Zone.LEAD, Zone.LEAD, Zone.BODY, Zone.BODY)


def test_a_body_that_begins_with_the_lead_counts_it_once() -> None:
    reading = read(
        ArticleText(1, lead="Die KI hilft …", body="Die KI hilft Ärzten. Mehr dazu.", language="de")
    )
    assert [token.printed for token in reading.tokens].count("KI") == 1


def test_no_more_than_five_thousand_tokens_are_read() -> None:
    assert len(read(ArticleText(1, body="Wort " * 20_000, language="de")).tokens) < 5_010


def test_printed_words_are_those_of_the_article() -> None:
    reading = read(ArticleText(1, title="Um 10:30 Uhr: Trump's „Plan“", lead="AT&T zahlt", language="en"))
    printed = [token.printed for token in reading.tokens]
    assert reading.printed(printed.index("10"), 3) == "10:30 Uhr"
    assert reading.printed(printed.index("Trump's"), 2) == "Trump's „Plan"
    assert reading.printed(printed.index("AT"), 2) == "AT&T"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=120), st.text(max_size=60), st.sampled_from(["de", "en", "", None]))
def test_any_text_can_be_read_and_every_token_has_its_place(
    text: str, title: str, language: str | None
) -> None:
    reading = read(
        ArticleText(1, title=title, lead=text, body=f"{title}\n{text}", source=text[:9], language=language)
    )
    for position, token in enumerate(reading.tokens):
        if token.forms:
            assert reading.around(position, 1)
    cleaned = clean(text)
    assert len(list(spans(cleaned))) == len(tokens(cleaned, "de"))


def test_what_three_articles_repeat_is_furniture_with_each_own_title_cut_out() -> None:
    box = "Mehr zu „{title}“ und KI\nDie besten KI-News!\nEin eigener Satz zu {title}."
    articles = [(title, box.format(title=title)) for title in ("Streik", "Regen", "Wahl")]
    marks = repeated(articles)
    assert without_furniture("Neu", "Neues.\n" + box.format(title="Neu"), marks) == "Neues."
    assert repeated(articles[:2]) == frozenset()
    assert without_furniture("Neu", "Die besten KI-News!", frozenset()) == "Die besten KI-News!"


@pytest.mark.parametrize(
    ("text", "dateline"),
    [
        ("WASHINGTON / MÜNCHEN (IT BOLTWISE) – Die Lage", "WASHINGTON / MÜNCHEN (IT BOLTWISE)"),
        ("LONDON, 3. - Die Lage", "LONDON, 3."),
        ("KI – was nun?", ""),
        ("Berlin – Die Lage", ""),
        ("Die Lage in WASHINGTON – heute", ""),
        ("BRÜSSEL\nDie Lage – heute", ""),
        ("A" * 90 + " – heute", ""),
    ],
)
def test_a_dateline_is_capitals_up_to_a_dash(text: str, dateline: str) -> None:
    assert split_dateline(text)[0] == dateline


def finds(query: str, article: ArticleText) -> bool:
    return bool(Matcher({1: parse_query(query)}).match([article]))


def test_the_sources_own_name_is_no_topic() -> None:
    source = "KI Kurier"
    article = ArticleText(
        1,
        title="Regen im Norden | KI Kurier",
        lead="HAMBURG (KI Kurier) – Es regnet (KI Kurier) seit Tagen.",
        source=source,
        language="de",
    )
    assert not finds("KI in:all", article)
    assert finds("source:KI", article)
    assert finds("Hamburg in:all", article)
    assert not finds("Hamburg in:lead", article)
    assert finds("KI", ArticleText(1, title="Regen | KI Kurier", source="Anderer Name", language="de"))


LATE = "Nato-Generalsekretär Rutte sucht in Washington nach Lösungen für Ukraine-Konflikt"
OWN_TEXT = """WASHINGTON / MÜNCHEN (IT MUSTER) – Um den Ukraine-Konflikt zu lösen, trifft Nato-Generalsekretär Rutte die Regierung.

In Washington geht es um Sicherheit, um Waffen, um Geld und um die Frage, wie lange der Winter noch dauert und wer danach
den Wiederaufbau der Städte bezahlt, denn darüber gibt es seit dem Sommer Streit in beiden Häusern. Präsident Trump hofft auf eine Einigung, so die Hausleitung seit vielen Jahren immer wieder.
Die Verhandlungen in London blieben ohne Durchbruch. Trumps Forderungen sind klar. Weitere Verhandlungen folgen im Juni, sagen
Außenminister und Verteidigungsminister; die Verhandlungsstrategie wird neu bedacht.
Am Ende der Verhandlungen könnte Frieden stehen."""
BOXES = """- Die besten KI-News kostenlos per eMail erhalten!
- Zur Startseite von IT MUSTER für aktuelle KI-News!
- Aktuelle KI-Jobs finden!
Du möchtest über ähnliche News wie "{title}" und KI informiert werden?"""
FOUND = ("Ukraine-Konflikt", "NATO-Generalsekretaer", "Rutte", "Verhandlung", "Trump in:all")
MISSED = ("KI", "IT", "Minister", "Trump")


def check(text: str, boxes: str, source: str) -> None:
    others = [
        (title, f"Text zu {title}.\n{boxes.replace(LATE, title)}") for title in ("Streik", "Regen", "Wahl")
    ]
    marks = repeated([*others, (LATE, text)])
    article = ArticleText(1, title=LATE, body=without_furniture(LATE, text, marks), source=source)
    assert [query for query in FOUND if not finds(query, article)] == []
    assert [query for query in MISSED if finds(query, article)] == []


def test_a_page_is_found_by_its_article_and_not_by_its_boxes() -> None:
    boxes = BOXES.format(title=LATE)
    check(f"{OWN_TEXT}\n{boxes}", boxes, "IT MUSTER")


def test_the_page_this_product_began_with_is_found_by_its_article_and_not_by_its_boxes() -> None:
    seeds = sorted((SHARED / "seed").glob("*.txt"))
    if not seeds:
        pytest.skip("no page to read beside the project")
    text = seeds[0].read_text(encoding="utf-8")
    boxes = "\n".join(
        line for line in text.splitlines() if not line.strip() or "KI" in line or "News" in line
    )
    check(text, boxes, "IT BOLTWISE")


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize(
    ("query", "found", "other"),
    [
        ("AI", "What AI can do", "They are here, and it is good to be with us"),
        ("ai", "What AI can do", "They are here, and it is good to be with us"),
        ("KI", "Die KI-Chips", "Kiew, Skizze, Kid"),
        ("IT", "IT budgets and more", "Is it good with it?"),
        ("US", "U.S. elections near", "They told us, they use it"),
    ],
)
def test_an_abbreviation_is_no_form_of_another_word(
    language: str, query: str, found: str, other: str
) -> None:
    matcher = Matcher({1: parse_query(query)})
    articles = [
        ArticleText(1, title=found, language=language),
        ArticleText(2, title=other, language=language),
    ]
    assert [hit.article_id for hit in matcher.match(articles)] == [1]
