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

QUICK, LONG = 6, 1000
TEXT = {"type": "string", "maxLength": 40}
FIELDS: dict[str, dict[str, Any]] = {
    "email": {"type": "string", "format": "our-address"},
    "query": {"type": "array", "items": {"type": "string", "format": "our-query"}, "maxItems": 4},
    "topic": {"type": "array", "items": {"type": "string", "enum": ["ki", "ukraine", "raumfahrt", "none", "'"]}},
    "topics": {"type": "array", "items": {"type": "string", "enum": ["ki", "'"]}, "maxItems": 2},
    "cadence": {"type": "string", "enum": ["daily", "weekly", "instant", "", "x"]},
    "weekday": {"type": "string", "enum": ["0", "6", "7", "-1", "\u0664"]},
    "time": {"type": "string", "enum": ["07:00", "7", "25:00", ""]},
    "timezone": {"type": "string", "enum": ["Europe/Berlin", "../etc/passwd", ""]},
    "action": {"type": "string", "enum": ["", "preview", "cancel", "x"]},
    "lang": {"type": "string", "enum": ["de", "en", "xx", "'"]},
    "until": TEXT, "word": TEXT, "reason": TEXT, "shown": TEXT, "started": TEXT, "wording": TEXT, "sure": TEXT,
}  # fmt: skip


def spec_of(story: Story) -> dict[str, Any]:
    """What our own app says of itself, with tokens that open some of its doors."""
    genuine = [story.site.token(purpose, story.ann) for purpose in Purpose if purpose is not Purpose.FORM]
    for name, strategy in {
        "our-address": ADDRESS,
        "our-query": QUERY,
        "our-token": tokens(genuine),
        "our-id": st.sampled_from(["2026-11-22", "2026-02-30", "0", "x", "9" * 30]),
        "our-slug": st.sampled_from(["ki", "none", "'", "own-x"]),
        "our-name": st.sampled_from(["pages.css", "..", "x"]),
    }.items():
        schemathesis.openapi.format(name, strategy.filter(bool))
    return described(story.site.app, FIELDS)


def test_no_random_request_ends_in_a_fault(story: Story) -> None:
    assert faults(story.site.app, spec_of(story), story.site.client, examples=QUICK) == []


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_random_request_of_many_ends_in_a_fault(story: Story) -> None:
    assert faults(story.site.app, spec_of(story), story.site.client, examples=LONG) == []


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


@pytest.mark.parametrize("examples", [QUICK * 10, pytest.param(LONG, marks=pytest.mark.soak)])
def test_the_search_finds_a_planted_injection(examples: int) -> None:
    schemathesis.openapi.format("our-query", QUERY.filter(bool))
    app, listener = careless(), listening()
    spec = described(app, {"query": {"type": "string", "format": "our-query"}})
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with serving(app, listener), httpx.Client(base_url=url) as client:
        assert faults(app, spec, client, examples=examples) == ["POST /search 500"]
