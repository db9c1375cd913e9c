"""The process that renders a publisher's own templates. It inherits nothing but its pipe and gives back nothing but text.

Run as `python -m digest.rendering.child`: requests and answers are JSON behind four octets of length. The first request says
where templates are; each other one loads a kind or renders a mail. What limits it is set here, what times it is the parent.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any, BinaryIO

from digest.rendering.catalogues import read_catalogues
from digest.rendering.errors import RenderingError, TemplateError
from digest.rendering.mails import Mails

MEMORY = 256 * 2**20


def read_message(stream: BinaryIO, *, limit: int = 2**24) -> Any:
    """The next message, or None at the end. Raises ValueError for one over `limit` octets."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    if (size := int.from_bytes(head)) > limit:
        raise ValueError(f"a message of {size:,} octets; {limit:,} are allowed")
    return json.loads(stream.read(size))


def write_message(stream: BinaryIO, message: Any) -> None:
    """Send a message at once."""
    octets = json.dumps(message).encode()
    stream.write(len(octets).to_bytes(4) + octets)
    stream.flush()


def limit_process() -> None:
    """256 MiB of address space; no file written, no core dumped."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def answer(mails: Mails, request: dict[str, Any]) -> dict[str, Any]:
    """What the request asks for, or the error that tells why not."""
    try:
        if "context" not in request:
            mails.load(request["kind"])
            return {}
        mail = mails.render(**request, has_cards=False)
    except TemplateError as error:
        return {"error": "template", "reason": error.reason, "file": error.file, "line": error.line}
    except RenderingError as error:
        return {"error": "render", "reason": str(error)}
    return {"lang": mail.lang, "subject": mail.subject, "html": mail.html_text, "text": mail.plain_text}


def main() -> None:
    """Serve until the parent is done with us."""
    limit_process()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    start = read_message(requests)
    directories = [Path(directory) for directory in start["directories"]]
    catalogues = read_catalogues(directories, default=start["language"])
    mails = Mails(directories, publisher=start["publisher"], catalogues=catalogues)
    write_message(answers, {})
    while (request := read_message(requests)) is not None:
        write_message(answers, answer(mails, request))


if __name__ == "__main__":
    main()
