"""Which feeds share a server, as far as politeness is concerned. Pure.

A host here is a registrable domain by a small rule instead of a public-suffix list: grouping too much only makes
us slower, never ruder.
"""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

# Labels under which registries sell names of three parts (example.co.uk).
_SECOND_LEVEL: Final = frozenset(
    {"ac", "co", "com", "edu", "go", "gob", "gov", "gv", "ltd", "ne", "net", "or", "org"}
)


def host_key(url: str) -> str:
    """Name the host that all politeness rules count by; "" if the text is no URL with a host."""
    try:
        name = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return registrable(name)


def registrable(name: str) -> str:
    """Shorten a host name to the part a publisher owns; an IP address and a single label stay whole."""
    name = name.rstrip(".").lower()
    if _is_address(name):
        return name
    labels = name.split(".")
    is_deep = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3 if is_deep else -2 :])


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
