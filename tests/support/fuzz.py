"""Random requests to every operation of an app, made by schemathesis from its OpenAPI and from what our fields look like.

The app describes its routes; what a form may hold is said here, with strategies that know where queries, addresses and
tokens break: quotes, operators, look-alikes, cut and foreign tokens.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

FORM = "application/x-www-form-urlencoded"
# What a page or feed of ours may answer; 5xx but a busy 503 is a fault.
DOCUMENTED = frozenset({200, 202, 204, 303, 304, 400, 403, 404, 405, 408, 410, 413, 415, 422, 429, 503})
_ODD = st.sampled_from(
    ["'", '"', "\\", "%", "_", ";--", "\u2019", "\u0000", "\r\n", "(", ")", "-", "*", "\u202e", "é"]
)
QUERY = st.lists(
    _ODD | st.text(max_size=8) | st.sampled_from(["KI", "in:title", "OR", "lang:de"]), max_size=6
).map(" ".join)
ADDRESS = (
    st.builds(
        "{}@{}".format,
        st.text(alphabet="abcXYZ.+-_'\"()\\ \u00e9\u200b", max_size=70),
        st.sampled_from(
            [
                "example.org",
                "bücher.example",
                "localhost",
                "[127.0.0.1]",
                "example.org\r\nBcc: a@b.example",
                "",
            ]
        ),
    )
    | st.text(max_size=20)
    | st.just("ben@example.org")
)


def tokens(genuine: Sequence[str]) -> st.SearchStrategy[str]:
    """Genuine tokens, whole, cut, changed and extended, and nonsense of their length."""
    one = st.sampled_from(list(genuine))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return (
        one
        | st.builds(lambda text, at: text[:at], one, st.integers(1, 55))
        | st.builds(
            lambda text, at, by: text[:at] + by + text[at + 1 :],
            one,
            st.integers(0, 49),
            st.sampled_from(alphabet),
        )
        | st.text(alphabet=alphabet, min_size=50, max_size=55)
    )


def described(
    app: FastAPI, forms: Mapping[str, Mapping[str, Any]], queries: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The app's OpenAPI with what handlers read themselves: the form of each POST, the queries, every status we document."""
    spec = app.openapi()
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            operation["responses"] = {str(status): {"description": ""} for status in sorted(DOCUMENTED)}
            for parameter in operation.setdefault("parameters", []):
                parameter["schema"] = {"type": "string", "format": f"our-{parameter['name']}", "minLength": 1}
            operation["parameters"] += [
                {"in": "query", "name": name, "schema": schema}
                for name, schema in queries.get(path, {}).items()
            ]
            if method == "post":
                form = {"type": "object", "properties": dict(forms[path]), "additionalProperties": False}
                content = {kind: {"schema": form} for kind in (FORM, "application/json")}
                operation["requestBody"] = {"content": content}
    return spec


def faults(spec: Mapping[str, Any], client: httpx.Client, *, examples: int, method: str = "") -> list[str]:
    """What answers were not documented, as `POST /path 500`; `examples` requests to each operation, or each of a method."""
    found: list[str] = []
    operations = [one.ok() for one in schemathesis.openapi.from_dict(dict(spec)).get_all_operations()]
    for operation in (one for one in operations if method in {"", one.method}):
        _drive(operation, _asker(client, operation, found), examples=examples)
    return sorted(set(found))


def _drive(operation: Any, ask: Callable[[Any], None], *, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        ask(case)

    run()


def _asker(client: httpx.Client, operation: Any, found: list[str]) -> Callable[[Any], None]:
    def ask(case: Any) -> None:
        try:
            request = client.build_request(**_arguments(case))
        except (ValueError, TypeError, httpx.InvalidURL):  # nothing a client could send
            return
        try:
            status: object = client.send(request).status_code
        except httpx.ReadTimeout:
            status = f"no answer within a minute to {request.url} {request.content!r}"
        if status not in DOCUMENTED:
            found.append(f"{operation.method.upper()} {operation.path} {status}")

    return ask


def _arguments(case: Any) -> dict[str, Any]:
    path = case.path
    for name, value in (case.path_parameters or {}).items():
        path = path.replace("{" + name + "}", quote(str(value), safe="", errors="surrogatepass"))
    body = case.body if isinstance(case.body, dict) else {}
    shape = (
        {"data": {name: _text(value) for name, value in body.items()}}
        if case.media_type == FORM
        else {"json": body}
    )
    # Drawing may take longer than the server keeps an idle connection: each request has its own.
    asked = {
        "method": case.method,
        "url": path,
        "headers": {"Connection": "close"},
        "params": case.query or {},
    }
    return asked | (shape if case.method == "POST" else {})


def _text(value: Any) -> Any:
    return [str(one) for one in value] if isinstance(value, list) else str(value)
