"""The demo's inbox in the browser: caught mails newest first, each as mail, on a phone, as text and as it travelled.

Works without JavaScript. A mail is a stranger's markup: it is shown in a sandboxed frame under a policy that runs
nothing and sends nothing, and its links open in a new tab.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from digest.demo.mailbox import CaughtMail, Mailbox
from digest.demo.pages import HEADERS, Html, asset, join, page

PREFIX: Final = "/inbox"
"""Where the inbox is mounted."""

_SANDBOX: Final = "allow-popups allow-popups-to-escape-sandbox"
_MAIL_HEADERS: Final = {
    "Content-Security-Policy": (
        f"sandbox {_SANDBOX}; default-src 'none'; img-src 'self' http://localhost:* http://127.0.0.1:*;"
        " style-src 'unsafe-inline'; frame-ancestors 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_HEAD: Final = re.compile(r"<head[^>]*>", re.IGNORECASE)
_INVISIBLE: Final = re.compile(r"[\u00a0\u034f\u200c\s]+")
_LINK: Final = re.compile(r"https?://\S+")


class Tab(StrEnum):
    """How a mail is shown."""

    MAIL = "mail"
    PHONE = "phone"
    TEXT = "text"
    SOURCE = "source"


_TABS: Final = {Tab.MAIL: "Mail", Tab.PHONE: "Phone", Tab.TEXT: "Text", Tab.SOURCE: "Source"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """What the inbox says about the demo: figures as (number, word), places as (address, words)."""

    figures: Sequence[tuple[str, str]] = ()
    places: Sequence[tuple[str, str]] = ()


@dataclass(slots=True)
class Inbox:
    """The pages over one mailbox; `welcome` may be set when there is more to say."""

    mailbox: Mailbox
    welcome: Welcome

    async def index(self, request: Request) -> Response:  # noqa: ARG002 - Starlette hands it in
        """Show the list and, where there is room, what happened and where to go from here."""
        figures = join(
            page("inbox_figure", number=number, word=word) for number, word in self.welcome.figures
        )
        places = join(page("inbox_place", url=url, word=word) for url, word in self.welcome.places)
        main = page("inbox_welcome", figures=figures, places=places)
        return self._shell("Inbox", current=None, main=main)

    async def mail(self, request: Request) -> Response:
        """Show one mail under one of its tabs."""
        mail = self._found(request)
        tab = _tab(request.query_params.get("show", ""))
        main = page(
            "inbox_mail",
            prefix=PREFIX,
            subject=mail.subject or "(no subject)",
            sender=mail.sender,
            recipient=mail.recipient,
            initial=_initial(mail),
            tone=_tone(mail),
            received=f"{mail.received_at:%H:%M} UTC",
            facts=join(page("inbox_fact", text=fact) for fact in _facts(mail)),
            tabs=join(_tab_link(mail, one, current=tab) for one in Tab),
            body=_body(mail, tab),
        )
        return self._shell(mail.subject, current=mail, main=main)

    async def body(self, request: Request) -> Response:
        """Serve the HTML part for the frame."""
        mail = self._found(request)
        return HTMLResponse(_opening_new_tabs(mail.html), headers=_MAIL_HEADERS)

    async def raw(self, request: Request) -> Response:
        """Serve the exact bytes, to be opened in a mail program."""
        mail = self._found(request)
        name = f'attachment; filename="{mail.number:04d}.eml"'
        return Response(mail.raw, media_type="message/rfc822", headers={"Content-Disposition": name})

    async def newest(self, request: Request) -> Response:  # noqa: ARG002 - Starlette hands it in
        """Tell how many mails ever came, for the page's small script."""
        return PlainTextResponse(str(self.mailbox.caught), headers={"Cache-Control": "no-store"})

    def _found(self, request: Request) -> CaughtMail:
        mail = self.mailbox.find(request.path_params["number"])
        if mail is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "This mail is not, or no longer, in the inbox.")
        return mail

    def _shell(self, title: str, *, current: CaughtMail | None, main: Html) -> Response:
        rows = join(_row(mail, is_current=mail is current) for mail in self.mailbox)
        document = page(
            "inbox",
            prefix=PREFIX,
            title=title,
            view="reading" if current else "listing",
            count=str(len(self.mailbox)),
            caught=str(self.mailbox.caught),
            rows=rows or page("inbox_empty"),
            main=main,
        )
        return HTMLResponse(document, headers=HEADERS)


def inbox_site(inbox: Inbox) -> Starlette:
    """The inbox as an application, to be mounted at `PREFIX`."""
    return Starlette(
        routes=[
            Route("/", inbox.index),
            Route("/newest", inbox.newest),
            Route("/style.css", _style),
            Route("/script.js", _script),
            Route("/{number:int}", inbox.mail),
            Route("/{number:int}/body", inbox.body),
            Route("/{number:int}.eml", inbox.raw),
        ]
    )


async def _style(request: Request) -> Response:  # noqa: ARG001 - Starlette hands it in
    return Response(asset("inbox.css"), media_type="text/css", headers=HEADERS)


async def _script(request: Request) -> Response:  # noqa: ARG001 - Starlette hands it in
    return Response(asset("inbox.js"), media_type="text/javascript", headers=HEADERS)


def _row(mail: CaughtMail, *, is_current: bool) -> Html:
    return page(
        "inbox_row",
        url=f"{PREFIX}/{mail.number}",
        current="page" if is_current else "false",
        initial=_initial(mail),
        tone=_tone(mail),
        recipient=mail.recipient,
        received=f"{mail.received_at:%H:%M}",
        subject=mail.subject or "(no subject)",
        snippet=_snippet(mail),
        language=mail.language,
    )


def _body(mail: CaughtMail, tab: Tab) -> Html:
    match tab:
        case Tab.TEXT:
            return page("inbox_text", text=mail.text, language=mail.language)
        case Tab.SOURCE:
            return page(
                "inbox_source",
                head=mail.head,
                body=mail.source.partition("\n\n")[2],
                url=f"{PREFIX}/{mail.number}.eml",
            )
        case _:
            return page("inbox_frame", url=f"{PREFIX}/{mail.number}/body", sandbox=_SANDBOX, width=tab.value)


def _tab(name: str) -> Tab:
    return Tab(name) if name in set(Tab) else Tab.MAIL


def _tab_link(mail: CaughtMail, tab: Tab, *, current: Tab) -> Html:
    return page(
        "inbox_tab",
        url=f"{PREFIX}/{mail.number}?show={tab}",
        current="page" if tab is current else "false",
        word=_TABS[tab],
    )


def _facts(mail: CaughtMail) -> list[str]:
    """What is worth knowing about a mail before looking at its source."""
    facts = [f"{len(mail.raw) / 1024:.0f} KB"]
    if mail.header("DKIM-Signature"):
        facts.append("DKIM signed")
    if mail.header("List-Unsubscribe-Post"):
        facts.append("one-click unsubscribe")
    if mail.html and mail.text:
        facts.append("HTML and text")
    return facts


def _snippet(mail: CaughtMail) -> str:
    """The beginning of the text, without its addresses and rules."""
    return _INVISIBLE.sub(" ", _LINK.sub("", mail.text)).strip(" =*-")[:140]


def _initial(mail: CaughtMail) -> str:
    return mail.recipient[:1].upper() or "?"


def _tone(mail: CaughtMail) -> str:
    """One of six colours, always the same for an address."""
    return str(ord(_initial(mail)) % 6)


def _opening_new_tabs(html: str) -> str:
    return _HEAD.sub(lambda head: f'{head[0]}<base target="_blank">', html, count=1)
