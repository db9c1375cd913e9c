"""What every answer tells the browser: what may run, what may be framed, what may be kept."""

from collections.abc import Iterable

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
)
MAIL_POLICY = (
    "default-src 'none'; img-src https: data:; style-src 'unsafe-inline'; frame-ancestors 'none'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
)
"""For what came from feeds and editors: scripts stay dead, links open, nothing can be submitted."""


def page_headers(*, is_https: bool) -> dict[str, str]:
    """What every answer carries unless it says otherwise itself."""
    headers = {
        "Content-Security-Policy": PAGE_POLICY.format(ancestors="'none'"),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    return headers | {"Strict-Transport-Security": "max-age=31536000"} if is_https else headers


PRIVATE_HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
"""For every page behind a token: kept by no cache, found by no search engine."""

Raw = list[tuple[bytes, bytes]]


def raw(headers: dict[str, str]) -> Raw:
    """Headers as ASGI sends them."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def completed(given: Iterable[tuple[bytes, bytes]], defaults: Raw) -> Raw:
    """What an answer says itself, and the defaults for all it does not mention."""
    own = list(given)
    named = {name for name, _ in own}
    return own + [header for header in defaults if header[0] not in named]
