"""Which URLs and IP addresses may be reached.

Two gates. `request_url` judges the text of an address before anything is done with it: scheme, port, length,
no password. `guarded_socket` judges the IP address that is really connected to, so literals, redirects and a
name that changes between look-up and connect all meet it. Neither says more than "not allowed": no error text
tells a stranger what our network looks like.

NetguardError
├── BlockedUrlError        the text of the address breaks the policy
└── BlockedAddressError    the host leads to an address that is not public (also an OSError, for the connector)
"""

import errno
import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from digest.feeds.urls import MAX_URL, host_of

DEFAULT_PORTS = frozenset({80, 443, 8080, 8443})

_SCHEMES = {"http": 80, "https": 443}
_REFUSED_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
# RFC 3986: what may stand in a URL as it is. A percent sign stays, so what is encoded is not encoded twice.
_URL_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"


class NetguardError(Exception):
    """Base of what this module raises."""


class BlockedUrlError(NetguardError):
    """The text of the address breaks the policy; the message says which rule."""


class BlockedAddressError(NetguardError, OSError):
    """The host leads to an address that is not public; deliberately without the address."""

    def __init__(self) -> None:
        OSError.__init__(self, errno.EACCES, "the address is not public")


def is_public(address: str) -> bool:
    """Whether one IP address, as text, may be reached; never raises, and anything else than one address may not.

    IPv4-mapped IPv6 is judged as the IPv4 address inside. Of IPv6 only global unicast passes, without the
    parts that tunnel (Teredo, 6to4), document or benchmark (IANA special-purpose registries).
    """
    text = str(address)  # a number would be read as an address
    if "%" in text:  # a zone id names an interface of ours
        return False
    try:
        parsed = ip_address(text)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        inner = parsed.ipv4_mapped
        return _is_public_v6(parsed) if inner is None else _is_public_v4(inner)
    return _is_public_v4(parsed)


def _is_public_v4(address: IPv4Address) -> bool:
    return not any(address in network for network in _REFUSED_V4)


def _is_public_v6(address: IPv6Address) -> bool:
    return address in _GLOBAL_V6 and not any(address in network for network in _REFUSED_V6)


def guarded_socket(addr_info: tuple[Any, ...]) -> socket.socket:
    """Make a socket for one `getaddrinfo` result; raises BlockedAddressError before it exists if not public."""
    family, kind, protocol, _, address = addr_info
    if not is_public(address[0]):
        raise BlockedAddressError
    return socket.socket(family=family, type=kind, proto=protocol)


def request_url(url: str, *, ports: Collection[int] = DEFAULT_PORTS, any_port: bool = False) -> str:
    """Return the address as it is requested: plain ASCII, without fragment; raises BlockedUrlError.

    http or https, an allowed port, no user name or password, host ≤ 253, URL ≤ 2,048 characters. What is
    already ASCII stays exactly as written: servers may sign their query strings.
    """
    parts = _split(url)
    host = _ascii_host(parts.hostname or "")
    port = _port(parts)
    if not any_port and port not in ports:
        raise BlockedUrlError("This port is not one we ask: DIGEST_FETCH__PORTS names them.")
    netloc = f"[{host}]" if ":" in host else host
    if port != _SCHEMES[parts.scheme]:
        netloc = f"{netloc}:{port}"
    path = quote(parts.path or "/", safe=_URL_CHARACTERS, errors="replace")
    query = f"?{quote(parts.query, safe=_URL_CHARACTERS, errors='replace')}" if parts.query else ""
    ready = f"{parts.scheme}://{netloc}{path}{query}"
    if len(ready) > MAX_URL:
        raise BlockedUrlError("The address is too long.")
    return ready


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL:
        raise BlockedUrlError("The address is too long.")
    if any(character <= " " or character in "\\\x7f" for character in url):
        raise BlockedUrlError("The address holds a character that no address has.")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise BlockedUrlError("This is no address.") from None
    if parts.scheme not in _SCHEMES:
        raise BlockedUrlError("Only addresses that begin with http:// or https:// can be asked.")
    if "@" in parts.netloc:
        raise BlockedUrlError("The address holds a user name or a password.")
    return parts


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        raise BlockedUrlError("This port is not one we ask: DIGEST_FETCH__PORTS names them.") from None
    return _SCHEMES[parts.scheme] if port is None else port


def _ascii_host(host: str) -> str:
    ready = host_of(f"http://[{host}]/" if ":" in host else f"http://{host}/")
    if not ready:
        raise BlockedUrlError("The host name is not valid.")
    return ready
