"""Our own style sheet and scripts: small, read once, served from memory under an address that changes with their content."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from digest.settings import Brand

FOLDER = Path(__file__).parent / "static"
SOLVER = FOLDER / "parts" / "solve.js"
SOLVING = frozenset({"proof.js", "embed.js"})
"""The scripts that begin with the solver, in a block of their own: its names stay out of a publisher's page."""
KINDS = MappingProxyType(
    {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
)

_BLANKS = re.compile(rb"(?:/\*.*?\*/|\s)+", re.DOTALL)
_PUNCTUATION = re.compile(rb" ?([{};,]) ?|(:) ")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes, its media type and the first letters of its SHA-256."""

    body: bytes
    media_type: str
    version: str


def read_assets(brand: Brand) -> Mapping[str, Asset]:
    """Every file of our own by its name; the style sheet begins with the publisher's colours."""
    found = {path.name: path for path in FOLDER.iterdir() if path.suffix in KINDS}
    return MappingProxyType({name: _asset(path, brand) for name, path in found.items()})


def _asset(path: Path, brand: Brand) -> Asset:
    body = path.read_bytes()
    if path.suffix == ".css":
        colours = f":root{{--accent-light:{brand.accent};--accent-dark:{brand.accent_dark}}}"
        body = colours.encode() + _PUNCTUATION.sub(rb"\1\2", _BLANKS.sub(b" ", body)).replace(b";}", b"}")
    elif path.name in SOLVING:
        body = b"{\n" + SOLVER.read_bytes() + body + b"}\n"
    elif path.suffix == ".svg":
        body = body.replace(b"#0b57b7", brand.accent.encode())
    return Asset(body, KINDS[path.suffix], hashlib.sha256(body).hexdigest()[:12])
