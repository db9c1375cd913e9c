"""From fields to wishes, and the forms that carry them."""

import contextlib
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.requests import Request

from digest.web import wishes
from digest.web.errors import Refused
from digest.web.forms import MAX_BODY, MAX_FIELDS, Fields, read_fields
from digest.web.pausing import LONGEST, last_day
from digest.web.security import is_own_page

OWN = "https://news.example.org"


def request(body: bytes, content_type: str | None = None) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", content_type.encode())] if content_type else []
    return Request(
        {"type": "http", "method": "POST", "path": "/", "headers": headers, "query_string": b""}, receive
    )


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"topic=ki&topic=mond&email=+ann%40example.org+", None),
        (b'{"topic": ["ki", "mond"], "email": " ann@example.org "}', "application/json"),
        (
            b'--x\r\nContent-Disposition: form-data; name="topic"\r\n\r\nki\r\n'
            b'--x\r\nContent-Disposition: form-data; name="topic"\r\n\r\nmond\r\n'
            b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\nann@example.org\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
    ],
)
async def test_three_encodings_mean_the_same(body: bytes, content_type: str | None) -> None:
    fields = await read_fields(request(body, content_type))
    assert fields.all("topic") == ("ki", "mond")
    assert fields.one("email") == "ann@example.org"


FILE = b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nki\r\n--x--\r\n'


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"a" * (MAX_BODY + 1), None, 413),
        (b"&".join(b"a=1" for _ in range(MAX_FIELDS + 1)), None, 400),
        (b"email=%ff", None, 400),
        (b"email=\xff", None, 400),
        (b"email=%00", None, 400),
        (b"x%1b=1", None, 400),
        (b"email=%ED%A0%80", None, 400),
        (b'{"email": "\\ud800"}', "application/json", 400),
        (b'{"email": 1, "email": 2}', "application/json", 400),
        (b"[" * 60_000, "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff{}", "application/json", 400),
        (FILE, "multipart/form-data; boundary=x", 400),
        (b"--x", "multipart/form-data", 400),
        (b"\x00" * 100, "multipart/form-data; boundary=x", 400),
        (b"<a/>", "text/xml", 415),
        (b"a=1", "application/x-www-form-urlencoded; charset=utf-16", 415),
        (b"a=1", "text/plain", 415),
    ],
)
async def test_what_is_no_form_ends_with_the_right_status(
    body: bytes, content_type: str | None, status: int
) -> None:
    with pytest.raises(Refused) as refused:
        await read_fields(request(body, content_type))
    assert refused.value.status == status


@given(
    st.binary(max_size=300),
    st.sampled_from([None, "application/json", "multipart/form-data; boundary=x", "\xe4/\xfc"]),
)
async def test_no_body_breaks_anything(body: bytes, content_type: str | None) -> None:
    with contextlib.suppress(Refused):
        assert isinstance(await read_fields(request(body, content_type)), Fields)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["email", "topic", "query", "cadence", "weekday", "extra"]), json_values)
)
async def test_json_of_the_wrong_type_is_an_error_at_its_field_and_nothing_worse(
    data: dict[str, Any],
) -> None:
    try:
        fields = await read_fields(request(json.dumps(data).encode(), "application/json"))
    except Refused:  # a control character somewhere: 400, as the table above says
        return
    errors: list[wishes.FieldError] = []
    wishes.address(fields, errors)
    wishes.topics(fields, errors, offered={"ki"})
    wishes.own_topics(fields.values.get("query", ()), errors, most=3, lang="de")
    wishes.schedule(fields, errors)
    assert all(
        error.field.split("-")[0] in {"email", "topic", "query", "cadence", "weekday"} for error in errors
    )


def test_equal_queries_are_one_topic_and_too_many_are_an_error() -> None:
    errors: list[wishes.FieldError] = []
    (own,) = wishes.own_topics(["KI  Chip", "", "Chip KI"], errors, most=3, lang="de")
    assert (own.query, own.typed, errors) == ("Chip KI", "KI  Chip", [])
    assert len(wishes.own_topics(["a1", "b1", "c1", "d1"], errors, most=3, lang="de")) == 3
    assert [error.field for error in errors] == ["query"]


def test_an_error_says_where_in_the_readers_language() -> None:
    errors: list[wishes.FieldError] = []
    wishes.own_topics(["KI", "KI OR ("], errors, most=3, lang="de")
    assert errors[0].field == "query-2"
    assert int(str(errors[0].values["position"])) >= 1


@pytest.mark.parametrize("zone", ["", "Mars/Base", "../../etc/passwd", "europe/berlin", "UTC+1"])
def test_an_unknown_zone_is_the_publishers(zone: str) -> None:
    assert wishes.timezone(Fields({"timezone": (zone,)}), default="Europe/Berlin") == "Europe/Berlin"


def test_a_time_of_day_is_never_one_that_daylight_saving_moves() -> None:
    assert (wishes.TIMES[0], wishes.TIMES[-1], len(wishes.TIMES)) == ("05:00", "22:00", 35)


@given(st.dates(), st.text(max_size=12))
def test_a_pause_ends_in_the_future_or_not_at_all(today: date, text: str) -> None:
    today = min(today, date.max - LONGEST)
    until = last_day(Fields({"until": (text,)}), today=today)
    assert until is None or today < until <= today + LONGEST


@pytest.mark.parametrize(
    ("headers", "is_own"),
    [
        ({}, True),
        ({"origin": OWN}, True),
        ({"origin": "null"}, True),
        ({"origin": "null", "sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"origin": OWN, "sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"origin": "https://evil.example.net"}, False),
        ({"origin": "http://news.example.org"}, False),
        ({"origin": "https://news.example.org.evil.example.net"}, False),
        ({"origin": "https://news.example.org:8443"}, False),
    ],
)
def test_only_our_own_page_may_press_a_button(headers: dict[str, str], is_own: bool) -> None:
    assert is_own_page(Headers(headers), own=OWN) is is_own
