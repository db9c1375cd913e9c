"""What is asked and what came back: the values of one request chain, and how an answer is judged. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urljoin

from digest.feeds.body import Body
from digest.feeds.freshness import fresh_for, retry_after
from digest.feeds.hosts import host_key
from digest.feeds.netguard import DEFAULT_PORTS
from digest.feeds.outcomes import NotAFeed, Outcome

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PERMANENT: Final = frozenset({301, 308})
_MAX_ETAG: Final = 1_024
_MAX_DATE: Final = 256
_BY_STATUS: Final = {
    401: Outcome.UNAUTHORIZED,
    403: Outcome.UNAUTHORIZED,
    404: Outcome.NOT_FOUND,
    410: Outcome.GONE,
    429: Outcome.THROTTLED,
    503: Outcome.THROTTLED,  # "come back later", not "I am broken": the whole host rests
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one fetch may cost, and how gentle it is; the defaults are the product's."""

    connect: timedelta = timedelta(seconds=5)
    first_byte: timedelta = timedelta(seconds=15)
    idle: timedelta = timedelta(seconds=10)
    chain: timedelta = timedelta(seconds=30)
    redirects: int = 5
    body_bytes: int = 10 * 2**20
    spool_bytes: int = 2**20
    concurrent: int = 32
    per_host: int = 2
    spacing: timedelta = timedelta(seconds=1)
    dns_cache: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Which addresses may be asked. `allow_private` lifts the address and port rules, nothing else."""

    ports: frozenset[int] = DEFAULT_PORTS
    allow_private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """One feed to ask for. Validators go out verbatim; `rests(host)` says which hosts are not to be asked now."""

    url: str
    now: datetime
    etag: str | None = None
    last_modified: str | None = None
    rests: Callable[[str], bool] = lambda _host: False


@dataclass(frozen=True, slots=True)
class Hop:
    """One followed redirect: its status and the absolute address it led to."""

    status: int
    url: str

    @property
    def is_permanent(self) -> bool:
        """Whether the server promised that the new address stays."""
        return self.status in _PERMANENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """How a chain ended. `outcome` is None exactly when `body` holds a document that is to be parsed.

    `url` and `host` are those of the last answer. `wait` is the server's `Retry-After`; `fresh_for` how long it
    calls the answer fresh. Validators are None unless the server sent ones that fit a header again.
    """

    outcome: Outcome | None
    url: str
    detail: str = ""
    status: int | None = None
    hops: tuple[Hop, ...] = ()
    body: Body | None = None
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    wait: timedelta | None = None
    fresh_for: timedelta | None = None
    bytes_wire: int = 0
    duration: timedelta = timedelta()

    @property
    def host(self) -> str:
        """The host that answered last, as politeness counts it."""
        return host_key(self.url)


class StopError(Exception):
    """The chain is over without a document."""

    def __init__(self, outcome: Outcome, *, detail: str = "") -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.detail = detail


@dataclass(slots=True)
class Chain:
    """What is known so far about one chain."""

    request: FetchRequest
    url: str
    left: float
    hops: list[Hop] = field(default_factory=list)
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    wire: int = 0
    body: Body | None = None
    spent: float = 0.0


def is_redirect(status: int) -> bool:
    """Whether an answer of this status leads elsewhere."""
    return status in _REDIRECTS


def follow(chain: Chain) -> None:
    """Turn the chain to where the answer points; raises StopError without a target or to plain http."""
    location = chain.headers.get("Location", "").strip()
    try:
        target = urljoin(chain.url, location) if location else ""
    except ValueError:
        target = ""
    is_downgrade = chain.url.startswith("https:") and target.lower().startswith("http:")
    if not target or is_downgrade:
        raise StopError(Outcome.BAD_REDIRECT)
    chain.hops.append(Hop(status=chain.status or 0, url=target))
    chain.url = target


def judge(chain: Chain) -> None:
    """Stop unless the answer is a document to be read."""
    status = chain.status or 0
    if status == 304 and (chain.request.etag or chain.request.last_modified):
        raise StopError(Outcome.UNCHANGED)
    if status in {200, 203}:
        return
    is_page = chain.headers.get("Content-Type", "").lower().startswith(("text/html", "application/xhtml"))
    if is_page and status in {202, 403}:
        raise StopError(Outcome.NOT_A_FEED, detail=NotAFeed.CHALLENGE)
    raise StopError(_BY_STATUS.get(status) or (Outcome.SERVER_ERROR if status >= 500 else Outcome.BAD_STATUS))


def ended(chain: Chain, outcome: Outcome | None, *, detail: str = "") -> Fetched:
    """Sum up a chain that is over."""
    headers, now = chain.headers, chain.request.now
    return Fetched(
        outcome=outcome,
        detail=detail,
        url=chain.url,
        status=chain.status,
        hops=tuple(chain.hops),
        body=chain.body,
        content_type=headers.get("Content-Type"),
        etag=_validator(headers.get("ETag"), longest=_MAX_ETAG),
        last_modified=_validator(headers.get("Last-Modified"), longest=_MAX_DATE),
        wait=retry_after(headers.get("Retry-After"), now=now),
        fresh_for=fresh_for(headers, now=now),
        bytes_wire=chain.wire,
        duration=timedelta(seconds=chain.spent),
    )


def _validator(text: str | None, *, longest: int) -> str | None:
    """Keep a validator only if it can be sent back exactly as it came."""
    if not text or not text.isascii() or not text.isprintable() or len(text) > longest:
        return None
    return text
