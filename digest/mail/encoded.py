"""RFC 2047 words: how a Subject or a name says what ASCII cannot. At most 75 octets each, no character cut in two."""

from base64 import b64encode

_WORD = 75
_FRAME = len("=?utf-8?Q??=")
# What RFC 2047 §5(3) lets a word in a phrase hold unquoted; everything else is =XX.
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_QUOTED = tuple(
    chr(octet) if octet in _SAFE else "_" if octet == 0x20 else f"={octet:02X}" for octet in range(256)
)

_SINGLE = frozenset(bytes([octet]) for octet in (*_SAFE, 0x20))


def encoded_words(text: str, *, first: int) -> list[str]:
    """The text as words in B or Q, whichever is shorter; the first may have `first` octets."""
    characters = [character.encode() for character in text]
    in_q = _parts(characters, list(map(_price, characters)), first - _FRAME, _WORD - _FRAME)
    in_b = _parts(
        characters, list(map(len, characters)), (first - _FRAME) // 4 * 3, (_WORD - _FRAME) // 4 * 3
    )
    ways = (
        [f"=?utf-8?Q?{_q(part)}?=" for part in in_q],
        [f"=?utf-8?B?{b64encode(part).decode()}?=" for part in in_b],
    )
    return min(ways, key=lambda words: sum(map(len, words)))


def _parts(characters: list[bytes], prices: list[int], room: int, next_room: int) -> list[bytes]:
    """The characters in parts whose prices are within the room each part has."""
    parts: list[bytes] = []
    part: list[bytes] = []
    used = 0
    for octets, price in zip(characters, prices, strict=True):
        if part and used + price > room:
            parts.append(b"".join(part))
            part, used, room = [], 0, next_room
        part.append(octets)
        used += price
    return [*parts, b"".join(part)]


def _q(octets: bytes) -> str:
    return "".join([_QUOTED[octet] for octet in octets])


def _price(octets: bytes) -> int:
    """How many octets one character takes in Q."""
    return 1 if octets in _SINGLE else 3 * len(octets)
