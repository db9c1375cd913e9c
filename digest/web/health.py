"""Is it alive, is it ready, what does it count: for machines, never with anything about a person."""

import asyncio
import hmac
from collections.abc import Mapping
from datetime import timedelta

from fastapi import APIRouter
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from digest.db import DatabaseError
from digest.delivery.models import Worker
from digest.web.errors import Reason, Refused
from digest.web.site import Site, site_of

router = APIRouter()
DATABASE_PATIENCE_SECONDS = 1.0
HEARTBEAT_AGE = timedelta(seconds=90)


@router.get("/healthz")
async def alive() -> Response:
    """The process answers; nothing else is looked at."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz")
async def ready(request: Request) -> Response:
    """Whether database, schema and worker are as they should be: 200, or 503 with the reason."""
    checks = await check(site_of(request))
    is_ready = all(result == "ok" for result in checks.values())
    return JSONResponse(
        dict(checks), status_code=200 if is_ready else 503, headers={"Cache-Control": "no-store"}
    )


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """The counters, for this machine or for the bearer of `DIGEST_METRICS__TOKEN`."""
    site = site_of(request)
    if not _may_read(request, site):
        raise Refused(404, Reason.NO_PAGE)
    text_ = await asyncio.to_thread(site.metrics.text)  # it asks the database too
    return Response(text_, media_type="text/plain; version=0.0.4; charset=utf-8")


async def check(site: Site) -> Mapping[str, str]:
    """What is right and what is not, each "ok" or a reason."""
    try:
        async with asyncio.timeout(DATABASE_PATIENCE_SECONDS):
            return await asyncio.to_thread(_look, site)
    except TimeoutError:
        return {"database": "no answer within 1 second"}
    except (DBAPIError, DatabaseError):
        return {"database": "unreachable"}


def _look(site: Site) -> Mapping[str, str]:
    with site.db.read() as session:
        session.execute(text("SELECT 1"))
        worker = _worker(site, session)
    return {"database": "ok", "schema": _schema(site), "worker": worker}


def _schema(site: Site) -> str:
    try:
        site.db.require_schema()
    except DatabaseError:
        return "run `digest db upgrade`"
    return "ok"


def _worker(site: Site, session: Session) -> str:
    newest = select(Worker.seen_at).order_by(col(Worker.seen_at).desc()).limit(1)
    seen_at = session.exec(newest).first()
    if seen_at is None:
        return "no worker has ever run"
    return "ok" if site.now() - seen_at <= HEARTBEAT_AGE else "no heartbeat for 90 seconds"


def _may_read(request: Request, site: Site) -> bool:
    token = site.settings.metrics.token.get_secret_value()
    given = request.headers.get("authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return True
    peer = request.client.host if request.client else ""
    return peer in {"127.0.0.1", "::1"} and "x-forwarded-for" not in request.headers
