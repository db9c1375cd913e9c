"""Mail addresses, pure: which texts we can write to, their one canonical form, and how pages may show them.

The only module that knows email-validator. No question is asked of the DNS.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from subscribers.errors import AddressError

MAX_OCTETS = 254
MAX_LOCAL_OCTETS = 64
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# An unquoted local part of RFC 5321, ASCII only: we never ask a server for SMTPUTF8.
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
# What browsers' address mapping would silently turn into a dot.
_OTHER_DOTS = frozenset("\u3002\uff0e\uff61")


class AddressProblem(StrEnum):
    """Why a text is no address we can write to; the `code` of an AddressError."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    CHARACTERS = "characters"
    NO_AT = "no_at"
    LOCAL_PART = "local_part"
    DOMAIN = "domain"


@dataclass(frozen=True, slots=True)
class Address:
    """A mail address: `address` as it is written to (domain as A-label), `key` the form that is unique."""

    address: str
    key: str


def canonical(text: str) -> Address:
    """The one form of an address; raises AddressError for everything a sign-up form must not take.

    Accepted: an ASCII dot-atom of at most 64 octets, `@`, a public host name (IDNA 2008), 254 octets in all. Blanks
    around it are dropped. Refused: display names, quotes, comments, IP literals, controls, look-alike characters.
    The local part keeps its case in `address` and loses it in `key`.
    """
    text = text.strip(" ")
    local, domain = _parts(text)
    host = _host(domain)
    address = f"{local}@{host}"
    if len(address) > MAX_OCTETS:
        raise AddressError(AddressProblem.TOO_LONG)
    return Address(address, address.lower())


def masked(address: str) -> str:
    """An address as a page may show it: `a•••@example.org`."""
    local, _, domain = readable(address).rpartition("@")
    return f"{local[:1]}•••@{domain}"


def readable(address: str) -> str:
    """A canonical address with its domain in Unicode, for people to read."""
    if "xn--" not in address:
        return address
    checked = _validated(address)
    return f"{checked.local_part}@{checked.domain}"


def _parts(text: str) -> tuple[str, str]:
    """Local part and domain of a text that is neither empty, endless nor full of controls."""
    if not text:
        raise AddressError(AddressProblem.EMPTY)
    # Before any work on it: a form field may carry kilobytes. A Unicode domain can only grow from here.
    if len(text) > MAX_OCTETS:
        raise AddressError(AddressProblem.TOO_LONG)
    if _CONTROL.search(text):
        raise AddressError(AddressProblem.CHARACTERS)
    local, at, domain = text.rpartition("@")
    if not at:
        raise AddressError(AddressProblem.NO_AT)
    if len(local) > MAX_LOCAL_OCTETS or not _DOT_ATOM.fullmatch(local):
        raise AddressError(AddressProblem.LOCAL_PART)
    return local, domain


@lru_cache(maxsize=4096)  # many people share few domains, and the check costs 40 µs
def _host(domain: str) -> str:
    """The A-label form of a domain; a character that only looks like a letter or dot is refused, not mapped."""
    composed = unicodedata.normalize("NFC", domain)
    if unicodedata.normalize("NFKC", composed) != composed or _OTHER_DOTS & set(composed):
        raise AddressError(AddressProblem.CHARACTERS)
    # A fixed local part: only the domain is in question here.
    host = _validated(f"a@{composed}").ascii_domain
    return host.lower()


def _validated(address: str) -> ValidatedEmail:
    try:
        return validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise AddressError(AddressProblem.DOMAIN) from error
