"""Where filed atoms stand in an article: the article's own words lead to them.

The cost depends on the words of the article, not on the number of atoms.
"""

from bisect import insort
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TypeAlias

from digest.matching.article import Meta, Reading
from digest.matching.atoms import Atom, keys
from digest.matching.index import AtomIndex, Numbers
from digest.matching.memo import Memo
from digest.matching.syntax import Field
from digest.matching.text import CACHE_SIZE, Token

Places: TypeAlias = dict[int, list[int]]
"""Atom number to the positions where it begins, ascending; none for what is no text."""

_Seconds: TypeAlias = tuple[dict[str, Numbers], ...]


class PlaceFinder:
    """Finds atoms in articles and remembers what each distinct word led to.

    Valid while nothing is filed or taken out.
    """

    def __init__(self, index: AtomIndex) -> None:
        self._index = index
        self._known = [Memo(partial(_look_up, index, language)) for language in range(len(index.words))]

    @property
    def has_fields(self) -> bool:
        """Whether anything filed is no text."""
        return bool(self._index.meta) or len(self._index.patterns) > 1

    def places(self, reading: Reading) -> Places:
        """Every filed atom that stands in an article, with its positions."""
        language = self._index.language_index(reading.language)
        known = self._known[language]
        if len(known) > CACHE_SIZE:
            known.clear()
        found: Places = {}
        for position, token in enumerate(reading.tokens):
            entry = known[token]
            if entry is None:
                continue
            numbers, seconds = entry
            for number in numbers:
                if number in found:
                    found[number].append(position)
                else:
                    found[number] = [position]
            if seconds:
                self._add_phrases(found, seconds, reading, position)
        if reading.closed:
            self._add_closed(found, reading, language)
        found.update((number, []) for number in self._of_meta(reading))
        return found

    def _add_closed(self, found: Places, reading: Reading, language: int) -> None:
        for position, closed in reading.closed:
            for number in self._of_closed(closed, reading, position, language):
                _insert(found, number, position)

    def _of_closed(self, closed: Token, reading: Reading, position: int, language: int) -> Numbers:
        """A hyphen word written as one; a star that fits one of its parts does not count it again."""
        numbers = _of_token(self._index, language, closed)
        patterns = self._index.patterns[Field.ANY]
        if not numbers or not patterns:
            return numbers
        parts = reading.tokens[position : position + reading.closed_lengths[position]]
        fitting = {number for part in parts for form in part.forms for number in patterns.numbers(form)}
        return tuple(number for number in numbers if number not in fitting)

    def _add_phrases(self, found: Places, seconds: _Seconds, reading: Reading, position: int) -> None:
        for key in reading.tokens[position + 1].keys:
            for followers in seconds:
                if key in followers:
                    for number in followers[key]:
                        self._add_phrase(found, number, reading, position)

    def _add_phrase(self, found: Places, number: int, reading: Reading, position: int) -> None:
        atom = self._index.atoms[number]
        if len(atom.elements) == 2:
            _insert(found, number, position)
            return
        start = position - self._index.anchor_pair(atom)
        if start >= 0 and stands(atom, reading.tokens, start, self._index.language_index(reading.language)):
            _insert(found, number, start)

    def _of_meta(self, reading: Reading) -> Iterator[int]:
        if not self.has_fields:
            return
        index = self._index
        yield from index.meta.get((Field.LANGUAGE, reading.language), ())
        for field, rows in rows_of(reading.meta):
            patterns = index.patterns.get(field)
            for token in dict.fromkeys(token for row in rows for token in row):
                for number in index.meta.get((field, token), ()):
                    if is_in_rows(index.atoms[number], rows):
                        yield number
                if patterns:
                    yield from patterns.numbers(token)
        for host in hosts(reading.meta.host):
            yield from index.meta.get((Field.SOURCE, f"//{host}"), ())


def _look_up(index: AtomIndex, language: int, token: Token) -> tuple[Numbers, _Seconds] | None:
    """What a word leads to; None for most words."""
    pairs = index.pairs[language]
    entry = (_of_token(index, language, token), tuple(pairs[key] for key in token.keys if key in pairs))
    return entry if any(entry) else None


def _of_token(index: AtomIndex, language: int, token: Token) -> Numbers:
    words, patterns = index.words[language], index.patterns[Field.ANY]
    numbers = {number: None for key in token.keys for number in words.get(key, ())}
    if patterns:
        numbers |= {number: None for form in token.forms for number in patterns.numbers(form)}
    return tuple(numbers)


def stands(atom: Atom, tokens: Sequence[Token], start: int, language: int) -> bool:
    """Whether the elements of a phrase stand one after the other from `start` on."""
    if start + len(atom.elements) > len(tokens):
        return False
    return all(
        any(key in tokens[start + offset].keys for key in keys(element, language))
        for offset, element in enumerate(atom.elements)
    )


def rows_of(meta: Meta) -> Iterator[tuple[Field, tuple[tuple[str, ...], ...]]]:
    """The rows of tokens in which each field is looked up; a phrase stays within one row."""
    yield Field.SOURCE, (meta.source,)
    yield Field.AUTHOR, meta.authors
    yield Field.URL, (meta.url,)


def is_in_rows(atom: Atom, rows: Sequence[tuple[str, ...]]) -> bool:
    """Whether the tokens of an atom stand one after the other in one of the rows."""
    return place_in_rows(atom, rows) is not None


def place_in_rows(atom: Atom, rows: Sequence[tuple[str, ...]]) -> tuple[int, int] | None:
    """The row and the start where the tokens of an atom stand one after the other."""
    phrase = tuple(keys(element, 0)[0] for element in atom.elements)
    for number, row in enumerate(rows):
        for start in range(len(row) - len(phrase) + 1):
            if row[start : start + len(phrase)] == phrase:
                return number, start
    return None


def vocabulary(reading: Reading) -> set[str]:
    """Every key under which anything filed can be found in an article; `field:token` for what is no text."""
    closed = [token for _, token in reading.closed]
    found = {key for token in {*reading.tokens, *closed} for key in token.keys}
    found |= {f"{field}:{token}" for field, rows in rows_of(reading.meta) for row in rows for token in row}
    found |= {f"{Field.SOURCE}://{host}" for host in hosts(reading.meta.host)}
    return found | {f"{Field.LANGUAGE}:{reading.language}"}


def hosts(host: str) -> Iterator[str]:
    """A host and the domains it is part of, two labels at least."""
    while "." in host:
        yield host
        host = host.partition(".")[2]


def _insert(found: Places, number: int, position: int) -> None:
    positions = found.setdefault(number, [])
    if position not in positions:
        insort(positions, position)
