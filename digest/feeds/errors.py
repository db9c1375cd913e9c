"""What can go wrong between bytes and candidates, as one tree.

FeedError
├── FeedFormatError     the bytes are no feed we can read; `code` says what they are instead
└── ParserError         reading came to no end we can name a format for
    ├── ParserTimeout   it took too long
    ├── ParserMemory    it took too much memory, or the process died of it
    └── ParserBug       our own mistake; the notes hold the traceback
"""

from enum import StrEnum


class FormatCode(StrEnum):
    """What a document is, if it is no readable feed."""

    EMPTY = "empty"
    HTML = "html"
    OPML = "opml"
    SITEMAP = "sitemap"
    NOT_A_FEED = "not_a_feed"
    BAD_XML = "bad_xml"
    BAD_JSON = "bad_json"


class FeedError(Exception):
    """Base of everything reading a feed raises on purpose."""


class FeedFormatError(FeedError):
    """The bytes are no feed we can read.

    `hint` is one sentence in our own words; it never quotes the document.
    """

    def __init__(self, code: FormatCode, hint: str) -> None:
        super().__init__(code, hint)  # both arguments, so that the error survives pickling
        self.code = code
        self.hint = hint

    def __str__(self) -> str:
        """Return the hint."""
        return self.hint


class ParserError(FeedError):
    """Reading the document came to no end."""


class ParserTimeout(ParserError):
    """Reading took longer than a document may take."""


class ParserMemory(ParserError):
    """Reading needed more memory than a document may take, or ended the process."""


class ParserBug(ParserError):
    """The parser failed in a way it never may; the notes hold the traceback of its process."""
