"""The demo's inbox in the browser: caught mails newest first, each as mail, on a phone, as text and as it travelled.

Works without JavaScript. A mail is a stranger's markup: it is shown in a sandboxed frame under a policy that runs
nothing and sends nothing, and its links open in a new tab.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from html import unescape
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from digest.demo.mailbox import CaughtMail, Mailbox
from digest.demo.pages import HEADERS, Html, asset, join, page
from digest.demo.words import INBOX, preferred

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
_PREHEADER: Final = re.compile(r'<div class="preheader"[^>]*>(.*?)</div>', re.DOTALL)
_LINK: Final = re.compile(r"https?://\S+")


class View(StrEnum):
    """How a mail is shown."""

    MAIL = "mail"
    PHONE = "phone"
    TEXT = "text"
    SOURCE = "source"


@dataclass(slots=True)
class Inbox:
    """The pages over one mailbox.

    `figures` say what the demo did (word to number), `places` where to go from here (word to address); both may be
    set when they are known. Words are keys of `words.INBOX`.
    """

    mailbox: Mailbox
    figures: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)

    async def index(self, request: Request) -> Response:
        """Show the list and, where there is room, what happened and where to go from here."""
        words = _words(request)
        main = page(
            "inbox_welcome",
            **words,
            numbers=join(page("inbox_figure", word=words[w], number=n) for w, n in self.figures.items()),
            places=join(page("inbox_place", word=words[w], url=url) for w, url in self.places.items()),
        )
        return self._shell(words, words["inbox"], current=None, main=main)

    async def mail(self, request: Request) -> Response:
        """Show one mail in one of its views."""
        mail, words = self._found(request), _words(request)
        view = _view(request.query_params.get("show", ""))
        main = page(
            "inbox_mail",
            **words,
            prefix=PREFIX,
            subject=mail.subject or words["no_subject"],
            mail_language=mail.language,
            sender=mail.sender,
            recipient=mail.recipient,
            initial=_initial(mail),
            tone=_tone(mail),
            received=f"{mail.received_at:%H:%M} UTC",
            facts=join(page("inbox_fact", text=fact) for fact in _facts(mail, words)),
            tabs=join(_tab(mail, one, words, is_current=view is one) for one in View),
            shown=_shown(mail, view, words),
        )
        return self._shell(words, mail.subject, current=mail, main=main)

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

    def _shell(
        self, words: Mapping[str, str], title: str, *, current: CaughtMail | None, main: Html
    ) -> Response:
        rows = join(_row(mail, words, is_current=mail is current) for mail in self.mailbox)
        document = page(
            "inbox",
            **words,
            prefix=PREFIX,
            title=title,
            state="reading" if current else "listing",
            count=str(len(self.mailbox)),
            caught=str(self.mailbox.caught),
            rows=rows or page("inbox_empty", **words),
            main=main,
        )
        return HTMLResponse(document, headers=HEADERS | {"Vary": "Accept-Language"})


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


def _words(request: Request) -> dict[str, str]:
    return INBOX[preferred(request.headers.get("accept-language", ""))]


def _row(mail: CaughtMail, words: Mapping[str, str], *, is_current: bool) -> Html:
    return page(
        "inbox_row",
        url=f"{PREFIX}/{mail.number}",
        current="page" if is_current else "false",
        initial=_initial(mail),
        tone=_tone(mail),
        recipient=mail.recipient,
        received=f"{mail.received_at:%H:%M}",
        subject=mail.subject or words["no_subject"],
        snippet=_snippet(mail),
        mail_language=mail.language,
    )


def _view(name: str) -> View:
    return View(name) if name in set(View) else View.MAIL


def _tab(mail: CaughtMail, view: View, words: Mapping[str, str], *, is_current: bool) -> Html:
    return page(
        "inbox_tab",
        url=f"{PREFIX}/{mail.number}?show={view}",
        current="page" if is_current else "false",
        word=words[f"show_{view}"],
    )


def _shown(mail: CaughtMail, view: View, words: Mapping[str, str]) -> Html:
    url = f"{PREFIX}/{mail.number}"
    if view is View.SOURCE:
        head, _, body = mail.source.partition("\n\n")
        return page("inbox_source", **words, head=head, content=body, url=f"{url}.eml")
    if view is View.TEXT or not mail.html:
        return page("inbox_text", text=mail.text, mail_language=mail.language)
    return page("inbox_frame", **words, url=f"{url}/body", sandbox=_SANDBOX, width=view.value)


def _facts(mail: CaughtMail, words: Mapping[str, str]) -> list[str]:
    """What is worth knowing about a mail before looking at its source."""
    told = {
        "signed": bool(mail.header("DKIM-Signature")),
        "one_click": bool(mail.header("List-Unsubscribe-Post")),
        "both_parts": bool(mail.html and mail.text),
    }
    return [f"{len(mail.raw) / 1024:.0f} KB", *(words[fact] for fact, is_so in told.items() if is_so)]


def _snippet(mail: CaughtMail) -> str:
    """The preheader, as a mail program shows it; of other mails the beginning of the text."""
    preheader = _PREHEADER.search(mail.html)
    text = unescape(preheader[1]) if preheader else _LINK.sub("", mail.text)
    return _INVISIBLE.sub(" ", text).strip(" =*-")[:140]


def _initial(mail: CaughtMail) -> str:
    return mail.recipient[:1].upper() or "?"


def _tone(mail: CaughtMail) -> str:
    """One of six colours, always the same for an address."""
    return str(ord(_initial(mail)) % 6)


def _opening_new_tabs(html: str) -> str:
    return _HEAD.sub(lambda head: f'{head[0]}<base target="_blank">', html, count=1)
