"""The shipped word lists, each read once and kept."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final

LANGUAGES: Final = ("de", "en")
"""The languages that have lists."""


@cache
def stop_words(language: str) -> frozenset[str]:
    """The lower-case words of a language that tell nothing about a text; empty for an unknown language."""
    return frozenset(_words(f"stopwords.{language}"))


@cache
def all_stop_words() -> frozenset[str]:
    """The stop words of every shipped language."""
    return frozenset().union(*map(stop_words, LANGUAGES))


@cache
def ignored_words() -> frozenset[str]:
    """The lower-case words that a query leaves out: common, and no content word of the other language."""
    return frozenset(_words("ignored"))


@cache
def corrections(language: str) -> Mapping[str, str]:
    """Spelling to lemma, where the lemmatiser is known to be wrong."""
    words = _words(f"lemmas.{language}")
    return MappingProxyType(dict(zip(words[::2], words[1::2], strict=True)))


@cache
def names_in_s(language: str) -> frozenset[str]:
    """Capitalised words whose final s is no genitive."""
    return frozenset(_words(f"names.{language}"))


def _words(name: str) -> list[str]:
    file = resources.files("digest.matching.data") / f"{name}.txt"
    if not file.is_file():
        return []
    lines = file.read_text(encoding="utf-8").splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]
