"""Links from previews and test mails: their pages and buttons work, say so, and change nothing."""

from starlette.requests import Request
from starlette.responses import Response

from digest.web.pages import page


def rehearsed(request: Request) -> Response:
    """The one page that every link and button of a test mail leads to."""
    return page(request, "rehearsal")
