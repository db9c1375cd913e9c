"""Every route of the app, enumerated: guards, headers, methods, and that looking changes nothing."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute

from digest.web.errors import Unguarded
from digest.web.security import Held, OneClick, Open, guards_of, require_guards
from subscribers.models import SignupRequest
from subscribers.tokens import NO_SUBJECT, Purpose
from subscribers.types import new_public_id
from tests.integration.web.conftest import Story

SAFE = {"GET", "HEAD", "OPTIONS"}
FOREIGN = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example.net"},
)
EXPIRING = {Purpose.CONFIRM, Purpose.PREFERENCES, Purpose.ACCOUNT, Purpose.MUTE}
COMMON = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def routes(story: Story) -> Iterator[APIRoute]:
    for route in story.site.app.routes:
        assert isinstance(route, APIRoute), "a route that no test enumerates"
        yield route


def changing(story: Story) -> list[APIRoute]:
    return [route for route in routes(story) if route.methods - SAFE]


def held(story: Story) -> list[APIRoute]:
    return [route for route in changing(story) if isinstance(guards_of(route)[0], Held)]


def filled(path: str, token: str) -> str:
    return path.format(token=token, slug="ki", day="2026-11-22", name="pages.css")


def own_purpose(path: str) -> Purpose:
    prefixes = {
        "/confirm": Purpose.CONFIRM,
        "/p": Purpose.ACCOUNT,
        "/u": Purpose.UNSUBSCRIBE,
        "/m": Purpose.MUTE,
    }
    return next(purpose for prefix, purpose in prefixes.items() if path.startswith(f"{prefix}/"))


def test_every_route_that_changes_something_has_exactly_one_guard(story: Story) -> None:
    guards = {f"{route.path}": guards_of(route) for route in changing(story)}
    assert all(len(found) == 1 for found in guards.values())
    by_kind = {path: type(found[0]) for path, found in guards.items()}
    assert by_kind["/u/{token}"] is OneClick
    assert {path for path, kind in by_kind.items() if kind is Open} == {
        "/subscribe",
        "/subscribe/similar",
        "/manage",
    }


@pytest.mark.parametrize("methods", [["POST"], ["DELETE", "GET"], ["PATCH"]])
def test_a_route_without_a_guard_stops_the_start_up(methods: list[str]) -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/open", lambda: None, methods=methods)
    with pytest.raises(Unguarded, match="/open"):
        require_guards(app.routes)


def test_a_mounted_app_counts_as_unguarded() -> None:
    app = FastAPI(openapi_url=None)
    app.mount("/other", FastAPI(openapi_url=None))
    with pytest.raises(Unguarded):
        require_guards(app.routes)
    guarded = FastAPI(openapi_url=None)
    guarded.add_api_route("/x", lambda: None, methods=["POST"], dependencies=[Depends(Open())])
    require_guards(guarded.routes)


def test_forged_expired_and_other_purpose_tokens_change_nothing(story: Story) -> None:
    story.sign_up()
    before, client = story.site.dump(), story.site.client
    signer, now = story.site.runtime.signer, story.site.clock.now
    for route in (one for one in changing(story) if "{token}" in one.path):
        purpose = own_purpose(route.path)
        genuine = story.site.token(purpose, story.ann)
        forged = genuine[:-1] + ("A" if genuine[-1] != "A" else "B")
        bad = {"forged": forged, "cut": genuine[:-2], "empty": "x"}
        allowed = {Purpose.ACCOUNT, Purpose.PREFERENCES} if purpose is Purpose.ACCOUNT else {purpose}
        bad |= {p.value: story.site.token(p, story.ann) for p in Purpose if p not in allowed}
        for name, token in bad.items():
            answer = client.post(filled(route.path, token), data={"sure": "yes", "choice": "less:always"})
            assert answer.status_code == 404, (route.path, name)
        if purpose in EXPIRING:
            expired = signer.sign(purpose, story.ann, expires_at=now)
            assert client.post(filled(route.path, expired)).status_code == 410, route.path
    assert story.site.dump() == before


def test_another_site_cannot_press_a_button(story: Story) -> None:
    before = story.site.dump()
    for route in held(story):
        path = filled(route.path, story.site.token(own_purpose(route.path), story.ann))
        for headers in FOREIGN:
            answer = story.site.client.post(path, headers=headers, data={"sure": "yes", "pause": "1w"})
            assert answer.status_code == 403, (route.path, headers)
    assert story.site.dump() == before


def test_our_own_form_is_not_mistaken_for_another_site(story: Story) -> None:
    path = story.path(Purpose.PREFERENCES) + "/pause"
    own = (
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": story.site.url},
        {"Origin": "null"},
        {},
    )
    for headers in own:
        assert story.site.client.post(path, headers=headers, data={"pause": "1w"}).status_code == 303


def test_a_link_of_old_version_opens_nothing(story: Story) -> None:
    with story.site.db.write() as session:
        session.merge(story.person()).token_version = 1
    before = story.site.dump()
    for purpose in (Purpose.PREFERENCES, Purpose.ACCOUNT, Purpose.MUTE):
        path = story.path(purpose) + ("?a=1" if purpose is Purpose.MUTE else "")
        assert story.site.client.get(path).status_code == 410
        answer = story.site.client.post(path, data={"choice": "less:always", "action": "renew_feed"})
        assert answer.status_code == 410
    assert story.site.dump() == before


def test_somebody_elses_request_adds_nothing_to_a_page(story: Story) -> None:
    story.sign_up("ben@example.org", topic=["raumfahrt"])
    request = story.one(SignupRequest)
    page = story.site.client.get(f"{story.path(Purpose.PREFERENCES)}?add={request.public_id}")
    assert 'value="raumfahrt" checked' not in page.text


def test_test_tokens_work_everywhere_and_write_nothing(story: Story) -> None:
    before = story.site.dump()
    for route in (one for one in changing(story) if "{token}" in one.path):
        token = story.site.token(own_purpose(route.path), story.ann, is_test=True)
        answer = story.site.client.post(
            filled(route.path, token), data={"sure": "yes", "choice": "less:always"}
        )
        assert (answer.status_code, "Das war ein Test" in answer.text) == (200, True), route.path
    for purpose in (Purpose.CONFIRM, Purpose.PREFERENCES, Purpose.UNSUBSCRIBE, Purpose.MUTE, Purpose.VIEW):
        assert "Das war ein Test" in story.site.client.get(story.path(purpose, is_test=True)).text
    assert story.site.dump() == before


def test_a_wrong_method_names_the_right_ones(story: Story) -> None:
    for route in routes(story):
        path = filled(route.path, story.site.token(Purpose.UNSUBSCRIBE, story.ann))
        answer = story.site.client.request("DELETE", path)
        assert answer.status_code == 405, route.path
        allowed = set(answer.headers["allow"].split(", "))
        assert route.methods <= allowed
        if "POST" not in allowed:
            assert story.site.client.post(path).status_code == 405


def test_every_answer_carries_the_headers_of_its_kind(story: Story) -> None:
    for route in routes(story):
        purpose = Purpose.FEED if route.path.startswith("/feed") else Purpose.VIEW
        if route.path.split("/")[1] in {"confirm", "p", "u", "m"}:
            purpose = own_purpose(route.path)
        path = filled(route.path, story.site.token(purpose, story.ann))
        for method in sorted(route.methods):
            answer = story.site.client.request(method, path)
            headers = answer.headers
            assert answer.status_code < 500 or route.path == "/readyz", route.path
            assert {name: headers.get(name) for name in COMMON} == COMMON, route.path
            assert "set-cookie" not in headers
            assert "default-src 'none'" in headers["content-security-policy"]
            if "{token}" in route.path:
                assert headers["x-robots-tag"] == "noindex", route.path
                assert "no-store" in headers["cache-control"] or "private" in headers["cache-control"]


def test_head_is_get_without_a_body(story: Story) -> None:
    for path in ("/", "/subscribe", "/healthz", story.path(Purpose.UNSUBSCRIBE)):
        head, get = story.site.client.head(path), story.site.client.get(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["content-type"] == get.headers["content-type"]


def links(story: Story) -> list[str]:
    """Links of every kind, genuine and not, some with something behind them."""
    story.sign_up()
    paths = [
        story.confirm_path(),
        f"{story.path(Purpose.MUTE)}?a=1",
        f"{story.path(Purpose.PREFERENCES)}?done=saved",
    ]
    for purpose in set(Purpose) - {Purpose.CONFIRM, Purpose.FORM}:
        paths += [
            story.path(purpose),
            story.path(purpose, new_public_id()),
            story.path(purpose, is_test=True),
        ]
    return [
        *paths,
        *(filled(route.path, "x") for route in routes(story)),
        f"/u/{story.site.token(Purpose.FORM, NO_SUBJECT)}",
    ]


def look_around(story: Story, times: int) -> None:
    rng, paths, client = random.Random(7), links(story), story.site.client
    before = story.site.dump()
    words = [
        "",
        "?action=save",
        "?choice=less:always&a=1",
        "?email=x@example.org",
        "?lang=en",
        "/undo",
        "/erase?sure=yes",
        "?%00",
        "?a=999",
    ]
    for _ in range(times):
        path, method = rng.choice(paths) + rng.choice(words), rng.choice(["GET", "GET", "HEAD"])
        answer: Any = client.request(method, path, headers={"Accept-Language": rng.choice(["de", "en", "*"])})
        assert answer.status_code < 500 or path.startswith("/readyz"), path
    assert story.site.dump() == before


def test_looking_changes_nothing_and_uses_no_link_up(story: Story) -> None:
    look_around(story, 200)
    assert story.site.client.post(story.confirm_path()).status_code == 200
    assert "Du bist abgemeldet" in story.site.client.post(story.path(Purpose.UNSUBSCRIBE)).text


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_ten_thousand_looks_change_nothing(story: Story) -> None:
    look_around(story, 10_000)
