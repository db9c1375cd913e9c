"""How commands that go on until they are told to stop end: in order, with exit code 0."""

import signal
import sys
from typing import NoReturn


def end_when_told() -> None:
    """Make Ctrl-C and SIGTERM leave every `with` in order: mails past their dot land, claims are given back."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))


def wait() -> NoReturn:
    """Do nothing until a signal ends it."""
    while True:
        signal.pause()
