"""A content made ready: encoded once, so that each reader's mail is a copy of a list, a few filled positions, and a join.

The body is `multipart/alternative` with text/plain and text/html (or text/plain alone), UTF-8 in quoted-printable. A slot
stands alone between soft line breaks, so a token is one physical line, whole.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from digest.mail.errors import SlotError
from digest.mail.headers import Text, header
from digest.mail.quoted import SOFT_BREAK, encode, ended
from digest.mail.slots import Slot, cut

_PART = b'Content-Type: text/%b; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'


class Fragment(Protocol):
    """Rendered text that may be shared by many contents; its markers have a stem of their own ("" means none)."""

    @property
    def text(self) -> str:
        """The text, in HTML or plain."""

    @property
    def stem(self) -> str:
        """What its markers start with."""

    @property
    def is_shared(self) -> bool:
        """Whether it comes again in other contents, so that keeping it pays."""


class Rendered(Protocol):
    """What `digest.rendering` hands over."""

    @property
    def kind(self) -> str:
        """The kind of mail, as in the name of its template."""

    @property
    def lang(self) -> str:
        """The language it is written in ("de")."""

    @property
    def subject(self) -> str:
        """The subject, one line."""

    @property
    def html(self) -> Sequence[Fragment]:
        """The HTML part; nothing means a mail of one text part."""

    @property
    def text(self) -> Sequence[Fragment]:
        """The text part, ending in a line end."""


@dataclass(frozen=True, slots=True, eq=False)
class Hole:
    """What fills a position: a slot, and whether HTML stands around it. There is one of each: they are told apart by identity."""

    slot: Slot
    is_html: bool


_HOLES = {(slot, is_html): Hole(slot, is_html) for slot in Slot for is_html in (False, True)}
Piece = bytes | Hole


@dataclass(frozen=True, slots=True)
class Encoded:
    """One fragment in quoted-printable, and its fingerprint."""

    pieces: tuple[Piece, ...]
    slots: frozenset[Slot]
    digest: bytes
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A content as bytes, with holes and the positions of each; `size` is its length in octets."""

    kind: str
    subject: bytes
    language: bytes
    content_headers: tuple[bytes, ...]
    content_names: tuple[str, ...]
    pieces: tuple[bytes, ...]
    holes: tuple[tuple[Hole, tuple[int, ...]], ...]
    slots: frozenset[Slot]
    """What a mail of it needs values for."""
    size: int


