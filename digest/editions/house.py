"""What the publisher decided about all mails."""

from collections.abc import Sequence
from dataclasses import dataclass

from digest.links import Links
from digest.settings import Images


@dataclass(frozen=True, slots=True)
class House:
    """Where links lead, whose pictures show, which archive there is."""

    links: Links
    timezone: str
    images: Images = Images.OWN
    has_archive: bool = True
    searches: Sequence[tuple[str, str]] = ()
    """(name, address with `{query}`), at most two."""
