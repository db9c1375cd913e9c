"""What would keep a mail from being lawful, signed or answerable is one clear sentence before anything is sent."""

from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from digest import doctor
from digest.db import Database
from digest.runtime import Runtime
from digest.settings import Settings
from tests.support import mailroom

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def findings(settings: Settings, **groups: Any) -> list[str]:
    """What stands in the way of sending with these settings changed; each sentence."""
    changed = {
        name: getattr(settings, name).model_copy(update=value) if isinstance(value, dict) else value
        for name, value in groups.items()
    }
    runtime = Runtime(settings.model_copy(update=changed), Database("sqlite://"), lambda: NOW, Random(1))
    try:
        return [
            finding.sentence
            for question in (doctor._settings, doctor._sender)
            for finding in question(runtime)
            if not finding.ok
        ]
    finally:
        runtime.close()


def key_file(folder: Path, key: RSAPrivateKey | Ed25519PrivateKey | None = None) -> Path:
    key = key or mailroom.keys()[0].private
    octets = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(octets)
    return folder / "key.pem"


def test_settings_that_may_send_leave_nothing_to_say(settings: Settings, tmp_path: Path) -> None:
    dkim = {"domain": "example.org", "selector": "s", "key_file": key_file(tmp_path)}
    assert findings(settings, dkim=dkim) == []


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        ({"imprint": {"name": ""}}, "DIGEST_IMPRINT__NAME is missing"),
        ({"imprint": {"address": ""}}, "DIGEST_IMPRINT__ADDRESS is missing"),
        ({"imprint": {"url": ""}}, "DIGEST_IMPRINT__URL is missing"),
        ({"imprint": {"privacy_url": ""}}, "DIGEST_IMPRINT__PRIVACY_URL is missing"),
        ({"base_url": "http://news.example.org"}, "DIGEST_BASE_URL must start with https://"),
        ({"sender": {"bounce_address": "b" * 34 + "@example.org"}}, "at most 33 characters"),
        ({"sender": {"bounce_address": "bounce"}}, "name@domain"),
        ({"sender": {"address": "näws@example.org"}}, "plain ASCII"),
        ({"sender": {"feedback_id": "dg"}}, "5 to 15 characters"),
        (
            {"dkim": {"domain": "example.org", "selector": "s", "key_file": Path("/none.pem")}},
            "cannot be read",
        ),
    ],
)
def test_each_obstacle_is_one_clear_sentence(
    settings: Settings, groups: dict[str, Any], sentence: str
) -> None:
    (told,) = findings(settings, **groups)
    assert sentence in told
    assert "@" not in told.replace("name@domain", "").replace("before the @", "")


def test_a_weak_key_or_one_for_another_domain_is_told(settings: Settings, tmp_path: Path) -> None:
    weak = {
        "domain": "example.org",
        "selector": "s",
        "key_file": key_file(tmp_path, generate_private_key(65537, 1024)),
    }
    assert "1024 bits; RSA needs 2048" in findings(settings, dkim=weak)[0]
    lone = key_file(tmp_path, mailroom.keys()[1].private)
    assert "needs an RSA key" in findings(settings, dkim=weak | {"key_file": lone})[0]
    good = {"domain": "other.example", "selector": "s", "key_file": key_file(tmp_path)}
    assert "would not align" in findings(settings, dkim=good)[0]
