"""Everything the web refuses, as one type: a status and the reason that picks its page, never a trace.

WebError
├── Refused      the request cannot be honoured: `status`, `reason`, and what the page needs to say it well
├── Busy         503: too much is waiting, or the database is stuck; repeating is safe
└── Unguarded    a route that changes something without declaring who may: the start-up ends here
"""

from collections.abc import Mapping
from enum import StrEnum


class Reason(StrEnum):
    """Why a request is refused; each has its own words in `templates/web/error.html`."""

    BAD_REQUEST = "bad_request"
    FOREIGN = "foreign"
    NO_PAGE = "no_page"
    INVALID_LINK = "invalid_link"
    METHOD = "method"
    SLOW = "slow"
    EXPIRED_LINK = "expired_link"
    GONE = "gone"
    TOO_LARGE = "too_large"
    MEDIA_TYPE = "media_type"
    INVALID = "invalid"
    LIMITED = "limited"
    BUSY = "busy"
    FAULT = "fault"


class WebError(Exception):
    """Base of what this room raises on purpose."""


class Refused(WebError):
    """The request cannot be honoured; `status` and `reason` choose the page, `headers` go out with it."""

    def __init__(
        self,
        status: int,
        reason: Reason,
        *,
        headers: Mapping[str, str] | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.headers = dict(headers or {})
        self.facts = dict(facts or {})


class Busy(Refused):
    """Nothing was promised and nothing is lost: the same request may simply come again."""

    def __init__(self) -> None:
        super().__init__(503, Reason.BUSY, headers={"Retry-After": "5"})


class Unguarded(WebError):
    """A route changes something and does not say who may; the service must not start."""
