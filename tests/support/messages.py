"""Every message that templates and filters say, as Babel finds them in the sources."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract

from digest.rendering import directories

_KEYWORDS: Mapping[str, Any] = {
    "_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip
_JINJA = {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}


def mail_messages() -> Catalog:
    """What the mail templates and the rendering room say."""
    root = Path(__file__).parents[2]
    catalogue = Catalog()
    for path in sorted((directories()[0] / "email").glob("*.j2")):
        _add(catalogue, path, "jinja2")
    for path in sorted((root / "digest" / "rendering").glob("*.py")):
        _add(catalogue, path, "python")
    return catalogue


def _add(catalogue: Catalog, path: Path, method: str) -> None:
    for message, context in _found(path, method):
        catalogue.add(message, context=context, locations=[(path.name, 0)])


def _found(path: Path, method: str) -> Iterator[tuple[Any, str | None]]:
    options: Any = _JINJA if method == "jinja2" else {}
    with path.open("rb") as file:
        for _, message, _, context in extract(method, file, keywords=_KEYWORDS, options=options):
            yield message, context
