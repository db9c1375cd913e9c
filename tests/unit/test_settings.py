from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from digest.settings import (
    Settings,
    SettingsError,
    Tls,
    load,
    masked,
    missing_for_links,
    missing_for_sending,
)
from tests.support.house import ENVIRONMENT


def problems(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as error:
        load(environ, env_file=None)
    return error.value.problems


def test_everything_has_a_default_but_what_sending_needs() -> None:
    settings = load({}, env_file=None)
    assert settings.database_url == "sqlite:///digest.db"
    assert settings.smtp.tls is Tls.STARTTLS
    named = " ".join(missing_for_sending(settings))
    for variable in (
        "SECRET_KEY",
        "SENDER__ADDRESS",
        "IMPRINT__NAME",
        "IMPRINT__ADDRESS",
        "IMPRINT__PRIVACY_URL",
    ):
        assert f"DIGEST_{variable}" in named


def test_a_complete_environment_lacks_nothing() -> None:
    assert missing_for_sending(load(ENVIRONMENT, env_file=None)) == []


def test_all_problems_are_told_at_once_each_naming_its_variable() -> None:
    found = problems(
        DIGEST_SMTP__PRT="25", DIGEST_SMTP__PORT="x", DIGEST_TIMEZONE="Mars/Olympus", DIGEST_LOG_LEVEL="loud"
    )
    assert len(found) == 4
    assert any("DIGEST_SMTP__PRT" in one and "DIGEST_SMTP__PORT" in one for one in found)
    assert any(one.startswith("DIGEST_TIMEZONE") for one in found)


def test_an_http_address_is_refused_for_sending_unless_it_is_this_machine() -> None:
    plain = load({**ENVIRONMENT, "DIGEST_BASE_URL": "http://news.example.org"}, env_file=None)
    assert any("https" in one for one in missing_for_sending(plain))
    assert (
        missing_for_sending(load({**ENVIRONMENT, "DIGEST_BASE_URL": "http://127.0.0.1:8000"}, env_file=None))
        == []
    )


@pytest.mark.parametrize("key", ["short", "change-me-change-me-change-me-change-me"])
def test_a_weak_key_is_refused(key: str) -> None:
    assert missing_for_links(load({"DIGEST_SECRET_KEY": key}, env_file=None))


def test_old_signing_keys_ask_for_an_address_key_of_its_own() -> None:
    given = {"DIGEST_SECRET_KEY": "0123456789abcdef" * 3, "DIGEST_SECRET_KEYS_OLD": "fedcba9876543210" * 3}
    assert any("DIGEST_ADDRESS_KEY" in one for one in missing_for_links(load(given, env_file=None)))


def test_a_secret_can_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("0123456789abcdef0123456789abcdef\n")
    settings = load({"DIGEST_SECRET_KEY_FILE": str(tmp_path / "key")}, env_file=None)
    assert settings.secret_key.get_secret_value() == "0123456789abcdef0123456789abcdef"
    assert "cannot be read" in problems(DIGEST_SECRET_KEY_FILE=str(tmp_path / "none"))[0]


def test_only_secrets_have_a_file() -> None:
    assert "no setting" in problems(DIGEST_LANGUAGE_FILE="x")[0]


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DIGEST_LANGUAGE=en\nDIGEST_SITE__NAME=Aus der Datei\nOTHER=1\n")
    settings = load({"DIGEST_LANGUAGE": "de"}, env_file=tmp_path / ".env")
    assert (settings.language, settings.site.name) == ("de", "Aus der Datei")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("2 d", timedelta(days=2)),
        ("PT6H", timedelta(hours=6)),
    ],
)
def test_durations_read_like_people_write_them(text: str, expected: timedelta) -> None:
    assert load({"DIGEST_CATCH_UP": text}, env_file=None).catch_up == expected


def test_empty_means_the_default_and_for_limits_off() -> None:
    settings = load(
        {"DIGEST_LANGUAGE": "", "DIGEST_LIMITS__MANAGE": "", "DIGEST_INSTANT__QUIET": ""}, env_file=None
    )
    assert settings.language == "de"
    assert settings.limits.manage == settings.instant.quiet == ""


def test_secrets_are_masked_wherever_settings_are_shown() -> None:
    secret = ENVIRONMENT["DIGEST_SECRET_KEY"]
    settings = load(
        {**ENVIRONMENT, "DIGEST_SMTP__PASSWORD": "hunter2-hunter2", "DIGEST_METRICS__TOKEN": "t0ken-t0ken"},
        env_file=None,
    )
    shown = repr(settings) + str(masked(settings))
    for text in (secret, "hunter2-hunter2", "t0ken-t0ken"):
        assert text not in shown
    assert masked(settings)["DIGEST_SMTP__PASSWORD"] == "********"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().language = "en"  # type: ignore[misc]
