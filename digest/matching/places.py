"""Where filed atoms stand in an article: the article's own words lead to them.

The cost depends on the words of the article, not on the number of atoms.
"""

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import compress
from typing import Final, NamedTuple, TypeAlias

from digest.matching.article import Meta, Reading
from digest.matching.atoms import Atom, keys
from digest.matching.index import AtomIndex, Numbers, pair_key
from digest.matching.memo import Key, Made, Memo
from digest.matching.syntax import Field
from digest.matching.text import CACHE_SIZE, Token

WEIGHTS: Final = (3.0, 2.5, 2.0, 1.0)
"""Of a value in title, category, lead and body."""
OFTEN_BONUS: Final = 0.5


Places: TypeAlias = dict[int, list[int]]
"""Atom number to the positions where it begins, ascending; none for what is no text."""

_Lead: TypeAlias = tuple[Numbers, bool, bool]
"""The atoms of one word, and whether filed pairs begin and end with it."""


class Facts(NamedTuple):
    """What an atom found in a language is: one word or several, and what it weighs in each rank, rarely and often."""

    is_word: bool
    exact: tuple[float, ...]
    rounded: tuple[float, ...]


class PlaceFinder:
    """Finds atoms in articles and remembers what each distinct word, and each two neighbours, led to.

    Valid while nothing is filed or taken out.
    """

    def __init__(self, index: AtomIndex) -> None:
        self._index = index
        languages = range(len(index.languages) + 1)
        self._words = [Memo(partial(_look_up, index, language)) for language in languages]
        self._pairs = [Memo(partial(_of_pair, index, language)) for language in languages]
        self._scores: Memo[float, Sequence[tuple[float, ...]]] = Memo(_scores)
        self._facts = [Memo(partial(_facts, index, language, self._scores)) for language in languages]

    def facts(self, language: int) -> Mapping[int, Facts]:
        """What each atom is in a language, by number."""
        return _bounded(self._facts[language])

    @property
    def has_fields(self) -> bool:
        """Whether anything filed is no text."""
        return bool(self._index.meta) or len(self._index.patterns) > 1

    def places(self, reading: Reading) -> Places:
        """Every filed atom that stands in an article, with its positions."""
        language = self._index.language_index(reading.language)
        words, pairs = _bounded(self._words[language]), _bounded(self._pairs[language])
        tokens = reading.tokens
        found: Places = {}
        leads = list(map(words.__getitem__, tokens))
        for position, lead in compress(enumerate(leads), leads):
            if lead is None:
                continue
            numbers, is_start, _ = lead
            for number in numbers:
                if number in found:
                    found[number].append(position)
                else:
                    found[number] = [position]
            if is_start and (after := leads[position + 1]) and after[2]:
                for number in pairs[tokens[position], tokens[position + 1]]:
                    self._add_phrase(found, number, reading, position)
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


def _bounded(memo: Memo[Key, Made]) -> Memo[Key, Made]:
    if len(memo) > CACHE_SIZE:
        memo.clear()
    return memo


def _look_up(index: AtomIndex, language: int, token: Token) -> _Lead | None:
    """What a word leads to; None for most words."""
    numbers = _of_token(index, language, token)
    is_start = not index.starts.keys().isdisjoint(token.keys)
    is_end = not index.ends.keys().isdisjoint(token.keys)
    return (numbers, is_start, is_end) if numbers or is_start or is_end else None


def _of_token(index: AtomIndex, language: int, token: Token) -> Numbers:
    """The atoms that one word meets."""
    words, found = index.words, []
    for key in token.keys:
        if key in words:
            found += [number for number in words[key] if index.word_meets(number, key, language)]
    patterns = index.patterns[Field.ANY]
    if patterns:
        for form in token.forms:
            found += patterns.numbers(form)
    return tuple(dict.fromkeys(found)) if len(found) > 1 else tuple(found)


def _of_pair(index: AtomIndex, language: int, pair: tuple[Token, Token]) -> Numbers:
    """The phrases whose rarest pair two neighbours meet."""
    pairs = index.pairs
    keys_of_both = [
        (first, second)
        for first in pair[0].keys
        if first in index.starts
        for second in pair[1].keys
        if pair_key(first, second) in pairs
    ]
    found = {
        number: None
        for first, second in keys_of_both
        for number in pairs[pair_key(first, second)]
        if index.pair_meets(number, first, second, language)
    }
    return tuple(found)


def _facts(
    index: AtomIndex, language: int, scores: Mapping[float, Sequence[tuple[float, ...]]], number: int
) -> Facts:
    """A phrase weighs what its rarest word does."""
    elements, frequencies = index.atoms[number].elements, index.frequencies
    df = min([frequencies.df_of(keys(element, language)) for element in elements])
    return Facts(len(elements) == 1, *scores[frequencies.idf(df)])


def _scores(idf: float) -> Sequence[tuple[float, ...]]:
    exact = tuple((weight + bonus) * idf for weight in WEIGHTS for bonus in (0.0, OFTEN_BONUS))
    return exact, tuple(round(score, 4) for score in exact)


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
