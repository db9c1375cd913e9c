"""What people get wrong: one clear sentence, the right exit code, no traceback, nothing half-written."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.house import House, open_house

NOW = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path, f"sqlite:///{tmp_path / 'digest.db'}", at=NOW) as house:
        house.ok("topics", "add", "ki", "--name", "KI", "--query", "KI")
        yield house


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The same for all tests after which nothing may have changed."""
    folder = tmp_path_factory.mktemp("lasting")
    with open_house(folder, f"sqlite:///{folder / 'digest.db'}", at=NOW) as house:
        house.ok("topics", "add", "ki", "--name", "KI", "--query", "KI")
        yield house


def dump(house: House) -> list[str]:
    return [
        house.ok(*words, "--json").out
        for words in (("topics", "list"), ("feeds", "list"), ("subscribers", "list"))
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("feeds", "add", "gopher://example.org/feed"), 1, "http:// or https://"),
        (("feeds", "add", "http://127.0.0.1:9/none"), 1, "No feed"),
        (("feeds", "fetch", "https://unknown.example.org/"), 1, "no feed of ours"),
        (("feeds", "remove", "17", "--yes"), 1, "no feed of ours"),
        (("topics", "add", "x", "--name", "X", "--query", "-Sport"), 1, "position"),
        (("topics", "add", "x", "--name", "X", "--query", "(a OR"), 1, "position"),
        (("topics", "add", "Bad Slug", "--name", "X", "--query", "KI"), 1, "slug"),
        (("topics", "add", "ki", "--name", "Again", "--query", "KI"), 1, "already"),
        (("topics", "remove", "ki"), 1, "--yes"),
        (("subscribers", "add", "no address", "--topic", "ki", "--consent", "form"), 1, "address"),
        (
            ("subscribers", "add", "ann@example.org", "--topic", "nope", "--consent", "form"),
            1,
            "no topic nope",
        ),
        (("subscribers", "add", "ann@example.org", "--consent", "form"), 1, "--topic"),
        (
            ("subscribers", "add", "ann@example.org", "--topic", "ki", "--time", "25:99", "--consent", "f"),
            2,
            "07:00",
        ),
        (
            (
                "subscribers",
                "add",
                "ann@example.org",
                "--topic",
                "ki",
                "--timezone",
                "Mars/X",
                "--consent",
                "f",
            ),
            2,
            "zone",
        ),
        (("subscribers", "show", "ann@example.org"), 1, "no subscriber"),
        (("subscribers", "erase", "ann@example.org"), 1, "--yes"),
        (("editions", "show", "99"), 1, "no edition 99"),
        (("editions", "hold", "99"), 1, "no edition 99"),
        (("editions", "hold"), 2, "--all"),
        (("explain", "ann@example.org", "https://x.example.org/"), 1, "no subscriber"),
        (("preview", "-o", "out"), 2, "--subscriber"),
        (("frobnicate",), 2, "frobnicate"),
        (("tick", "--at", "yesterday"), 2, "yesterday"),
        (("feeds", "list", "--nonsense"), 2, "--nonsense"),
    ],
)
def test_a_mistake_is_one_sentence_and_changes_nothing(
    lasting: House, words: tuple[str, ...], code: int, said: str
) -> None:
    before = dump(lasting)
    ran = lasting.digest(*words)
    assert (ran.code, said in " ".join(ran.err.split())) == (code, True), ran
    assert "Traceback" not in ran.err
    assert dump(lasting) == before


def test_an_unknown_setting_is_named_with_its_likely_spelling(house: House) -> None:
    house.extra = {"DIGEST_SMTP__PRT": "25"}
    ran = house.digest("tick")
    assert ran.code == 1
    assert "DIGEST_SMTP__PRT" in ran.err
    assert "DIGEST_SMTP__PORT" in ran.err


@pytest.mark.parametrize("variable", ["DIGEST_SECRET_KEY", "DIGEST_SENDER__ADDRESS", "DIGEST_IMPRINT__NAME"])
def test_a_missing_setting_stops_sending_with_its_name(house: House, variable: str) -> None:
    house.extra = {variable: ""}
    ran = house.digest("tick")
    assert ran.code == 1
    assert variable in ran.err


def test_an_unreachable_database_is_one_sentence(house: House) -> None:
    house.extra = {"DIGEST_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    for words in (("feeds", "list"), ("tick",), ("db", "current"), ("doctor",)):
        ran = house.digest(*words)
        assert ran.code == 1
        assert "cannot be reached" in ran.out + ran.err
        assert "Traceback" not in ran.err


def test_an_empty_or_old_database_asks_for_the_upgrade(house: House) -> None:
    house.extra = {"DIGEST_DATABASE_URL": f"sqlite:///{house.folder / 'empty.db'}"}
    for words in (("feeds", "list"), ("tick",), ("subscribers", "list"), ("db", "check")):
        ran = house.digest(*words)
        assert ran.code == 1
        assert "digest db upgrade" in ran.err


def test_a_mail_server_that_is_away_loses_nothing_and_says_so(house: House) -> None:
    house.ok("subscribers", "add", "ann@example.org", "--topic", "ki")
    house.extra = {"DIGEST_SMTP__PORT": "1"}
    ran = house.digest("tick")
    assert ran.code == 1
    assert "mail server" in ran.err
    house.extra = {}
    assert house.tick()["sent"] == 1


@pytest.mark.parametrize(
    "path", ["/u/forged", "/p/forged", "/confirm/forged", "/m/forged?a=1", "/v/forged", "/nowhere"]
)
def test_a_forged_link_is_a_page_that_helps(lasting: House, path: str) -> None:
    answer = lasting.web.get(path)
    assert answer.status_code == 404
    assert "<h1" in answer.text


def test_config_check_names_every_problem_and_doctor_too(house: House) -> None:
    assert house.ok("config", "check", "--json").json == {"ok": True, "problems": []}
    house.extra = {"DIGEST_SENDER__ADDRESS": "", "DIGEST_IMPRINT__URL": ""}
    ran = house.digest("config", "check", "--json")
    assert ran.code == 1
    assert len(ran.json["problems"]) == 2
    house.extra = {}
    assert house.ok("doctor", "--json").json["ok"]
    shown = house.ok("config", "show").out
    assert house.environment["DIGEST_SECRET_KEY"] not in shown
