"""What a visitor sent: at most 64 KB, 200 fields, 10 seconds, no files; form-encoded, multipart or JSON, always UTF-8.

Whatever the encoding, a handler sees the same `Fields`. Anything else ends here with 400, 408, 413 or 415.
"""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message as AsgiMessage

from digest.web.errors import Reason, Refused

MAX_BODY = 64 * 1024
MAX_FIELDS = 200
MAX_DEPTH = 8
PATIENCE_SECONDS = 10.0
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
JSON = "application/json"
# C0 but tab and line ends, DEL, C1, lone surrogates, non-characters: no field of ours has a use for them.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Fields:
    """Named texts, in the order they came; blanks around a value are gone."""

    values: Mapping[str, tuple[str, ...]]
    is_json: bool = False

    def one(self, name: str, default: str = "") -> str:
        """The first value of a field."""
        return next(iter(self.values.get(name, ())), default)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field that is not empty."""
        return tuple(value for value in self.values.get(name, ()) if value)

    def has(self, name: str) -> bool:
        """Whether the field was sent at all: an unticked box sends nothing."""
        return name in self.values


async def read_fields(request: Request) -> Fields:
    """The fields of a request; raises Refused for a body that breaks a rule of this module."""
    kind = _media_type(request)
    body = await _read_body(request)
    if kind == JSON:
        return Fields(_collect(_json_pairs(body)), is_json=True)
    if kind == MULTIPART:
        return Fields(_collect(await _multipart_pairs(request, body)))
    return Fields(_collect(_form_pairs(body)))


def wants_json(request: Request) -> bool:
    """Whether the answer should be JSON: the body was, or nothing but JSON is accepted."""
    content_type = request.headers.get("content-type", "")
    return content_type.partition(";")[0].strip().lower() == JSON or request.headers.get("accept") == JSON


def _media_type(request: Request) -> str:
    given = request.headers.get("content-type", FORM)
    if given == FORM:
        return FORM
    header = Message()
    header["content-type"] = given
    charset, kind = header.get_param("charset", "utf-8"), header.get_content_type()
    if kind not in {FORM, MULTIPART, JSON} or str(charset).lower() not in {"utf-8", "utf8"}:
        raise Refused(415, Reason.MEDIA_TYPE)
    return kind


async def _read_body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > MAX_BODY:
        raise Refused(413, Reason.TOO_LARGE)
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_BODY:
                    raise Refused(413, Reason.TOO_LARGE)
    except (TimeoutError, ClientDisconnect):
        raise Refused(408, Reason.SLOW, headers={"Connection": "close"}) from None
    return bytes(body)


def _form_pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise Refused(400, Reason.BAD_REQUEST) from None


async def _multipart_pairs(request: Request, body: bytes) -> list[tuple[str, str]]:
    async def replay() -> AsgiMessage:
        return {"type": "http.request", "body": body, "more_body": False}

    again = Request(request.scope, receive=replay)
    try:
        async with again.form(max_files=0, max_fields=MAX_FIELDS, max_part_size=MAX_BODY) as form:
            return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    except (HTTPException, MultiPartException, ValueError, LookupError):
        raise Refused(400, Reason.BAD_REQUEST) from None


def _json_pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        parsed = json.loads(body.decode(), object_pairs_hook=_distinct)
    except (ValueError, RecursionError):
        raise Refused(400, Reason.BAD_REQUEST) from None
    if not isinstance(parsed, dict) or len(parsed) > MAX_FIELDS or is_deeper(parsed, MAX_DEPTH):
        raise Refused(400, Reason.BAD_REQUEST)
    return [(name, text) for name, value in parsed.items() for text in _texts(value)]


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose names are all different: of two values for one name, neither is meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def is_deeper(value: object, depth: int) -> bool:
    """Whether a JSON value nests more than so deep; a plain value has depth 0."""
    if not isinstance(value, dict | list):
        return False
    members = value.values() if isinstance(value, dict) else value
    return depth == 0 or any(is_deeper(one, depth - 1) for one in members)


def _texts(value: object) -> list[str]:
    """A JSON value as the texts a form would have sent; what no form can send counts as absent."""
    members = value if isinstance(value, list) else [value]
    return [str(member) for member in members if isinstance(member, str | int | float)]


def _collect(pairs: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    values: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        if _FORBIDDEN.search(value) or _FORBIDDEN.search(name):
            raise Refused(400, Reason.BAD_REQUEST)
        values[name] = (*values.get(name, ()), value.strip())
    return values
