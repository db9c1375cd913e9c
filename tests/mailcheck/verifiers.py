"""Those who check who sent a mail and what it says: mailauth, OpenDKIM, and a mail reader written by others."""

import subprocess
from collections.abc import Iterator
from typing import Any, Final

from tests.mailcheck.letters import Letter
from tests.mailcheck.node import HERE, asked
from tests.mailcheck.verdict import Case, Verdict
from tests.mailcheck.zone import DOMAIN, HOST, IP
from tests.support.mail import read
from tests.support.mailroom import keys

_ALGORITHMS: Final = {"rsa-sha256", "ed25519-sha256"}


def mailauth(case: Case) -> Iterator[Verdict]:
    """SPF, both signatures, aligned, and DMARC."""
    found = asked("auth.mjs", case.folder, case.nameserver, IP, HOST)
    for letter in case.letters:
        result = found[letter.name]
        passed = {
            each["algorithm"] for each in result["dkim"] if each["result"] == "pass" and each["aligned"]
        }
        faults = [f"{what}: {result[what]}" for what in ("spf", "dmarc") if result[what] != "pass"]
        faults += [f"no valid signature of {name}" for name in sorted(_ALGORITHMS - passed)]
        yield Verdict("mailauth", letter.name, _word(faults), tuple(faults))


def opendkim(case: Case) -> Iterator[Verdict]:
    """OpenDKIM on the copy with the RSA signature; Debian's knows no other."""
    lines = [f"{key.selector}._domainkey.{DOMAIN} {key.record}" for key in keys()]
    (case.folder / "opendkim.keys").write_text("\n".join(lines) + "\n", encoding="ascii")
    for letter in case.letters:
        command = ["opendkim", "-x", str(HERE / "opendkim.conf"), "-t", str(letter.single), "-vv"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        said = f"{ran.stdout} {ran.stderr}"
        faults = () if "verification (s=rsa" in said and "succeeded" in said else (said.strip()[-300:],)
        yield Verdict("OpenDKIM", letter.name, _word(faults), faults)


def mailparser(case: Case) -> Iterator[Verdict]:
    """nodemailer's reader finds our subject, addresses, both parts, and the list headers as what they are."""
    found = asked("reader.mjs", case.folder)
    for letter in case.letters:
        faults = tuple(
            f"reads another {what}" for what, ok in _compared(letter, found[letter.name]) if not ok
        )
        yield Verdict("mailparser", letter.name, _word(faults), faults)


def _compared(letter: Letter, seen: Any) -> Iterator[tuple[str, bool]]:
    mail = read(letter.message.data)
    yield "HTML part", seen["html"].rstrip("\n") == mail.html.rstrip("\n")
    yield "text part", seen["text"].rstrip("\n") == mail.text.rstrip("\n")
    yield "recipient", seen["to"] == letter.message.recipient
    yield "sender", seen["from"] == f"news@{DOMAIN}"
    yield "subject", bool(seen["subject"]) and seen["subject"] in mail.html.replace("&amp;", "&")
    yield "number of attachments", seen["attachments"] == 0
    yield from _list_headers(mail.raw("List-Unsubscribe").decode(), seen["list"]) if letter.is_list else ()


def _list_headers(written: str, seen: Any) -> Iterator[tuple[str, bool]]:
    url, mail = (each.strip("<>") for each in written.split(", "))
    unsubscribe = seen["unsubscribe"]
    yield "one-click address", unsubscribe["url"] == url
    yield "unsubscribe address", f"mailto:{unsubscribe['mail']}" == mail
    yield "one-click promise", seen["unsubscribe-post"]["name"] == "List-Unsubscribe=One-Click"
    yield "list id", seen["id"]["id"] == f"digest.{DOMAIN}"


def _word(faults: object) -> str:
    return "fails" if faults else "pass"
