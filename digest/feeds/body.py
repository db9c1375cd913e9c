"""A response body that can never outgrow its limits: counted, inflated, hashed and spooled while it arrives.

BodyError
├── TooLargeError          more bytes on the wire or after inflating than allowed
└── BadCompressionError    a coding other than gzip, or gzip that is damaged
"""

import hashlib
import tempfile
import zlib
from dataclasses import dataclass, field
from typing import IO, Final

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP: Final = 16 + zlib.MAX_WBITS
_PIECE: Final = 65_536
_MOST_MEMBERS: Final = 1_000
"""Even blocks of 64 KiB, as some programs write them, are fewer; a hundred thousand would hold the loop up."""
_CODINGS: Final = frozenset({"", "identity", "gzip", "x-gzip"})


class BodyError(Exception):
    """Base of what a body can do wrong."""


class TooLargeError(BodyError):
    """More bytes came than are allowed; nothing was kept."""


class BadCompressionError(BodyError):
    """The coding is not gzip, or the gzip stream is damaged, cut, or in more pieces than anybody would make."""


@dataclass(frozen=True, slots=True)
class Body:
    """A complete decoded body. Large ones lie in a temporary file that disappears with this object."""

    size: int
    sha256: str
    _spool: IO[bytes] = field(repr=False)

    def read(self) -> bytes:
        """All bytes, decoded; may be called more than once."""
        self._spool.seek(0)
        return self._spool.read()

    def close(self) -> None:
        """Give the temporary file back."""
        self._spool.close()


class BodyWriter:
    """Takes the bytes of one response as they come; raises BodyError at the first byte too many."""

    def __init__(self, *, limit: int, spool: int, coding: str = "") -> None:
        """`limit` counts wire and decoded bytes each; more than `spool` bytes go to a temporary file."""
        self._coding = coding.strip().lower()
        if self._coding not in _CODINGS:
            raise BadCompressionError
        self._limit = limit
        self._spool = tempfile.SpooledTemporaryFile(max_size=spool)  # noqa: SIM115  # outlives this method
        self._hash = hashlib.sha256()
        self._inflater: zlib._Decompress | None = None
        self._members = 1
        self._head = b""  # bytes too few to see whether a gzip member begins with them
        self._has_started = False
        self._is_over = False
        self.wire = 0
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Take the next bytes of the wire."""
        self.wire += len(chunk)
        if self.wire > self._limit:
            raise TooLargeError
        chunk, self._head = self._head + chunk, b""
        if not self._has_started:
            if len(chunk) < len(_GZIP_MAGIC):
                self._head = chunk
                return
            self._start(chunk)
        self._take(chunk)

    def finish(self) -> Body:
        """Close the stream; raises BadCompressionError if gzip ended in the middle."""
        if not self._has_started and self._head:
            self._start(self._head)
            self._take(self._head)
        if self._inflater is not None and not self._inflater.eof:
            raise BadCompressionError
        return Body(size=self.size, sha256=self._hash.hexdigest(), _spool=self._spool)

    def close(self) -> None:
        """Drop what was collected."""
        self._spool.close()

    def _start(self, head: bytes) -> None:
        """Decide once: gzip by header, or by its magic when a server forgot the header."""
        self._has_started = True
        if head.startswith(_GZIP_MAGIC):
            self._inflater = zlib.decompressobj(_GZIP)
        elif self._coding.endswith("gzip"):
            raise BadCompressionError

    def _take(self, data: bytes) -> None:
        if self._inflater is None:
            self._keep(data)
            return
        try:
            self._inflate(data)
        except zlib.error:
            raise BadCompressionError from None

    def _inflate(self, data: bytes) -> None:
        inflater = self._inflater
        while inflater is not None and data:
            if inflater.eof:
                if not self._begins_member(data):
                    return
                inflater = self._inflater = zlib.decompressobj(_GZIP)
            # The output of one call is bounded too, so a bomb costs one piece, not its whole size.
            self._keep(inflater.decompress(data, min(_PIECE, self._limit - self.size + 1)))
            data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail

    def _begins_member(self, data: bytes) -> bool:
        """Whether another gzip member begins here; what is too short to tell waits, what is none is padding."""
        if len(data) < len(_GZIP_MAGIC) and not self._is_over:
            self._head = data
            return False
        self._is_over = self._is_over or not data.startswith(_GZIP_MAGIC)
        self._members += not self._is_over
        if self._members > _MOST_MEMBERS:
            raise BadCompressionError
        return not self._is_over

    def _keep(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self._limit:
            raise TooLargeError
        self._hash.update(data)
        self._spool.write(data)
