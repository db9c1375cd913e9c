"""Which picture stands for an entry: the publisher's own choice first, else the first real one in the text.

Pure. Never a tracking pixel, an emoji, a `data:` address or a spacer.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from digest.feeds.markup import images
from digest.feeds.urls import resolve

_NO_PICTURE = re.compile(
    r"emoji|smil(?:ey|ies)|/s\.w\.org/images/core/|spacer|blank\.gif|[/_-]1x1[._-]|\bpixel\.(?:gif|png|php)|/pixel[/?]|transparent\.|feedburner\.com/~|/~ff/|/~r/"
    r"|stats\.wordpress|feeds\.wordpress\.com/1\.0|doubleclick|google-analytics|/count(?:er)?\.(?:php|gif)|vgwort|/piwik|/matomo"
    r"|gravatar\.com/avatar|feedsportal|/beacon",
    re.IGNORECASE,
)
_LAZY = ("data-src", "data-lazy-src", "data-original", "data-orig-file", "data-srcset", "srcset")
_LEADING = re.compile(r"\d{1,5}")
_LOOK_AT = 30


@dataclass(frozen=True, slots=True)
class Picture:
    """An address and, where known, the size in pixels."""

    url: str = ""
    width: int | None = None
    height: int | None = None


NONE = Picture()


def picture(url: str, *, base: str, width: str | None = None, height: str | None = None) -> Picture:
    """Return a picture if an address can be one, otherwise `NONE`."""
    address = resolve(base, url)
    wide, high = pixels(width), pixels(height)
    if not address or is_tracker(address) or _is_dot(wide) or _is_dot(high):
        return NONE
    return Picture(address, wide, high)


def preferred(pictures: Iterable[Picture]) -> Picture:
    """Return the first picture between 300 and 1,600 pixels wide, otherwise the first."""
    usable = [found for found in pictures if found.url]
    return next(
        (found for found in usable if 300 <= (found.width or 0) <= 1600), usable[0] if usable else NONE
    )


def first_in(html: str, *, base: str) -> Picture:
    """Return the first picture in the text that a reader would call one, otherwise `NONE`."""
    if "<img" not in html and "<IMG" not in html:
        return NONE
    for attributes, _ in zip(images(html), range(_LOOK_AT), strict=False):
        found = _shown(attributes, base)
        if found.url:
            return found
    return NONE


def pixels(text: str | None) -> int | None:
    """Return a number of pixels as HTML reads it, None if it says none or a share."""
    match = _LEADING.match((text or "").strip())
    return int(match[0]) if match and "%" not in (text or "") else None


def _shown(attributes: dict[str, str], base: str) -> Picture:
    """Return the picture of an `<img>`, from its lazy address while `src` is only a placeholder."""
    if re.search(r"emoji|smiley", attributes.get("class", ""), re.IGNORECASE):
        return NONE
    size = {"width": attributes.get("width"), "height": attributes.get("height")}
    for name in ("src", *_LAZY):
        address = attributes.get(name, "")
        if name.endswith("srcset"):
            address = address.split(",")[0].split()[0] if address.split(",")[0].split() else ""
        found = picture(address, base=base, **size)
        if found.url:
            return found
    return NONE


def _is_dot(size: int | None) -> bool:
    return size is not None and size <= 2


def is_tracker(url: str) -> bool:
    """Whether an address serves a counting pixel, an emoji or a spacer instead of a picture."""
    return _NO_PICTURE.search(url) is not None
