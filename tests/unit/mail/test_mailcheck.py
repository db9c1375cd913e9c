"""What `make check-mail` stands on and can be proved without its programs."""

import json
from pathlib import Path

import dns.message
import dns.rcode
import pytest

from tests.mailcheck.letters import Letter
from tests.mailcheck.nameserver import answer
from tests.mailcheck.node import HERE
from tests.mailcheck.verdict import Verdict, table
from tests.mailcheck.zone import DOMAIN, zone
from tests.support.mailroom import edition_mail, keys, system_mail


def ask(name: str, kind: str) -> dns.message.Message:
    return answer(dns.message.make_query(name, kind).to_wire(), zone())


@pytest.mark.parametrize("key", keys(), ids=lambda key: key.selector)
def test_the_name_server_publishes_a_key_in_strings_that_fit(key: object) -> None:
    (record,) = ask(f"{key.selector}._domainkey.{DOMAIN}", "TXT").answer[0]  # type: ignore[attr-defined]  # a Key
    assert b"".join(record.strings).decode() == key.record  # type: ignore[attr-defined]  # a Key
    assert all(len(string) <= 250 for string in record.strings)


def test_the_name_server_denies_whatever_it_does_not_know() -> None:
    assert ask("blocklist.example.net", "A").rcode() == dns.rcode.NXDOMAIN
    assert ask(DOMAIN.upper(), "AAAA").rcode() == dns.rcode.NOERROR
    assert ask(DOMAIN, "AAAA").answer == []


def test_editions_and_welcomes_are_list_mail_and_nothing_else() -> None:
    mails = {"edition": edition_mail(1), "welcome": system_mail("welcome"), "manage": system_mail("manage")}
    assert [name for name, mail in mails.items() if Letter(name, mail, Path()).is_list] == [
        "edition",
        "welcome",
    ]


def test_a_fault_is_seen_in_the_table() -> None:
    rows = table([Verdict("rspamd", "a.de", "-1.1"), Verdict("axe", "a.de", "2", ("x", "y"))]).splitlines()
    assert rows == ["| mail | rspamd | axe |", "| --- | --- | --- |", "| a.de | -1.1 | 2 ✗ |"]


def test_the_programs_of_node_are_pinned_and_bound_to_no_registry() -> None:
    asked = json.loads((HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    locked = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name, version in asked.items():
        assert locked[f"node_modules/{name}"]["version"] == version
    assert not [name for name, package in locked.items() if "resolved" in package]
    assert not [name for name, package in locked.items() if name and "integrity" not in package]


def test_whatever_a_mail_program_may_lack_has_its_reason() -> None:
    allowed = json.loads((HERE / "caniemail-allowed.json").read_text(encoding="utf-8"))
    assert all(set(entry) == {"why", "lacking"} and entry["why"] for entry in allowed.values())
