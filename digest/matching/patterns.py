"""Words with a star, looked up by the word: the cost depends on the word's length, not on the number of patterns."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from digest.matching.atoms import Style

_STYLES: Final = (Style.PREFIX, Style.SUFFIX, Style.INNER)


class Patterns:
    """Numbers filed under prefixes, suffixes and inner parts of words."""

    def __init__(self) -> None:
        self._numbers: dict[Style, dict[str, int]] = {style: {} for style in _STYLES}
        self._lengths: dict[Style, Counter[int]] = {style: Counter() for style in _STYLES}

    def __bool__(self) -> bool:
        return any(self._numbers.values())

    def add(self, style: Style, core: str, number: int) -> None:
        """File a number; a style and core stand for one number only."""
        self._numbers[style][core] = number
        self._lengths[style][len(core)] += 1

    def discard(self, style: Style, core: str) -> None:
        """Take a number out again."""
        del self._numbers[style][core]
        self._lengths[style][len(core)] -= 1
        self._lengths[style] = +self._lengths[style]

    def numbers(self, word: str) -> Iterator[int]:
        """The numbers whose pattern the word fits, possibly more than once."""
        for style, part in self._parts(word):
            number = self._numbers[style].get(part)
            if number is not None:
                yield number

    def _parts(self, word: str) -> Iterator[tuple[Style, str]]:
        size = len(word)
        for length in self._lengths[Style.PREFIX]:
            if length <= size:
                yield Style.PREFIX, word[:length]
        for length in self._lengths[Style.SUFFIX]:
            if length <= size:
                yield Style.SUFFIX, word[size - length :]
        for length in self._lengths[Style.INNER]:
            for start in range(size - length + 1):
                yield Style.INNER, word[start : start + length]


def fits(style: Style, core: str, word: str) -> bool:
    """Whether a word has the core of a pattern where its stars allow it."""
    match style:
        case Style.PREFIX:
            return word.startswith(core)
        case Style.SUFFIX:
            return word.endswith(core)
        case Style.INNER:
            return core in word
        case Style.WORDS:
            return word == core
