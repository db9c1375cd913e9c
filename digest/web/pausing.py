"""A pause has an end: a week, two, a month, or a day within a year; afterwards it goes on by itself."""

from datetime import date, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from digest.delivery import outbox
from digest.delivery.models import Reason as DeliveryReason
from digest.web import wishes
from digest.web.centre import centre_page
from digest.web.forms import Fields, read_fields
from digest.web.messages import Say
from digest.web.pages import see_other
from digest.web.rehearsal import rehearsed
from digest.web.security import Held
from digest.web.site import site_of
from digest.web.visit import EITHER, Visit
from subscribers import pause
from subscribers.preferences import Preferences
from subscribers.tokens import Claims

router = APIRouter()
LONGEST = timedelta(days=365)
SPANS = {"1w": timedelta(weeks=1), "2w": timedelta(weeks=2), "1m": timedelta(days=30)}


@router.post("/p/{token}/pause")
async def take_break(
    request: Request, token: str, claims: Annotated[Claims, Depends(Held(EITHER))]
) -> Response:
    """Pause until a day, or resume."""
    visit, fields = Visit(site_of(request), claims, token), await read_fields(request)
    if claims.is_test:
        return rehearsed(request)
    if fields.one("pause") == "resume":
        await visit.write(lambda session, have: pause.resume(session, have.public_id))
        return see_other(request, visit.path, done="resumed")
    have = await visit.site.read(visit.load)
    until = last_day(fields, today=visit.site.now().astimezone(ZoneInfo(have.settings.timezone)).date())
    if until is None:
        error = wishes.FieldError("until", Say.BAD_DATE)
        return await centre_page(request, visit, have, sent=fields, errors=[error])
    await visit.write(lambda session, have: hold(visit, session, have, until))
    return see_other(request, visit.path)


def last_day(fields: Fields, *, today: date) -> date | None:
    """The day a pause lasts until: a span or a date, between tomorrow and a year from today; None for anything else."""
    if (span := SPANS.get(fields.one("pause"))) is not None:
        return today + span
    try:
        until = date.fromisoformat(fields.one("until"))
    except ValueError:
        return None
    return until if timedelta() < until - today <= LONGEST else None


def hold(visit: Visit, session: Session, have: Preferences, until: date) -> None:
    """Pause, and take back what waits to be sent."""
    if pause.pause(session, have.public_id, until=until):
        outbox.withdraw(session, have.subscriber_id, now=visit.site.now(), reason=DeliveryReason.PAUSED)
