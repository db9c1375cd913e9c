"""Every page in every state a reader can meet, by name: where it is, what to fill in and which button to press."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from digest.web.errors import Reason
from subscribers.tokens import Purpose
from tests.browser.web.world import ARTICLE_URL, World

STATUSES: Mapping[Reason, int] = MappingProxyType(
    {
        Reason.BAD_REQUEST: 400, Reason.FOREIGN: 403, Reason.NO_PAGE: 404, Reason.INVALID_LINK: 404, Reason.METHOD: 405,
        Reason.SLOW: 408, Reason.EXPIRED_LINK: 410, Reason.GONE: 410, Reason.TOO_LARGE: 413, Reason.MEDIA_TYPE: 415,
        Reason.INVALID: 422, Reason.LIMITED: 429, Reason.FAULT: 500, Reason.BUSY: 503,
    }
)  # fmt: skip
SAVE, SHOW, FIRST = ".bar button", "button[value=preview] >> nth=0", "main form button >> nth=0"


@dataclass(frozen=True, slots=True)
class State:
    """A page to look at; `is_mail` marks the sandboxed ones, which hold what came from feeds."""

    name: str
    path: str
    press: str = ""
    fill: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    is_mail: bool = False


def states(world: World) -> Iterator[State]:
    """All of them; each button is pressed by a reader of its own, so their order does not matter."""
    yield from _arriving(world)
    yield from _confirming(world)
    yield from _choosing(world)
    yield from _acting(world)
    yield from _leaving(world)
    yield from _reading(world)
    for reason, status in STATUSES.items():
        yield State(f"error-{status}-{reason}", f"/refuse/{reason}", status=status)


def _arriving(world: World) -> Iterator[State]:
    email = f"new.{world.lang}@example.org"
    similar = f"/subscribe/similar?url={ARTICLE_URL}"
    yield State("home", "/")
    yield State("subscribe", "/subscribe")
    yield State("subscribe-single", "/subscribe?topic=ki")
    yield State("subscribe-errors", "/subscribe", FIRST, {"#query": "(("}, status=422)
    yield State("subscribe-matches", "/subscribe", SHOW, {"#query": "Windkraft"})
    yield State("subscribe-no-match", "/subscribe", SHOW, {"#query": "Kartoffelsalat"})
    yield State("check-inbox", "/subscribe?topic=ki", FIRST, {"#email": email})
    yield State("similar", similar)
    yield State("similar-matches", similar, SHOW)
    yield State("similar-errors", similar, FIRST, status=422)
    yield State("similar-unknown", "/subscribe/similar?url=https://other.example.org/x")
    yield State("manage", "/manage")
    yield State("manage-error", "/manage", FIRST, {"#email": "ann@"}, status=422)
    yield State("manage-sent", "/manage", FIRST, {"#email": email})
    yield State("frame", "/embed/form")
    yield State("frame-errors", "/embed/form", FIRST, status=422)
    yield State("frame-sent", "/embed/form?topic=ki", FIRST, {"#email": email})


def _confirming(world: World) -> Iterator[State]:
    yield State("confirm", world.confirmation("newcomer"))
    yield State("confirm-address", world.confirmation("moving"))
    yield State("confirmed", world.confirmation("pressing"), FIRST)
    yield State("confirmed-again", world.confirmation("pressing"))
    yield State("confirm-cancelled", world.confirmation("refusing"), "button[value=cancel]")
    yield State("confirm-expired", world.confirmation("old"), status=410)
    yield State("address-changed", world.confirmation("moving"), FIRST)


def _choosing(world: World) -> Iterator[State]:
    ann, idle = world.link(Purpose.PREFERENCES, "ann"), world.link(Purpose.PREFERENCES, "idle")
    account = world.link(Purpose.ACCOUNT, "ann")
    yield State("preferences", ann)
    yield State("preferences-added", f"{ann}?add={world.requests['ann']}")
    yield State("preferences-matches", ann, SHOW, {"#query": "Windkraft"})
    yield State("preferences-errors", account, SAVE, {"#query": "((", "#words": "-"}, status=422)
    yield State("preferences-saved", ann, SAVE)
    yield State("preferences-removed", f"{ann}?done=saved&removed=Windkraft+-Nordsee%0AChip")
    yield State("preferences-no-topic", idle)
    yield State("preferences-paused", world.link(Purpose.PREFERENCES, "ben"))
    yield State("preferences-resumed", world.link(Purpose.PREFERENCES, "muter"), "button[value='1w']")
    yield State("preferences-date-error", ann, "button[value=date]", status=422)
    yield State("preferences-left", world.link(Purpose.PREFERENCES, "late"))
    yield State("account", account)
    yield State("account-email-error", account, "form[action*=email] button", status=422)
    yield State("account-erase-error", account, ".danger", status=422)
    yield State("account-left", world.link(Purpose.ACCOUNT, "late"))


def _acting(world: World) -> Iterator[State]:
    ann, eraser = world.link(Purpose.PREFERENCES, "ann"), world.link(Purpose.ACCOUNT, "eraser")
    new = f"newer.{world.lang}@example.org"
    yield State("preferences-link-sent", ann, "form[action*=export] button")
    yield State("account-change-sent", eraser, "form[action*=email] button", {"#email": new})
    yield State("account-erased", eraser, ".danger", {"[name=sure]": "on"})
    mute = f"{world.link(Purpose.MUTE, 'muter')}?a=1"
    yield State("mute", mute)
    yield State("muted", mute, "button[value='source:7']")
    yield State("muted-less", mute, "button[value='less:always']")
    yield State("muted-dropped", mute, "button[value='topic:always']")
    yield State("rehearsal", world.link(Purpose.MUTE, "muter", is_test=True))


def _leaving(world: World) -> Iterator[State]:
    leaver, cleo = world.link(Purpose.UNSUBSCRIBE, "leaver"), world.link(Purpose.UNSUBSCRIBE, "cleo")
    yield State("unsubscribe", leaver)
    yield State("unsubscribed", leaver, FIRST)
    yield State("unsubscribed-thanks", leaver, "form[action*=reason] button", {"[value=technical]": "on"})
    yield State("undone", cleo, "form[action*=undo] button")
    yield State("undone-asked", world.link(Purpose.UNSUBSCRIBE, "late"), "form[action*=undo] button")
    yield State("undone-late", world.link(Purpose.UNSUBSCRIBE, "former"), "form[action*=undo] button")


def _reading(world: World) -> Iterator[State]:
    yield State("archive", "/archive")
    yield State("archive-empty", "/archive?before=2000-01-01")
    yield State("archive-day", "/archive/2026-11-22", is_mail=True)
    assert world.content is not None
    yield State("view", world.story.path(Purpose.VIEW, world.content), is_mail=True)