@dataclass(slots=True)
class Shelf:
    """Keeps encoded fragments that come again, such as cards: the least recently used go when `limit` octets are passed."""

    limit: int = 16 * 2**20
    size: int = 0
    _kept: OrderedDict[tuple[str, bool], Encoded] = field(default_factory=OrderedDict)

    def encoded(self, fragment: Fragment, *, is_html: bool, prefixes: Mapping[Slot, str]) -> Encoded:
        """The fragment's encoded form, from the shelf or made now. Raises SlotError."""
        key = (fragment.text, is_html)
        if (known := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return known
        made = _encoded(fragment, is_html=is_html, prefixes=prefixes)
        self._kept[key] = made
        self.size += made.size
        while self.size > self.limit and len(self._kept) > 1:
            self.size -= self._kept.popitem(last=False)[1].size
        return made


def prepare(
    rendered: Rendered,
    *,
    prefixes: Mapping[Slot, str],
    needs: Collection[Slot] = (),
    shelf: Shelf | None = None,
) -> Prepared:
    """The content ready to be composed for any number of readers.

    `prefixes` holds, for each token slot, what its link starts with up to the token. Every slot of `needs` must stand in each
    part (list mail: unsubscribe). A `shelf` keeps what is shared between contents. Raises SlotError, HeaderError.
    """
    halves = [_half(rendered.text, prefixes=prefixes, shelf=shelf, is_html=False)]
    if rendered.html:
        halves.append(_half(rendered.html, prefixes=prefixes, shelf=shelf, is_html=True))
    for half in halves:
        _expect_slots(half, needs)
    if len(halves) == 1:
        names, headers, body = _single(halves[0])
    else:
        names, headers, body = _alternative(*halves)
    pieces, holes = _packed(body)
    return Prepared(
        kind=rendered.kind,
        subject=header("Subject", Text(rendered.subject)),
        language=header("Content-Language", rendered.lang),
        content_headers=headers,
        content_names=names,
        pieces=pieces,
        holes=holes,
        slots=frozenset(hole.slot for hole, _ in holes),
        size=sum(map(len, pieces)),
    )


def _half(
    fragments: Sequence[Fragment], *, prefixes: Mapping[Slot, str], shelf: Shelf | None, is_html: bool
) -> list[Encoded]:
    """One part as encoded fragments."""
    return [
        shelf.encoded(each, is_html=is_html, prefixes=prefixes)
        if shelf is not None and _comes_again(each)
        else _encoded(each, is_html=is_html, prefixes=prefixes)
        for each in fragments
    ]


def _comes_again(fragment: Fragment) -> bool:
    """A card does, and so does what holds no marker of this one render."""
    return fragment.is_shared or fragment.stem not in fragment.text


def _encoded(fragment: Fragment, *, is_html: bool, prefixes: Mapping[Slot, str]) -> Encoded:
    pieces: list[Piece] = []
    digest = sha256(b"html" if is_html else b"text")
    for piece in cut(fragment.text, stem=fragment.stem, prefixes=prefixes):
        made: Piece = _HOLES[piece, is_html] if isinstance(piece, Slot) else ended(encode(piece))
        digest.update(made if isinstance(made, bytes) else b"\0" + made.slot.encode())
        pieces.append(made)
    size = sum(len(piece) for piece in pieces if isinstance(piece, bytes))
    slots = frozenset(piece.slot for piece in pieces if isinstance(piece, Hole))
    return Encoded(tuple(pieces), slots, digest.digest(), size)


def _expect_slots(half: Sequence[Encoded], needs: Collection[Slot]) -> None:
    found = frozenset().union(*{encoded.slots for encoded in half})
    if missing := sorted(slot.name.lower() for slot in needs if slot not in found):
        raise SlotError(f"a part of this mail has no {' and no '.join(missing)} link; every part needs it")


def _single(half: Sequence[Encoded]) -> tuple[tuple[str, ...], tuple[bytes, ...], list[Piece]]:
    """A body of one text part."""
    names = ("MIME-Version", "Content-Type", "Content-Transfer-Encoding")
    values = ("1.0", 'text/plain; charset="utf-8"', "quoted-printable")
    return names, tuple(map(header, names, values)), _closed(half)


def _alternative(
    text: Sequence[Encoded], html: Sequence[Encoded]
) -> tuple[tuple[str, ...], tuple[bytes, ...], list[Piece]]:
    """A body of two parts. The boundary is made of the content; its `=_` cannot occur in quoted-printable."""
    mark = sha256(b"".join(encoded.digest for encoded in (*text, *html))).hexdigest()[:20]
    boundary = b"--=_" + mark.encode()
    names = ("MIME-Version", "Content-Type")
    values = ("1.0", f'multipart/alternative; boundary="=_{mark}"')
    body: list[Piece] = [boundary + b"\r\n" + _PART % b"plain", *_closed(text)]
    body += [boundary + b"\r\n" + _PART % b"html", *_closed(html)]
    return names, tuple(map(header, names, values)), [*body, boundary + b"--\r\n"]


def _closed(half: Sequence[Encoded]) -> list[Piece]:
    """The pieces of a part, ending in a full line end: `=` may not be the last octet of a part (RFC 2045 §6.7)."""
    *pieces, last = [piece for encoded in half for piece in encoded.pieces]
    if not isinstance(last, bytes) or not last:
        raise SlotError("a part ends in a slot; it must end in text")
    return [*pieces, last if not last.endswith(SOFT_BREAK) else last.removesuffix(SOFT_BREAK) + b"\r\n"]


def _packed(body: Sequence[Piece]) -> tuple[tuple[bytes, ...], tuple[tuple[Hole, tuple[int, ...]], ...]]:
    """Neighbouring bytes joined; each hole an empty piece whose position is noted."""
    pieces: list[bytes] = []
    holes: defaultdict[Hole, list[int]] = defaultdict(list)
    run: list[bytes] = []
    for piece in body:
        if isinstance(piece, bytes):
            run.append(piece)
            continue
        pieces += (b"".join(run), b"")
        holes[piece].append(len(pieces) - 1)
        run = []
    return (*pieces, b"".join(run)), tuple((hole, tuple(places)) for hole, places in holes.items())
