"""What strangers send: never a fault of ours, never an effect, and nothing of it in a log."""

import itertools
import random
import socket
from typing import Any

import httpx
import pytest

from digest.web import forms
from digest.web.limits import Limits, Scope
from subscribers.models import SignupRequest
from subscribers.tokens import Purpose
from tests.integration.web.conftest import Story

LONG_LABEL = "a" * 63
ADDRESSES = [
    "", " ", "@", "a", "a@", "@b.example.org", "a@b", "a@b..org", "a@.org", "a@-b.org", "a@b-.example.org", "a b@example.org",
    "a@exa mple.org", "a@@example.org", "a@b@example.org", ".a@example.org", "a.@example.org", "a..b@example.org",
    "a@example.org\r\nBcc: b@example.org", "a@example.org\nX: y", "a\r\n@example.org", "\ra@example.org,b@example.org",
    "a@example.org,b@example.org", "a@example.org;b@example.org", "a@example.org b@example.org", "<a@example.org>",
    "Ann <a@example.org>", '"Ann" <a@example.org>', '"a b"@example.org', '"a"@example.org', "a(comment)@example.org",
    "(c)a@example.org", "a@example.org(c)", "a@[127.0.0.1]", "a@[IPv6:::1]", "a@127.0.0.1", "mailto:a@example.org",
    "ä@example.org", "аnn@example.org", "ann＠example.org", "a@example。org", "a@ｅxample.org", "a@example.org\u202e",
    "\u200ea@example.org", "a\u200b@example.org", "a@exam\u00adple.org", "a\u00a0@example.org", "a@example.org\u2028b", "☃@example.org",
    f"{'l' * 65}@example.org", f"a@{'.'.join([LONG_LABEL] * 4)}.org", f"a@{'b' * 64}.org", "a" * 5000, "a@" + "b." * 3000 + "org",
    "a@localhost", "a@example.test/", "a@example.org/", "a@example.org?x", "a@example.org#x", "a@exam_ple.org", "a@xn--a.org",
    "a@xn--zzzzzzzz--.org", "a\\@example.org", "a@example.org\\", "'; DROP TABLE subscriber;--", "a@example.123", "root", "|touch /tmp/x|@example.org{", "${7*7}@example.org}", "{{7*7}}@", "a@{{7*7}}.org",
]  # fmt: skip
CONTROLS = [
    f"a{chr(code)}@example.org" for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)) if chr(code) != " "
]
EXOTIC = [
    f"{name}{mark}@example.org"
    for name in ("ann", "ben")
    for mark in '()<>[]:;,\\"\u0085\u200d\ufeff\u2066\u00e9\u4e2d'
]


def test_no_odd_address_is_taken_and_none_is_a_fault(story: Story) -> None:
    before = story.site.dump()
    tried = [*ADDRESSES, *CONTROLS, *EXOTIC]
    assert len(tried) > 150
    for address in tried:
        answer = story.sign_up(address)
        assert answer.status_code in {400, 422}, ascii(address)
    assert story.site.dump() == before


@pytest.mark.parametrize(
    "address",
    [
        "A.N+tag@Example.ORG",
        "o'neill@example.org",
        f"{'l' * 64}@example.org",
        "a@bücher.example",
        " ann2@example.org ",
    ],
)
def test_unusual_but_good_addresses_are_taken(story: Story, address: str) -> None:
    assert story.sign_up(address).status_code == 303
    assert story.one(SignupRequest).address.isascii()


