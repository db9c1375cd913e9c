"""A publisher's own mail templates: rendered in a child process, so that a greedy one costs one content and never a worker."""

import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, cast

from digest.rendering import samples
from digest.rendering.cards import Fragment
from digest.rendering.child import MEMORY, write_message
from digest.rendering.context import MailContext, Publisher
from digest.rendering.errors import RenderError, TemplateError, TooLargeError
from digest.rendering.mails import ENDINGS, Rendered

LOAD_TIME = timedelta(seconds=20)
RENDER_TIME = timedelta(seconds=2)
MAX_SOURCE = 64 * 2**10
MAX_OUTPUT = 2**20
# Head, preheader, footer and the look of a promo: what the law and mail programs ask of every mail is not an editor's.
RESERVED = frozenset(
    {
        "base.html.j2", "base.txt.j2", "footer.html.j2", "footer.txt.j2", "preheader.j2", "promo.html.j2", "promo.txt.j2",
    }
)  # fmt: skip

_NAMED = re.compile(r"[\"']([\w.-]+\.j2)[\"']")


def own_kinds(directories: Sequence[Path], kinds: Sequence[str]) -> frozenset[str]:
    """The kinds some file of which stands in any directory but the last, the shipped one."""
    folders = [directory / "email" for directory in directories]
    own = {path.name for folder in folders[:-1] for path in folder.glob("*.j2")}
    return frozenset(
        kind for kind in kinds if any(_needs(folders, f"{kind}.{ending}.j2") & own for ending in ENDINGS)
    )


def _needs(folders: Sequence[Path], name: str, *, known: frozenset[str] = frozenset()) -> frozenset[str]:
    """A file's name and those of all files it names."""
    source = next((path.read_text("utf-8") for folder in folders if (path := folder / name).is_file()), "")
    found = known | {name}
    for other in _NAMED.findall(source):
        found = found if other in found else found | _needs(folders, other, known=found)
    return found


class OwnMails:
    """Loads and renders in a child process, started when first needed and again after each time it broke a limit."""

    render_time = RENDER_TIME

    def __init__(self, directories: Sequence[Path], *, publisher: Publisher, language: str) -> None:
        self._directories = tuple(directories)
        self._start = {
            "directories": [str(each) for each in directories],
            "publisher": publisher,
            "language": language,
        }
        self._child: subprocess.Popen[bytes] | None = None
        self._loaded: set[str] = set()
        self._lock = Lock()

    def load(self, kind: str, *, languages: Sequence[str]) -> None:
        """Load a kind and try it on the samples. Raises TemplateError for whatever would go wrong later."""
        for lang in languages:
            for context in _samples(kind):
                try:
                    self.render(kind, lang=lang, context=context, stem="", is_text_only=False)
                except (RenderError, TooLargeError) as error:
                    raise TemplateError(
                        f"rendering a sample failed: {error}", file=f"{kind}.html.j2"
                    ) from None

    def render(
        self, kind: str, *, lang: str, context: MailContext, stem: str, is_text_only: bool
    ) -> Rendered:
        """The mail. Raises TemplateError, RenderError and TooLargeError; the next mail gets a fresh child if need be."""
        request = {"kind": kind, "lang": lang, "context": context, "stem": stem, "is_text_only": is_text_only}
        with self._lock:
            if kind not in self._loaded:
                self._expect_sources()
                self._ask({"kind": kind}, within=LOAD_TIME)
                self._loaded.add(kind)
            mail = self._ask(request, within=self.render_time)
        html = (Fragment(mail["html"], stem),) if mail["html"] else ()
        return Rendered(kind, mail["lang"], mail["subject"], html, (Fragment(mail["text"], stem),))

    def close(self) -> None:
        """End the child, if there is one."""
        with self._lock:
            self._end()

    def _ask(self, request: dict[str, Any], *, within: timedelta) -> dict[str, Any]:
        try:
            self._child = self._child or self._started()
            found = _exchange(self._child, request, within=within)
        except BaseException:
            self._end()
            raise
        match found.get("error"):
            case "template":
                raise TemplateError(found["reason"], file=found["file"], line=found["line"])
            case "render":
                raise RenderError(found["reason"])
        return found

    def _started(self) -> subprocess.Popen[bytes]:
        """A child without our environment, files or secrets."""
        child = subprocess.Popen(  # our own interpreter and module
            [sys.executable, "-m", "digest.rendering.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            cwd="/",
        )
        self._child = child  # from now on a failure ends it
        _exchange(child, self._start, within=LOAD_TIME)
        return child

    def _end(self) -> None:
        self._loaded.clear()
        if (child := self._child) is not None:
            child.kill()
            child.communicate()
            self._child = None

    def _expect_sources(self) -> None:
        for path in (
            path for directory in self._directories[:-1] for path in (directory / "email").glob("*.j2")
        ):
            if path.name in RESERVED:
                raise TemplateError(
                    "this file is part of every mail and stays as shipped; a mail of your own fills the block 'main'",
                    file=path.name,
                )
            if (size := path.stat().st_size) > MAX_SOURCE:
                raise TemplateError(
                    f"the file has {size:,} octets; {MAX_SOURCE:,} are allowed", file=path.name
                )


def _exchange(child: subprocess.Popen[bytes], message: object, *, within: timedelta) -> dict[str, Any]:
    """A message, and the answer to it."""
    try:
        write_message(cast("BinaryIO", child.stdin), message)
    except BrokenPipeError:
        raise _died() from None
    return _answer(cast("BinaryIO", child.stdout).fileno(), within=within)


def _answer(pipe: int, *, within: timedelta) -> dict[str, Any]:
    """The child's answer. Raises RenderError when it does not come in time, TooLargeError when it is too long."""
    until = time.monotonic() + within.total_seconds()
    size = int.from_bytes(_octets(pipe, 4, until=until))
    if size > MAX_OUTPUT:
        raise TooLargeError(f"the template made {size:,} octets; {MAX_OUTPUT:,} are allowed")
    found: dict[str, Any] = json.loads(_octets(pipe, size, until=until))
    return found


def _octets(pipe: int, count: int, *, until: float) -> bytes:
    found = b""
    while len(found) < count:
        if not select.select([pipe], [], [], max(until - time.monotonic(), 0))[0]:
            raise RenderError(
                f"the template took longer than the {RENDER_TIME.seconds} seconds it has; look for a loop over too much"
            )
        if not (more := os.read(pipe, count - len(found))):
            raise _died()
        found += more
    return found


def _died() -> RenderError:
    return RenderError(
        f"the template took more than its {MEMORY // 2**20} MiB of memory; look for text that grows"
    )


def _samples(kind: str) -> Iterator[MailContext]:
    """What a kind is tried on when it is loaded."""
    if kind != "edition":
        yield samples.system(kind)
        return
    yield samples.edition(1)
    yield samples.edition(15, promos=2)
    yield samples.edition(8, has_images=False, is_public=True)
