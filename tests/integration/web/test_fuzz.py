"""Whatever comes in, the answer is a documented one and never a fault; and the same search does find a planted one."""

import sqlite3
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi import FastAPI, Request
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse, Response

from subscribers.tokens import Purpose
from tests.integration.web.conftest import Story
from tests.support.fuzz import ADDRESS, QUERY, described, faults, tokens
from tests.support.site import listening, serving

QUICK, LONG = 50, 1000
TEXT = {"type": "string", "maxLength": 40}
LANG = {"type": "string", "enum": ["de", "en", "xx", "'"]}
SLUGS = {"type": "array", "items": {"type": "string", "enum": ["ki", "ukraine", "none", "'"]}, "maxItems": 2}
QUERIES = {"type": "array", "items": {"type": "string", "format": "our-query"}, "maxItems": 4}
CHOSEN: dict[str, Any] = {
    "topic": SLUGS,
    "query": QUERIES,
    "cadence": {"type": "string", "enum": ["daily", "weekly", "instant", "", "x"]},
    "weekday": {"type": "string", "enum": ["0", "6", "7", "-1", "\u0664"]},
    "timezone": {"type": "string", "enum": ["Europe/Berlin", "../etc/passwd", ""]},
    "action": {
        "type": "string",
        "enum": ["", "preview", "save", "renew_feed", "again:ki", "invalidate", "x"],
    },
}
EMAIL = {"email": {"type": "string", "format": "our-address"}, "lang": LANG, "extra": {"enum": ["", "x"]}}
SIGN_UP = (
    CHOSEN | EMAIL | {"topics": SLUGS} | dict.fromkeys(("started", "wording", "altcha", "form", "next"), TEXT)
)
CENTRE = CHOSEN | {
    "shown": SLUGS, "mute": TEXT, "words": {"type": "string", "format": "our-query"}, "language": LANG,
    "shown_mute": {"type": "string", "enum": ["topic:ki", "word:x", "source:'", "x"]},
    "time": {"type": "string", "enum": ["07:00", "7", "25:00", ""]},
    "format": {"type": "string", "enum": ["html", "text", "x"]}, "length": {"type": "string", "enum": ["long", "'"]},
}  # fmt: skip
FORMS: dict[str, dict[str, Any]] = {
    "/subscribe": SIGN_UP,
    "/subscribe/similar": SIGN_UP,
    "/confirm/{token}": {"action": {"type": "string", "enum": ["", "cancel", "x"]}},
    "/p/{token}": CENTRE,
    "/p/{token}/pause": {"pause": {"enum": ["1w", "date", "resume", "x"]}, "until": TEXT},
    "/p/{token}/email": EMAIL,
    "/p/{token}/export": {},
    "/p/{token}/erase": {"sure": {"enum": ["yes", "no", ""]}},
    "/manage": EMAIL,
    "/u/{token}": {"List-Unsubscribe": {"enum": ["One-Click", "x"]}},
    "/u/{token}/undo": {},
    "/u/{token}/reason": {"reason": {"enum": ["technical", "other", "", "'"]}},
    "/m/{token}": {
        "choice": {"enum": ["less:always", "source:7", "undo:story:30", "topic:always", "x:", "'"]}
    },
}
ADDRESSES: dict[str, dict[str, Any]] = {
    "/subscribe": {"topic": SLUGS, "lang": LANG, "url": TEXT},
    "/subscribe/similar": {
        "url": {"type": "string", "enum": ["https://news.example.org/1", "//[", "x", "\u0000"]}
    },
    "/p/{token}": {
        "add": {"type": "string", "enum": ["x", "00000000-0000-0000-0000-000000000000"]},
        "done": TEXT,
    },
    "/m/{token}": {"a": {"type": "string", "enum": ["1", "999", "-1", "9" * 30, "\u0661", "x"]}},
    "/archive": {
        "before": {"type": "string", "enum": ["2026-11-22", "0001-01-01", "9999-12-31", "x", "\u0000"]}
    },
    "/embed/form": {"topic": SLUGS, "lang": LANG},
}


def spec_of(story: Story) -> dict[str, Any]:
    """What our own app says of itself, with tokens that open some of its doors."""
    genuine = [story.site.token(purpose, story.ann) for purpose in Purpose if purpose is not Purpose.FORM]
    for name, strategy in {
        "our-address": ADDRESS,
        "our-query": QUERY,
        "our-token": tokens(genuine),
        "our-id": st.sampled_from(["2026-11-22", "2026-02-30", "0001-01-01", "9999-12-31", "x", "9" * 30]),
        "our-slug": st.sampled_from(["ki", "none", "'", "own-x"]),
        "our-name": st.sampled_from(["pages.css", "..", "x"]),
    }.items():
        schemathesis.openapi.format(name, strategy.filter(bool))
    return described(story.site.app, FORMS, ADDRESSES)


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_random_request_ends_in_a_fault(story: Story, method: str) -> None:
    assert faults(spec_of(story), story.site.client, examples=QUICK, method=method) == []


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_random_request_of_many_ends_in_a_fault(story: Story) -> None:
    assert faults(spec_of(story), story.site.client, examples=LONG) == []


def careless() -> FastAPI:
    """An app that builds SQL from what was typed, as ours never does."""
    app = FastAPI(openapi_url=None)

    @app.post("/search")
    async def search(request: Request) -> Response:
        form = await request.form()
        typed = str(form.get("query", ""))
        with sqlite3.connect(":memory:") as database:
            database.execute(f"SELECT 1 WHERE 'x' = '{typed}'")
        return PlainTextResponse("found")

    return app


@pytest.mark.parametrize("examples", [QUICK, pytest.param(LONG, marks=pytest.mark.soak)])
def test_the_search_finds_a_planted_injection(examples: int) -> None:
    schemathesis.openapi.format("our-query", QUERY.filter(bool))
    app, listener = careless(), listening()
    spec = described(app, {"/search": {"query": {"type": "string", "format": "our-query"}}}, {})
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with serving(app, listener), httpx.Client(base_url=url) as client:
        assert faults(spec, client, examples=examples) == ["POST /search 500"]
