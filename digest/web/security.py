"""Who may change something, and what every answer says to the browser.

A route that changes anything declares one guard; `require_guards` ends the start-up if one does not. `Open` uses no
authority, so its answer is the same for everybody. `Held` needs a genuine link and a page of ours as its origin. `OneClick`
needs the link alone, from anywhere: a mail program presses that button (RFC 8058).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.routing import BaseRoute

from digest.web.errors import Reason, Refused, Unguarded
from digest.web.limits import Scope
from digest.web.site import site_of
from digest.web.writer import Lane
from subscribers.errors import ExpiredToken, InvalidToken
from subscribers.tokens import Claims, Purpose, Signer, trimmed

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Base of the three guards; an instance stands in `Depends` of exactly the routes that change something."""


@dataclass(frozen=True, slots=True)
class Open(Guard):
    """Anybody may ask, nobody learns anything; refused early while too much waits."""

    lane: Lane = Lane.VITAL

    async def __call__(self, request: Request) -> None:
        """Raise Busy while the lane is full."""
        site_of(request).writer.require_room(self.lane)


@dataclass(frozen=True, slots=True)
class Link:
    """Reads the token of a page that only shows something; `purposes` are tried in their order."""

    purposes: tuple[Purpose, ...]

    async def __call__(self, request: Request, token: str) -> Claims:
        """Return what a genuine link says; raise Refused with 404 for a forged and 410 for an expired one."""
        return claims_of(request, token, self.purposes)


@dataclass(frozen=True, slots=True)
class Held(Guard):
    """The link is the login, and the button stands on our own page."""

    purposes: tuple[Purpose, ...]

    async def __call__(self, request: Request, token: str) -> Claims:
        """Return what the link says; raise Refused with 403 when another site presses the button."""
        site = site_of(request)
        if not is_own_page(request.headers, own=site.origin):
            raise Refused(403, Reason.FOREIGN)
        claims = claims_of(request, token, self.purposes)
        site.writer.require_room(Lane.VITAL)
        return claims


@dataclass(frozen=True, slots=True)
class OneClick(Guard):
    """A mail program presses this button: no origin, no body, no login is asked for (RFC 8058)."""

    async def __call__(self, request: Request, token: str) -> Claims:
        """Return what the link says; raise Refused with 404 for a forged one."""
        claims = claims_of(request, token, (Purpose.UNSUBSCRIBE,))
        site_of(request).writer.require_room(Lane.VITAL)
        return claims


def claims_of(request: Request, token: str, purposes: Iterable[Purpose]) -> Claims:
    """What a token says; guessing is counted against the network, but never where somebody wants to leave."""
    site = site_of(request)
    try:
        return read_token(site.signer, token, purposes, now=site.now())
    except ExpiredToken:
        raise Refused(410, Reason.EXPIRED_LINK) from None
    except InvalidToken:
        if Purpose.UNSUBSCRIBE not in purposes:
            site.limits.hit_near(Scope.INVALID_TOKEN, site.client(request), now=site.now())
        raise Refused(404, Reason.INVALID_LINK) from None


def read_token(signer: Signer, token: str, purposes: Iterable[Purpose], *, now: datetime) -> Claims:
    """The claims of the first purpose the token was made for; raises InvalidToken or ExpiredToken."""
    text = trimmed(token)
    for purpose in purposes:
        try:
            return signer.read(purpose, text, now=now)
        except InvalidToken:
            continue
    raise InvalidToken


def is_own_page(headers: Headers, *, own: str) -> bool:
    """Whether a page of ours, or no page at all, sent this.

    Origin alone is not enough: under `no-referrer` Chromium sends our own form with `Origin: null`.
    """
    fetch_site = headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site in {"same-origin", "none"}
    return headers.get("origin", own) in {own, "null"}


def require_guards(routes: Iterable[BaseRoute]) -> None:
    """Raise Unguarded for the first route that could change something and names no guard, or more than one."""
    for route in routes:
        methods = set(getattr(route, "methods", None) or {"*"}) - SAFE_METHODS
        if methods and len(guards_of(route)) != 1:
            path = getattr(route, "path", repr(route))
            raise Unguarded(f"{'/'.join(sorted(methods))} {path} must declare exactly one guard")


def guards_of(route: BaseRoute) -> list[Guard]:
    """The guards a route declares."""
    if not isinstance(route, APIRoute):
        return []
    calls: list[object] = [one.call for one in route.dependant.dependencies]
    return [call for call in calls if isinstance(call, Guard)]
