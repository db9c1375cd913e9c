"""How much one network may ask for: counters in memory that hold no address, only keyed hashes, and forget by themselves.

What protects a mailbox is durable and lives with the people (MailAllowance); this protects the machine. A sliding window is
estimated from two fixed ones: this one's count plus the previous one's, weighted by how much of it is still in view.
"""

import hashlib
import ipaddress
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

import structlog
from limits import parse_many
from starlette.datastructures import Headers

from digest.web.errors import Reason, Refused

log = structlog.get_logger(__name__)
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Scope(StrEnum):
    """What is counted: the names of `DIGEST_LIMITS__…`, and of `digest_limited_total{limit}`."""

    SIGN_UP_SITE = "sign_up_site"
    SIGN_UP_NETWORK = "sign_up_network"
    SIGN_UP = "sign_up"
    MANAGE = "manage"
    PREVIEW = "preview"
    INVALID_TOKEN = "invalid_token"  # noqa: S105  # the name of a limit, no secret


@dataclass(slots=True)
class Window:
    """At most `most` in any `span`, per key."""

    most: int
    span: timedelta
    started_at: datetime | None = None
    current: Counter[bytes] = field(default_factory=Counter)
    previous: Counter[bytes] = field(default_factory=Counter)

    def seen(self, key: bytes, *, now: datetime) -> float:
        """How many of this key are in view now."""
        age = self._turn(now)
        return self.previous[key] * (1 - age / self.span) + self.current[key]

    def add(self, key: bytes) -> None:
        """Count one more; `seen` has moved the window to now."""
        self.current[key] += 1

    def wait(self, *, now: datetime) -> timedelta:
        """A time after which asking again makes sense."""
        return self.span - self._turn(now)

    def _turn(self, now: datetime) -> timedelta:
        """Move on to the window that holds `now` and return its age; older counts are gone."""
        if self.started_at is None:
            self.started_at = now
        passed = (now - self.started_at) // self.span
        if passed:
            self.previous = self.current if passed == 1 else Counter()
            self.current = Counter()
            self.started_at += passed * self.span
        return now - self.started_at


class Limits:
    """Every counter of this process; `hit` counts and refuses with 429.

    `rules` are written in the syntax of the `limits` library ("10/10 minutes; 50/day"); an empty text switches one off.
    """

    def __init__(self, rules: Mapping[Scope, str]) -> None:
        self._salt = secrets.token_bytes(16)
        self._is_told = False
        self._windows = {scope: _windows(rules.get(scope, "")) for scope in Scope}

    def hit(self, scope: Scope, key: str, *, now: datetime) -> None:
        """Count one more for this key; raises Refused(429) when that is too many."""
        windows = self._windows[scope]
        hashed = self._hashed(key)
        for window in windows:
            if window.seen(hashed, now=now) + 1 > window.most:
                raise _too_many(scope, window.wait(now=now))
        for window in windows:
            window.add(hashed)

    def share(self, scope: Scope, key: str, *, now: datetime) -> float:
        """How much of its limit this key has used up, 0 to 1; without a limit 0."""
        hashed = self._hashed(key)
        used = [window.seen(hashed, now=now) / window.most for window in self._windows[scope]]
        return max(used, default=0.0)

    def hit_sign_up(self, client: str | None, *, now: datetime) -> None:
        """Count a sign-up against the site and the client's networks."""
        self.hit(Scope.SIGN_UP_SITE, "", now=now)
        self.hit_networks(client, now=now)

    def hit_networks(self, client: str | None, *, now: datetime) -> None:
        """Count a sign-up against both sizes of the client's network; an unknown client has none, which is told once."""
        if client is None:
            self._tell_once()
            return
        self.hit(Scope.SIGN_UP_NETWORK, network(client, wide=True), now=now)
        self.hit(Scope.SIGN_UP, network(client), now=now)

    def hit_near(self, scope: Scope, client: str | None, *, now: datetime) -> None:
        """Count against the client's near network, if it is known."""
        if client is not None:
            self.hit(scope, network(client), now=now)

    def _tell_once(self) -> None:
        if not self._is_told:
            self._is_told = True
            log.warning("network_limits_skipped", reason="no X-Forwarded-For from the proxy")

    def _hashed(self, key: str) -> bytes:
        return hashlib.blake2b(key.encode(), key=self._salt, digest_size=8).digest()


def _windows(text: str) -> list[Window]:
    if not text.strip():
        return []
    return [Window(rule.amount, timedelta(seconds=rule.get_expiry())) for rule in parse_many(text)]


def _too_many(scope: Scope, wait: timedelta) -> Refused:
    seconds = max(1, round(wait.total_seconds()))
    facts = {"minutes": -(-seconds // 60), "limit": scope.value}
    return Refused(429, Reason.LIMITED, headers={"Retry-After": str(seconds)}, facts=facts)


def network(address: str, *, wide: bool = False) -> str:
    """The network of a client: IPv4 address or IPv6 /64; `wide`: IPv4 /24 or IPv6 /48."""
    ip = _unmapped(address)
    prefix = (24 if wide else 32) if ip.version == 4 else (48 if wide else 64)
    return str(ipaddress.ip_network((ip, prefix), strict=False))


def client_address(peer: str | None, headers: Headers, proxies: Iterable[Network]) -> str | None:
    """Whose request this is, as text; None when only a proxy without a forwarded header is known.

    The right-most entry of X-Forwarded-For that is no proxy of ours, and only if the peer itself is one.
    """
    if peer is None or (ip := _parsed(peer)) is None:
        return None
    trusted = list(proxies)
    if not _is_among(ip, trusted):
        return str(ip)
    forwarded = headers.getlist("x-forwarded-for")
    for entry in reversed(",".join(forwarded).split(",") if forwarded else []):
        if (hop := _parsed(entry)) is None:
            return None
        if not _is_among(hop, trusted):
            return str(hop)
    return None


def _is_among(ip: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: Iterable[Network]) -> bool:
    return any(ip in one for one in networks)


@lru_cache(maxsize=64)  # nearly always a proxy of ours
def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return _unmapped(text.strip())
    except ValueError:
        return None


def _unmapped(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    ip = ipaddress.ip_address(text)
    return getattr(ip, "ipv4_mapped", None) or ip
