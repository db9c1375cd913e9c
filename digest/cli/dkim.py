"""`digest dkim new`: the two keys that sign our mails, and the records that let everybody check them."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from digest.cli import output
from digest.mail.dkim import Key, load_key, new_key
from subscribers.addresses import canonical

app = typer.Typer(help="Make keys for signing mails.", no_args_is_help=True)

ALGORITHMS: Final = ("rsa-sha256", "ed25519-sha256")
# A character string of a TXT record holds 255 octets; an RSA key needs two.
_PIECE: Final = 250


@app.callback()
def dkim() -> None:
    """Make keys for signing mails."""


@app.command()
def new(
    *,
    domain: Annotated[str, typer.Option(help="The domain that signs: the sender's, or one above it.")],
    selector: Annotated[str, typer.Option(help="The name of the key in DNS, for example mail2026.")],
    folder: Annotated[
        Path, typer.Option("-o", "--output", file_okay=False, help="Where to write the private keys.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make an RSA and an Ed25519 key, readable by you alone, and print what to publish and to set. Overwrites nothing."""
    domain = canonical(f"postmaster@{domain}").address.rpartition("@")[2]
    selectors = (selector, f"{selector}-ed25519")
    paths = [folder / f"{name}.pem" for name in selectors]
    _expect_none(paths)
    made = [_made(name, algorithm) for name, algorithm in zip(selectors, ALGORITHMS, strict=True)]
    _write(paths, [pem for _, pem in made])
    records = [(f"{key.selector}._domainkey.{domain}", key.record) for key, _ in made]
    settings = _settings(domain, selectors, paths)
    if json:
        answer = [{"name": name, "type": "TXT", "value": value} for name, value in records]
        output.as_json({"records": answer, "files": paths, "settings": settings})
        return
    output.say("Publish these two records:")
    for name, value in records:
        output.say(f"\n{name}. IN TXT {_strings(value)}")
    output.say("\nWhen they are visible, set:\n")
    for name, setting in settings.items():
        output.say(f"{name}={setting}")


def _made(selector: str, algorithm: str) -> tuple[Key, bytes]:
    pem = new_key(selector=selector, algorithm=algorithm)[1]
    # Read back as it will be when mails are signed: a selector that cannot stand in DNS is refused here.
    return load_key(pem, selector=selector), pem


def _expect_none(paths: Sequence[Path]) -> None:
    for path in filter(Path.exists, paths):
        output.fail(f"{path} is there already, and a key in use must not be lost: choose another selector.")


def _write(paths: Sequence[Path], texts: Sequence[bytes]) -> None:
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    for path, text in zip(paths, texts, strict=True):
        # Exclusive, and private from the first moment on, whatever the umask.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)


def _strings(value: str) -> str:
    pieces = [value[start : start + _PIECE] for start in range(0, len(value), _PIECE)]
    return " ".join(f'"{piece}"' for piece in pieces)


def _settings(domain: str, selectors: Sequence[str], paths: Sequence[Path]) -> dict[str, str]:
    first, second = (str(path.absolute()) for path in paths)
    return {
        "DIGEST_DKIM__DOMAIN": domain,
        "DIGEST_DKIM__SELECTOR": selectors[0],
        "DIGEST_DKIM__KEY_FILE": first,
        "DIGEST_DKIM__SELECTOR_2": selectors[1],
        "DIGEST_DKIM__KEY_2_FILE": second,
    }