@pytest.mark.parametrize(("depth", "status"), [(8, 202), (9, 400)])
def test_json_may_nest_eight_deep(story: Story, depth: int, status: int) -> None:
    nested = "[" * (depth - 1) + "]" * (depth - 1)
    body = f'{{"email": "ben@example.org", "topics": ["ki"], "more": {nested}}}'
    answer = story.site.client.post("/subscribe", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status


BODIES: list[dict[str, Any]] = [
    {"content": b"x" * 10_000_000},
    {"content": b"[" * 60_000, "headers": {"Content-Type": "application/json"}},
    {"content": b'{"email": {"$gt": ""}}', "headers": {"Content-Type": "application/json"}},
    {
        "content": b'{"email": ["a@example.org", "b@example.org"], "email": "c"}',
        "headers": {"Content-Type": "application/json"},
    },
    {"content": b'{"email": "\\udc00"}', "headers": {"Content-Type": "application/json"}},
    {"content": b"null", "headers": {"Content-Type": "application/json"}},
    {"content": b"email=%c3%28", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
    {"content": b"email=a", "headers": {"Content-Type": "application/x-www-form-urlencoded; charset=utf-7"}},
    {"content": b"email=a", "headers": {"Content-Type": "multipart/form-data; boundary="}},
    {"content": b"email=a", "headers": {"Content-Type": b"\xff\xfe"}},
    {"files": {"email": ("x.txt", b"ann@example.org")}},
    {"data": {f"f{n}": "x" for n in range(300)}},
    {"content": b""},
]


def test_no_body_is_a_fault_or_has_an_effect(story: Story) -> None:
    before = story.site.dump()
    paths = [
        "/subscribe",
        "/manage",
        story.path(Purpose.PREFERENCES) + "/pause",
        f"{story.path(Purpose.MUTE)}?a=1",
    ]
    for number, path in itertools.product(range(len(BODIES)), paths):
        try:
            answer = story.site.client.post(path, **BODIES[number])
        except httpx.WriteError:  # the server has answered and hung up before ten megabytes were through
            continue
        assert 400 <= answer.status_code < 500, (path, number, answer.status_code)
    assert story.site.dump() == before


def test_a_body_that_never_comes_ends_with_408(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "PATIENCE_SECONDS", 0.2)
    host, port = story.site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"POST /subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nemail=")
        assert b" 408 " in connection.recv(1000).split(b"\r\n")[0]


QUERIES = [
    "lang=%00",
    "lang=../../etc",
    "topic=%ff",
    "a=b&" * 500,
    "topic=" + "x" * 5000,
    "%",
    "&=&=",
    "before=x",
    "before=0001-01-01",
    "before=9999-12-31",
]


def test_no_query_string_is_a_fault(story: Story) -> None:
    paths = (
        "/",
        "/subscribe",
        "/manage",
        "/archive",
        "/embed/form",
        "/nope",
        story.path(Purpose.PREFERENCES),
    )
    for query, path in itertools.product(QUERIES, paths):
        assert story.site.client.get(f"{path}?{query}").status_code in {200, 404}


PATHS = [
    "/%00",
    "/u/%2e%2e/x",
    "/static/..%2fapp.py",
    "/static/app.py",
    "//evil.example.net",
    "/p/" + "a" * 5000,
    "/u/ä",
    "/archive/2026-99-99",
    "/archive/9999-12-31",
    "/topics/%00/feed.xml",
]


def test_no_path_is_a_fault(story: Story) -> None:
    for path in PATHS:
        assert story.site.client.get(story.site.url + path).status_code == 404, path


def test_a_fault_of_ours_shows_a_reference_and_logs_nothing_that_was_sent(
    story: Story, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("secret-of-ann@example.org")

    monkeypatch.setattr("digest.web.confirm.confirmation.look", broken)
    path = story.path(Purpose.CONFIRM)
    answer = story.site.client.get(
        f"{path}?x=visitor@example.org", headers={"X-Forwarded-For": "203.0.113.77"}
    )
    assert answer.status_code == 500
    assert "Das war unser Fehler. Kennung: " in answer.text
    reference = answer.text.split("Kennung: ")[1][:8]
    logged = "".join(capsys.readouterr())
    assert reference in logged
    assert "secret-of-ann" not in answer.text
    assert "/confirm/{token}" in logged
    for private in ("@", path.rsplit("/", 1)[1], "203.0.113", "visitor"):
        assert private not in logged


def test_limits_refuse_by_network_and_say_when_to_come_back(story: Story) -> None:
    object.__setattr__(
        story.site.app.state.site,
        "limits",
        Limits({Scope.SIGN_UP: "3/10 minutes", Scope.INVALID_TOKEN: "2/10 minutes"}),
    )
    here, there = {"X-Forwarded-For": "203.0.113.7"}, {"X-Forwarded-For": "198.51.100.7"}
    form = {"email": "ben@example.org", "topic": "ki"}
    codes = [story.site.client.post("/subscribe", data=form, headers=here).status_code for _ in range(3)]
    assert codes == [303, 429, 429], "a form that does not say when it was opened counts twice"
    assert story.site.client.post("/subscribe", data=form, headers=there).status_code == 303
    refused = story.site.client.post("/subscribe", json=form, headers=here)
    assert refused.headers["content-type"] == "application/problem+json"
    assert int(refused.headers["retry-after"]) > 0
    assert [story.site.client.get("/p/x", headers=here).status_code for _ in range(3)] == [404, 404, 429]
    assert [story.site.client.get("/u/x", headers=here).status_code for _ in range(5)] == [404] * 5


def test_a_thousand_networks_get_one_mail_to_an_address(story: Story) -> None:
    rng = random.Random(3)
    for _ in range(60):
        network = f"{rng.randrange(11, 99)}.{rng.randrange(256)}.{rng.randrange(256)}.9"
        assert (
            story.site.client.post(
                "/subscribe",
                data={"email": "ben@example.org", "topic": "ki"},
                headers={"X-Forwarded-For": network},
            ).status_code
            == 303
        )
    assert len(story.mails("confirmation")) == 1
