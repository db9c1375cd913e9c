"""`digest topics` as an operator and a script meet it, through the program's own rim."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from digest.cli.app import main
from digest.db import Database
from tests.support.factories import make_article, make_feed

ARTICLE = (
    """Nato-Generalsekretär Rutte in Washington

Im Ukraine-Konflikt wird verhandelt.

"""
    + "Noch ein Wort dazu von gestern. " * 8
    + "Auch in Husum."
)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    sqlite_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Type a command; its exit code and what it printed on both."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("DIGEST_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("DIGEST_SECRET_KEY", "0123456789abcdef" * 4)
    (tmp_path / "article.txt").write_text(ARTICLE, encoding="utf-8")
    now = datetime.now(UTC)
    db = Database(sqlite_url)
    with db.write() as session:
        make_article(session, make_feed(session, now=now), "Häuser werden teurer", now=now)
    db.close()

    def typed(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["digest", "topics", *words])
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        else:
            code = 0
        return code, *capsys.readouterr()

    return typed


def asked(run: Run, *words: str) -> Any:
    """The JSON document of a command."""
    code, printed, _ = run(*words, "--json")
    assert code == 0
    return json.loads(printed)


def test_a_topic_is_added_with_its_hints_shown_and_listed(run: Run) -> None:
    code, printed, _ = run("add", "haus", "--name", "Haus", "--query", "Haus, (Wohnung")
    assert code == 0
    assert "It finds: Haus OR Wohnung" in printed
    assert "hint (position 7): The bracket was closed at the end." in printed
    assert asked(run, "show", "haus")["health"] == "good"
    assert [row["slug"] for row in asked(run, "list")] == ["haus"]


def test_a_topic_that_finds_a_quarter_of_everything_is_added_with_a_warning(
    run: Run, sqlite_url: str
) -> None:
    now = datetime.now(UTC)
    db = Database(sqlite_url)
    with db.write() as session:
        feed = make_feed(session, "https://feed.example.org/2", now=now)
        for number in range(199):
            make_article(session, feed, f"Wetter {number % 2 * 'im Haus'} {number}", now=now, number=number)
    db.close()
    code, printed, _ = run("add", "haus", "--name", "Haus", "--query", "Haus oder", "--lang", "de")
    assert code == 0
    assert "write ODER" in printed
    assert "of all articles" not in printed
    code, printed, _ = run("add", "haus2", "--name", "Haus", "--query", "Haus", "--lang", "de")
    assert "It finds 50% of all articles" in printed


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("KI ) Robotik", "at position 4: This bracket closes nothing."),
        ("it", "at position 1: “it” alone is too common; write IT in capitals"),
        ("-Sport", "at position 1: Only exclusions"),
        ("Haus OR kü*", "at position 9: A star needs at least 3 letters"),
    ],
)
def test_a_query_that_cannot_be_read_is_one_sentence_with_its_place(
    run: Run, query: str, sentence: str
) -> None:
    code, printed, errors = run("match", "--query", query)
    assert (code, printed) == (1, "")
    assert sentence in " ".join(errors.split())


def test_a_match_shows_field_and_printed_words_of_stored_articles(run: Run) -> None:
    (hit,) = asked(run, "match", "--query", "Haus")["newest"]
    assert (hit["title"], hit["field"], hit["term"]) == ("Häuser werden teurer", "title", "Häuser")
    code, printed, _ = run("match", "--query", "Haus -Garten")
    assert code == 0
    assert "1 of 1 articles" in printed
    assert "Häuser" in printed


@pytest.mark.parametrize(
    ("query", "verdict", "sentence"),
    [
        ("Ukraine-Konflikt -Sport", "matched", "Matches."),
        ("Rutte Merz", "missing", "Missing: Merz."),
        ("Rutte -Nato", "excluded", "Excluded by: Nato."),
        ("Rutte lang:en", "other_language", "Other language: lang:en."),
        ("Husum", "mentioned", "Only mentioned (places: 1, body)."),
    ],
)
def test_a_file_is_told_what_was_found_and_why_it_is_none(
    run: Run, query: str, verdict: str, sentence: str
) -> None:
    found = asked(run, "match", "--query", query, "--article", "article.txt")
    assert found["verdict"] == verdict
    assert all(one["field"] and one["printed"] and one["around"] for one in found["findings"])
    assert sentence in run("match", "--query", query, "--article", "article.txt")[1]
