"""Reading mails as others would: a byte scanner written apart from the writer, MIME by hand, links as a reader sees them."""

import quopri
import re
from dataclasses import dataclass
from html.parser import HTMLParser

from typing_extensions import override

LIST_NAMES = (
    "Date", "From", "To", "Subject", "Message-ID", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Help",
    "List-Archive", "Feedback-ID", "Auto-Submitted", "Precedence", "Content-Language", "MIME-Version", "Content-Type",
)  # fmt: skip
SYSTEM_NAMES = (
    "Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "Content-Language", "MIME-Version", "Content-Type",
)  # fmt: skip

_URL = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True, slots=True)
class Read:
    """A mail taken apart: raw header fields in order, and the decoded parts ("" where there is none)."""

    fields: tuple[tuple[str, bytes], ...]
    text: str
    html: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields, in order."""
        return tuple(name for name, _ in self.fields)

    def raw(self, name: str) -> bytes:
        """The one field of that name, unfolded."""
        (found,) = (value for field, value in self.fields if field == name)
        return found.replace(b"\r\n ", b" ")


def read(data: bytes) -> Read:
    """The mail, by the letter of RFC 5322 and 2046."""
    head, _, body = data.partition(b"\r\n\r\n")
    fields = _fields(head)
    content_type = dict(fields)["Content-Type"]
    if found := re.search(rb'boundary="([^"]+)"', content_type):
        delimiter = b"--" + found[1]
        parts = (b"\r\n" + body).split(b"\r\n" + delimiter)
        assert parts[0] == b"", "there is a preamble"
        assert parts[-1] == b"--\r\n", "the end is not the closing delimiter"
        plain, html = (_part(part.removeprefix(b"\r\n")) for part in parts[1:-1])
        return Read(fields, plain, html)
    return Read(fields, _decoded(body), "")


def faults(data: bytes) -> list[str]:
    """Whatever in the bytes a relay might have to touch or a reader might misread."""
    found = []
    if any(octet > 126 or (octet < 32 and octet not in b"\r\n") for octet in data):
        found.append("an octet outside printable ASCII")
    if b"\r" in data.replace(b"\r\n", b"") or b"\n" in data.replace(b"\r\n", b""):
        found.append("a bare CR or LF")
    if not data.endswith(b"\r\n") or data.endswith(b"\r\n\r\n"):
        found.append("it does not end in exactly one CRLF")
    head, _, body = data.partition(b"\r\n\r\n")
    found += [f"header line of {len(line)}" for line in head.split(b"\r\n") if len(line) > 998]
    found += [fault for line in body.split(b"\r\n") for fault in _line_faults(line)]
    return found


def _line_faults(line: bytes) -> list[str]:
    rules = {
        "starts with a dot": line.startswith(b"."),
        "starts with From": line.startswith(b"From "),
        "ends in a space": line.endswith(b" "),
        "has a run of spaces": b"  " in line,
        "is too long": len(line) > 76 and not line.startswith((b"Content-", b"--=_")),
    }
    return [f"a body line {rule}" for rule, is_broken in rules.items() if is_broken]


def undotted_is_identity(data: bytes) -> bool:
    """Whether SMTP's dot-stuffing would change nothing."""
    return b"\r\n." not in data and not data.startswith(b".")


def html_links(html: str) -> list[str]:
    """Every address an HTML part links to, in order."""
    reader = _Links()
    reader.feed(html)
    return reader.links


def text_links(text: str) -> list[str]:
    """Every address that stands alone on a line of the text part, in order."""
    return [line for line in text.splitlines() if _URL.fullmatch(line)]


def fold(text: str) -> str:
    """White space as a reader sees it."""
    return re.sub(r"\s+", " ", text).strip()


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if tag == "a" and name == "href"]


def _fields(head: bytes) -> tuple[tuple[str, bytes], ...]:
    fields: list[tuple[str, bytes]] = []
    for line in head.split(b"\r\n"):
        if line.startswith((b" ", b"\t")):
            name, value = fields[-1]
            fields[-1] = (name, value + b"\r\n" + line)
        else:
            name, _, value = line.partition(b": ")
            fields.append((name.decode("ascii"), value))
    return tuple(fields)


def _part(part: bytes) -> str:
    head, _, body = part.partition(b"\r\n\r\n")
    assert b"quoted-printable" in head
    return _decoded(body)


def _decoded(body: bytes) -> str:
    return quopri.decodestring(body).decode().replace("\r\n", "\n")
