"""The query language: what parses, what it becomes, what a writer is told."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.matching.hints import ErrorCode, HintCode
from digest.matching.query import Query, QueryError, parse_query
from digest.matching.wordlists import ignored_words


def canonical(text: str) -> str:
    query = parse_query(text)
    assert parse_query(str(query)) == query
    return str(query)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Ukraine-Konflikt", "Ukraine-Konflikt"),
        ("Ukraine Konflikt", "Konflikt Ukraine"),
        ("a b OR c", "b OR c"),
        ("x AND y UND z", "x y z"),
        ("x OR y ODER z | w", "w OR x OR y OR z"),
        ("x y OR z", "x y OR z"),
        ("x (y OR z)", "x (y OR z)"),
        ("x, y OR z; w\nv", "v OR w OR x OR y OR z"),
        ("x -y NOT z NICHT w", "x -w -y -z"),
        ("x −y –z", "x -y -z"),
        ("x -(y z)", "x -(y z)"),
        ("((x))", "x"),
        ("x x x", "x"),
        ("künstliche Intelligenz, KI", "Intelligenz künstliche OR KI"),
        ('"künstliche Intelligenz" OR KI -Werbung', '"künstliche Intelligenz" OR KI -Werbung'),
        ("„künstliche  Intelligenz“", '"künstliche Intelligenz"'),
        ("“künstliche Intelligenz”", '"künstliche Intelligenz"'),
        ("»künstliche Intelligenz«", '"künstliche Intelligenz"'),
        ("«künstliche Intelligenz»", '"künstliche Intelligenz"'),
        ("O'Neill", "O'Neill"),
        ("(KI OR Robotik) -category:Sport lang:de", "(KI OR Robotik) lang:de -category:Sport"),
        ("titel:(Rutte OR Selenskyj) quelle:heise.de", "source:heise.de (title:Rutte OR title:Selenskyj)"),
        ("kategorie:x tag:y autor:z site:s sprache:DE-at", "author:z category:x category:y lang:de source:s"),
        ("title: Rutte", "title:Rutte"),
        ("title:(x source:y)", "source:y title:x"),
        ("2 OF (Rutte, Nato, Ukraine-Konflikt)", "2 OF (Nato, Rutte, Ukraine-Konflikt)"),
        ("2 VON (x, y, z)", "2 OF (x, y, z)"),
        ("1 OF (x, y)", "x OR y"),
        ("2 OF (x, y)", "x y"),
        ("2 OF (title:x, y, z)", "2 OF (title:x, y, z)"),
        ("!OR !NOT", '"NOT" "OR"'),
        ("KI in:all.", "KI in:all"),
        ("KI in:title", "KI in:title"),
        ("in:all KI Nato", "KI Nato in:all"),
        ("(KI OR Nato) in:lead", "(KI OR Nato) in:lead"),
        ("10:30 Uhr", "10:30 Uhr"),
        ("=Bayer", "=Bayer"),
        ('="Bayer AG"', '="Bayer AG"'),
        ("Verhandlung* *minister *wahl*", "*minister *wahl* Verhandlung*"),
        ("der Streik", "Streik"),
        ('"der Streik"', '"der Streik"'),
        ("OF 2", '"OF" 2'),
        ("Forscher:innen", "Forscher:innen"),
        ("ﬁnanz", "finanz"),
        ("C++ C# .NET", "C# C++ NET"),
        ("lang:it KI", "KI lang:it"),
    ],
)
def test_a_typed_query_has_one_canonical_form(typed: str, expected: str) -> None:
    assert canonical(typed) == expected


@pytest.mark.parametrize(
    ("typed", "code", "position"),
    [
        ("", ErrorCode.EMPTY, 0),
        ("  …  ", ErrorCode.EMPTY, 0),
        ("-Sport", ErrorCode.ONLY_EXCLUSIONS, 0),
        ("-(-Sport)", ErrorCode.ONLY_EXCLUSIONS, 0),
        ("it", ErrorCode.ONLY_IGNORED, 0),
        ("KI OR", ErrorCode.EMPTY_ALTERNATIVE, 3),
        ("OR KI", ErrorCode.EMPTY_ALTERNATIVE, 0),
        ("KI OR der", ErrorCode.EMPTY_ALTERNATIVE, 3),
        ("KI OR -Sport", ErrorCode.EMPTY_ALTERNATIVE, 6),
        ("KI, lang:de", ErrorCode.EMPTY_ALTERNATIVE, 4),
        ("lang:de", ErrorCode.ONLY_LANGUAGE, 0),
        ("in:all", ErrorCode.EMPTY, 0),
        ("ab*", ErrorCode.STAR_TOO_SHORT, 0),
        ("KI *abc*", ErrorCode.STAR_TOO_SHORT, 3),
        ("*", ErrorCode.STAR_TOO_SHORT, 0),
        ("2 OF x", ErrorCode.BAD_COUNT, 0),
        ("2 OF (x)", ErrorCode.BAD_COUNT, 0),
        ("0 OF (x, y)", ErrorCode.BAD_COUNT, 0),
        ("4 OF (x, y, z)", ErrorCode.BAD_COUNT, 0),
        ("2 OF (x y, z)", ErrorCode.BAD_COUNT, 0),
        ("2 OF (x, (y), z)", ErrorCode.BAD_COUNT, 0),
        (f"2 OF ({', '.join(f'w{n}' for n in range(13))})", ErrorCode.BAD_COUNT, 0),
        ("KI)", ErrorCode.STRAY_BRACKET, 2),
        ("KI in:all in:title", ErrorCode.SECOND_IN, 10),
        ("KI OR Nato in:all", ErrorCode.MISPLACED_IN, 11),
        ("KI (Nato in:all)", ErrorCode.MISPLACED_IN, 9),
        ("KI -in:all", ErrorCode.MISPLACED_IN, 4),
        ("x" * 513, ErrorCode.TOO_LONG, 512),
        (" ".join(f"w{n}" for n in range(33)), ErrorCode.TOO_MANY_VALUES, 118),
        ("(" * 9 + "KI" + ")" * 9, ErrorCode.TOO_DEEP, 8),
        ("KI " + "x" * 65, ErrorCode.LONG_WORD, 3),
        ("abc* bcd* cde* def* efg*", ErrorCode.TOO_MANY_STARS, 20),
        ("\u00adü\u00ad KI)", ErrorCode.STRAY_BRACKET, 6),
    ],
)
def test_what_is_no_query_says_why_and_where(typed: str, code: ErrorCode, position: int) -> None:
    with pytest.raises(QueryError) as caught:
        parse_query(typed)
    assert (caught.value.reason.code, caught.value.position) == (code, position)
    assert caught.value.hint == caught.value.sentence("en") != caught.value.sentence("de")


def test_an_ignored_abbreviation_is_explained() -> None:
    with pytest.raises(QueryError, match="write IT in capitals"):
        parse_query("it")


@pytest.mark.parametrize(
    ("typed", "code", "position"),
    [
        ("foo:bar", HintCode.UNKNOWN_FIELD, 0),
        ("10:30 Uhr", HintCode.UNKNOWN_FIELD, 0),
        ('KI "Nato Gipfel', HintCode.QUOTE_CLOSED, 3),
        ("KI (Nato", HintCode.BRACKET_CLOSED, 3),
        ("KI - Nato", HintCode.LONELY_MINUS, 3),
        ("KI oder Nato", HintCode.LOWER_CASE_OR, 3),
        ("der Streik", HintCode.IGNORED_WORD, 0),
        ("KI, Nato", HintCode.COMMA_IS_OR, 2),
        ("KI OR Nato -Sport", HintCode.PARTIAL_EXCLUSION, 6),
        ('"Verhandl* heute"', HintCode.STAR_IGNORED, 9),
        ("=Bayer*", HintCode.STAR_IGNORED, 0),
        ("東京", HintCode.UNSEGMENTED, 0),
        ("\u00adü\u00ad foo:bar", HintCode.UNKNOWN_FIELD, 4),
    ],
)
def test_a_hint_says_what_was_read_differently_and_is_no_part_of_the_query(
    typed: str, code: HintCode, position: int
) -> None:
    query = parse_query(typed)
    assert (code, position) in {(hint.code, hint.position) for hint in query.hints}
    assert parse_query(str(query)) == query
    assert all(hint.sentence("de") != hint.sentence("en") for hint in query.hints)


def test_a_plain_query_has_no_hints() -> None:
    assert parse_query('"künstliche Intelligenz" KI -Werbung Forscher:innen').hints == ()


def test_content_words_of_the_other_language_are_not_ignored() -> None:
    assert {"war", "die", "man", "will"}.isdisjoint(ignored_words())
    assert canonical("war die will man") == "die man war will"


ALPHABET = " ()-,;|\n\"„“”»«=*:'’.+#&abcKIÄß东é½ﬁ\u00ad0123456789ORNTDein"
PIECES = st.sampled_from(
    [
        "OR ",
        "AND ",
        "NOT ",
        "-",
        "(",
        ")",
        '"',
        "„",
        "“",
        "2 OF (",
        ", ",
        "title:",
        "lang:",
        "in:all",
        "=",
        "*",
        "Nato ",
    ]
)


def attempt(text: str) -> Query | QueryError:
    try:
        return parse_query(text)
    except QueryError as error:
        return error


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=80),
        st.text(alphabet=ALPHABET, max_size=80),
        st.lists(st.one_of(PIECES, st.text(alphabet=ALPHABET, max_size=6)), max_size=25).map("".join),
    )
)
def test_any_text_is_a_query_that_reads_back_or_a_query_error(text: str) -> None:
    query = attempt(text)
    if isinstance(query, QueryError):
        assert 0 <= query.position <= len(text)
        return
    assert parse_query(str(query)) == query
    assert str(parse_query(str(query))) == str(query)
    assert all(0 <= hint.position < max(len(text), 1) for hint in query.hints)
    assert unicodedata.is_normalized("NFKC", str(query))


@pytest.mark.parametrize("piece", ['"', "(", "-", "title:", "a OR ", "*", "=", "„", "2 OF (a, ", "x:", "- "])
def test_a_long_text_is_refused_at_once(piece: str) -> None:
    with pytest.raises(QueryError):
        parse_query(piece * 100_000)
