"""The names of the sender as its DNS would have them: address, mail server, SPF, both DKIM keys, DMARC, and the way back."""

from collections.abc import Mapping
from typing import Final

from tests.support.mailroom import keys

DOMAIN: Final = "example.org"
HOST: Final = "mx.example.org"
RECEIVER: Final = "mx.reader.example"
# Nobody is asked there. Addresses set aside for documentation would count against the mail.
IP: Final = "93.184.216.34"

Zone = Mapping[str, Mapping[str, tuple[str, ...]]]


def zone() -> Zone:
    """Every name there is: name without the last dot → type → values."""
    backwards = ".".join(reversed(IP.split(".")))
    return {
        DOMAIN: {"TXT": (f"v=spf1 ip4:{IP} -all",), "MX": (f"10 {HOST}.",), "A": (IP,)},
        HOST: {"A": (IP,), "TXT": (f"v=spf1 ip4:{IP} -all",)},
        f"news.{DOMAIN}": {"A": (IP,)},
        f"_dmarc.{DOMAIN}": {"TXT": ("v=DMARC1; p=reject; adkim=s; aspf=s",)},
        f"{backwards}.in-addr.arpa": {"PTR": (f"{HOST}.",)},
        **{f"{key.selector}._domainkey.{DOMAIN}": {"TXT": (key.record,)} for key in keys()},
    }
