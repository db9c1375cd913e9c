"""A dictionary that works out what it is asked for, once: as quick as a dictionary for everything asked before."""

from collections.abc import Callable
from typing import TypeVar

Key = TypeVar("Key")
Made = TypeVar("Made")


class Memo(dict[Key, Made]):
    """Answers by key; `make` works out those that are missing."""

    def __init__(self, make: Callable[[Key], Made]) -> None:
        self._make = make

    def __missing__(self, key: Key) -> Made:
        """Work out one answer and keep it."""
        made = self[key] = self._make(key)
        return made
