"""RFC 2047 words: how a Subject or a name says what ASCII cannot. At most 75 octets each, no character cut in two."""

from base64 import b64encode
from collections.abc import Callable

_WORD = 75
_FRAME = len("=?utf-8?Q??=")
# What RFC 2047 §5(3) lets a word in a phrase hold unquoted; everything else is =XX.
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_QUOTED = tuple(
    chr(octet) if octet in _SAFE else "_" if octet == 0x20 else f"={octet:02X}" for octet in range(256)
)


def encoded_words(text: str, *, first: int) -> list[str]:
    """The text as words in B or Q, whichever is shorter; the first may have `first` octets."""
    characters = [character.encode() for character in text]
    in_q = _parts(characters, first - _FRAME, _WORD - _FRAME, lambda octets: len(_q(octets)))
    in_b = _parts(characters, (first - _FRAME) // 4 * 3, (_WORD - _FRAME) // 4 * 3, len)
    ways = (
        [f"=?utf-8?Q?{_q(part)}?=" for part in in_q],
        [f"=?utf-8?B?{b64encode(part).decode()}?=" for part in in_b],
    )
    return min(ways, key=lambda words: sum(map(len, words)))


def _parts(characters: list[bytes], room: int, next_room: int, cost: Callable[[bytes], int]) -> list[bytes]:
    """The characters in parts whose cost is within the room each part has."""
    parts: list[bytes] = []
    part: list[bytes] = []
    used = 0
    for octets in characters:
        price = cost(octets)
        if part and used + price > room:
            parts.append(b"".join(part))
            part, used, room = [], 0, next_room
        part.append(octets)
        used += price
    return [*parts, b"".join(part)]


def _q(octets: bytes) -> str:
    return "".join([_QUOTED[octet] for octet in octets])
