"""The web app: its routes, what surrounds every answer, and the start-up that refuses an unguarded route."""

import secrets
import time
import traceback
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

import structlog
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.links import Links
from digest.runtime import Runtime
from digest.web import (
    account,
    archive,
    confirm,
    embed,
    health,
    home,
    leave,
    manage,
    mute,
    pausing,
    preferences,
    signup,
    similar,
    view,
)
from digest.web.assets import read_assets
from digest.web.catalogue import Catalogue
from digest.web.dispatch import Direct
from digest.web.embed import shared_headers
from digest.web.error_pages import STATUS_REASONS, error_answer
from digest.web.errors import Busy, Reason, Refused
from digest.web.formcache import FormCache
from digest.web.headers import PRIVATE_HEADERS, completed, page_headers, raw
from digest.web.limits import Limits
from digest.web.limits import Scope as LimitScope
from digest.web.metrics import Metrics
from digest.web.orders import OrderBook
from digest.web.proof import Proofs
from digest.web.security import require_guards
from digest.web.site import Site, networks, origin_of
from digest.web.writer import Lane, Writer

log = structlog.get_logger(__name__)
ROUTERS = (
    home,
    signup,
    similar,
    confirm,
    preferences,
    pausing,
    account,
    manage,
    leave,
    mute,
    view,
    archive,
    embed,
    health,
)


def create_app(runtime: Runtime) -> FastAPI:
    """The app of one process; raises Unguarded if a route could change something without declaring who may."""
    site = compose(runtime)
    app = FastAPI(
        title=runtime.settings.site.name,
        routes=[straightened(route) for module in ROUTERS for route in module.router.routes],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # What may be told stands in /metrics and in our log; a telemetry of its own would tell more.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        redirect_slashes=False,
        lifespan=_lifespan,
        exception_handlers={
            Refused: _refused,
            HTTPException: _http_error,
            OperationalError: _database_trouble,
        },
    )
    app.state.site = site
    app.add_middleware(Shell, site=site)
    require_guards(app.routes)
    return app


def straightened(route: BaseRoute) -> BaseRoute:
    """A route of ours without FastAPI's detours."""
    return Direct(route) if isinstance(route, APIRoute) else route


def compose(runtime: Runtime) -> Site:
    """Everything the handlers share, made once."""
    settings, metrics = runtime.settings, Metrics()
    book = OrderBook(hasher=runtime.hasher, clock=runtime.clock)
    writer = Writer(runtime.db, sign_up_all=book.write, observe=metrics.batch_size.observe)
    limits = Limits({scope: getattr(settings.limits, scope.value) for scope in LimitScope})
    for lane in Lane:
        metrics.watch_waiting(lane.value, partial(writer.waiting, lane))
    metrics.watch_feeds(runtime.db)
    return Site(
        runtime=runtime,
        writer=writer,
        limits=limits,
        metrics=metrics,
        catalogue=Catalogue(),
        forms=FormCache(),
        proofs=Proofs(
            mode=settings.signup.proof_of_work,
            limits=limits,
            clock=runtime.clock,
            secret=settings.secret_key.get_secret_value().encode(),
        ),
        assets=read_assets(settings.brand),
        proxies=networks(settings.proxies),
        origin=origin_of(settings.base_url),
        paths=Links(urlsplit(settings.base_url).path),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    writer = app.state.site.writer
    writer.start()
    yield
    await writer.close()


class Shell:
    """Around every request: HEAD is GET without body, the headers are complete, the time is taken, no error escapes."""

    def __init__(self, app: ASGIApp, *, site: Site) -> None:
        self._app = app
        self._site = site
        self._seconds = site.metrics.seconds
        self._defaults = raw(page_headers(is_https=site.origin.startswith("https:")))
        self._private = self._defaults + raw(PRIVATE_HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        inner = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        exchange = Exchange(self, inner, send, is_bodiless=scope["method"] == "HEAD")
        began = time.perf_counter()
        try:
            await self._app(inner, receive, exchange.send)
        except Exception as error:  # noqa: BLE001  # the rim of a request: a page for the reader, a line for the operator
            await exchange.fail(error, receive)
        path = template(inner)
        method = scope["method"] if scope["method"] in {"GET", "HEAD", "POST", "OPTIONS"} else "other"
        self._seconds.labels(path, method, str(exchange.status)).observe(time.perf_counter() - began)

    def complete(self, scope: Scope, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers of an answer with all that it does not say itself."""
        path = template(scope)
        if path.startswith("/subscribe"):
            origin = Headers(scope=scope).get("origin")
            return completed(headers, self._defaults) + shared_headers(self._site, origin)
        return completed(headers, self._private if "{token}" in path else self._defaults)


class Exchange:
    """One answer on its way out."""

    def __init__(self, shell: Shell, scope: Scope, send: Send, *, is_bodiless: bool) -> None:
        self.status = 0
        self._shell = shell
        self._scope = scope
        self._send = send
        self._is_bodiless = is_bodiless

    async def send(self, message: Message) -> None:
        """Pass one message on, with complete headers and, for HEAD, without its body."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": self._shell.complete(self._scope, message["headers"])}
        elif self._is_bodiless:
            message = {**message, "body": b""}
        await self._send(message)

    async def fail(self, error: Exception, receive: Receive) -> None:
        """Answer 500 with a reference that stands in the log; neither holds what the visitor sent."""
        reference = secrets.token_hex(4)
        frames = [
            f"{one.filename.rpartition('/')[2]}:{one.lineno}"
            for one in traceback.extract_tb(error.__traceback__)
        ]
        log.error(
            "web_fault",
            reference=reference,
            route=template(self._scope),
            error=type(error).__name__,
            at=frames[-6:],
        )
        if self.status:
            return
        refused = Refused(500, Reason.FAULT, facts={"id": reference})
        try:
            response: Response = error_answer(Request(self._scope, receive), refused)
        except Exception:  # noqa: BLE001  # the template may be the fault itself
            response = PlainTextResponse(f"That was our fault. Reference: {reference}", status_code=500)
        await response(self._scope, receive, self.send)


def template(scope: Scope) -> str:
    """The route of a request as it was declared, so that no token and no address stands in a log or metric."""
    return str(getattr(scope.get("route"), "path", "none"))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101  # what it is registered for
    if error.reason is Reason.EXPIRED_LINK and template(request.scope).startswith("/confirm"):
        return await confirm.gone(request)
    return error_answer(request, error)


async def _database_trouble(request: Request, error: Exception) -> Response:
    log.warning("web_database_trouble", route=template(request.scope), error=type(error).__name__)
    return error_answer(request, Busy())


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # what it is registered for
    reason = STATUS_REASONS.get(error.status_code, Reason.BAD_REQUEST)
    headers = {"Allow": allowed(request)} if error.status_code == 405 else {}
    return error_answer(request, Refused(error.status_code, reason, headers=headers))


def allowed(request: Request) -> str:
    """Every method that the routes of this address take."""
    matching = [route for route in request.app.routes if _is_for(route, request.scope)]
    methods = {method for route in matching for method in getattr(route, "methods", None) or ()}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _is_for(route: BaseRoute, scope: Scope) -> bool:
    return route.matches(scope)[0] is not Match.NONE
