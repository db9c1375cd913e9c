"""`digest dkim new`: what it prints is what a verifier needs, and what it writes is nobody else's to read."""

import json
import stat
from pathlib import Path
from typing import Any

import dkim
import pytest
from typer.testing import CliRunner, Result

from digest.cli.dkim import app
from digest.mail.dkim import Signer, load_key
from tests.support import mailroom


def run(folder: Path, *words: str, domain: str = "example.org", selector: str = "mail2026") -> Result:
    return CliRunner().invoke(
        app, ["new", "--domain", domain, "--selector", selector, "-o", str(folder), *words]
    )


def made(folder: Path, **names: str) -> Any:
    result = run(folder, "--json", **names)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_mail_signed_with_the_keys_is_accepted_with_the_records(tmp_path: Path) -> None:
    answer = made(tmp_path)
    settings = answer["settings"]
    keys = [
        load_key(
            Path(settings[f"DIGEST_DKIM__{file}"]).read_bytes(), selector=settings[f"DIGEST_DKIM__{name}"]
        )
        for name, file in (("SELECTOR", "KEY_FILE"), ("SELECTOR_2", "KEY_2_FILE"))
    ]
    signer = Signer(domain=settings["DIGEST_DKIM__DOMAIN"], keys=keys, sender="news@example.org")
    mail = mailroom.edition_mail(1, is_signed=False).data
    head, _, body = mail.partition(b"\r\n\r\n")
    fields = [field + b"\r\n" for field in head.replace(b"\r\n ", b"\0").split(b"\r\n")]
    signed = (
        signer.sign([each.replace(b"\0", b"\r\n ") for each in fields], body, at=mailroom.DATED_AT) + mail
    )
    published = {f"{record['name']}.": record["value"].encode() for record in answer["records"]}
    for which in (0, 1):
        assert dkim.DKIM(signed).verify(
            idx=which, dnsfunc=lambda name, timeout=5: published.get(name.decode(), b"")
        )


def test_the_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    files = [Path(name) for name in made(tmp_path / "new")["files"]]
    assert [path.name for path in files] == ["mail2026.pem", "mail2026-ed25519.pem"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


@pytest.mark.parametrize("kept", ["mail2026.pem", "mail2026-ed25519.pem"])
def test_a_key_that_is_there_is_never_overwritten(tmp_path: Path, kept: str) -> None:
    (tmp_path / kept).write_text("in use")
    result = run(tmp_path)
    assert result.exit_code == 1
    assert kept in result.stderr
    assert "choose another selector" in result.stderr
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(kept, "in use")]


def test_people_get_records_to_paste_and_settings_to_copy(tmp_path: Path) -> None:
    lines = run(tmp_path, domain="münchen.example.org").stdout.splitlines()
    rsa, ed25519 = (line for line in lines if " IN TXT " in line)
    assert rsa.startswith('mail2026._domainkey.xn--mnchen-3ya.example.org. IN TXT "v=DKIM1; k=rsa; p=')
    assert ed25519.startswith("mail2026-ed25519._domainkey.xn--mnchen-3ya.example.org. IN TXT ")
    assert all(len(piece) <= 255 for line in (rsa, ed25519) for piece in line.split('"')[1::2])
    assert f"DIGEST_DKIM__KEY_FILE={tmp_path}/mail2026.pem" in lines


@pytest.mark.parametrize(
    ("domain", "selector"), [("not a domain", "mail"), ("example.org", "two words"), ("example.org", "../x")]
)
def test_names_that_cannot_stand_in_dns_are_refused_and_nothing_is_written(
    tmp_path: Path, domain: str, selector: str
) -> None:
    assert run(tmp_path / "new", domain=domain, selector=selector).exit_code == 1
    assert not (tmp_path / "new").exists()
