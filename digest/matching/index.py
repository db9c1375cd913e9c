"""Atoms filed under the words that lead to them, so that an article's own words find them.

A single word is filed under its keys in all languages, a phrase under its rarest pair of neighbours, a star under its
part, what is no text under its field. The cost of an article depends on its words, not on the number of atoms.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from digest.matching.atoms import Atom, Element, Style, keys
from digest.matching.frequencies import Frequencies
from digest.matching.patterns import Patterns, fits
from digest.matching.syntax import Field

Numbers: TypeAlias = tuple[int, ...]
Table: TypeAlias = dict[Any, Numbers]
Change: TypeAlias = Callable[[Table, object, Numbers], None]

_STAR_COST: Final = 1e6
_FIELD_COST: Final = 1e9


class AtomIndex:
    """Files atoms under numbers and finds them in articles."""

    def __init__(self, languages: Sequence[str], frequencies: Frequencies) -> None:
        self.languages = tuple(languages)
        self.frequencies = frequencies
        self.atoms: list[Atom] = []
        self._numbers: dict[Atom, int] = {}
        self._uses: list[int] = []
        self._free: list[int] = []
        self.words: dict[str, Numbers] = {}
        """Words by each key of any language; `word_meets` tells whether it counts in one."""
        self.pairs: dict[str, Numbers] = {}
        """Phrases by `pair_key` of two neighbours, of any language too."""
        self.starts: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        """How many pairs begin and end with a key."""
        self.patterns: defaultdict[Field, Patterns] = defaultdict(Patterns)
        self.meta: dict[tuple[Field, str], Numbers] = {}

    def number(self, atom: Atom) -> int:
        """The number of an atom, filed on first sight; `hold` it."""
        number = self._numbers.get(atom)
        if number is None:
            number = self._numbers[atom] = self._placed(atom)
            self._file(atom, (number,), _with)
        return number

    def _placed(self, atom: Atom) -> int:
        if self._free:
            number = self._free.pop()
            self.atoms[number] = atom
            return number
        self.atoms.append(atom)
        self._uses.append(0)
        return len(self.atoms) - 1

    def hold(self, number: int) -> None:
        """Count one more use of an atom."""
        self._uses[number] += 1

    def release(self, number: int) -> None:
        """Give back one use of an atom; the last one takes it out."""
        self._uses[number] -= 1
        if self._uses[number]:
            return
        atom = self.atoms[number]
        self._file(atom, (number,), _without)
        del self._numbers[atom]
        self._free.append(number)

    def language_index(self, language: str) -> int:
        """Which entry of an element counts for a language."""
        return self.languages.index(language) if language in self.languages else len(self.languages)

    def _file(self, atom: Atom, alone: Numbers, change: Change) -> None:
        if atom.style is not Style.WORDS:
            core = keys(atom.elements[0], 0)[0]
            patterns = self.patterns[atom.field]
            if change is _with:
                patterns.add(atom.style, core, alone[0])
            else:
                patterns.discard(atom.style, core)
        elif atom.field is Field.ANY:
            self._file_text(atom, alone, change)
        else:
            change(self.meta, (atom.field, keys(atom.elements[0], 0)[0]), alone)
            if atom.host:
                change(self.meta, (atom.field, f"//{atom.host}"), alone)

    def _file_text(self, atom: Atom, alone: Numbers, change: Change) -> None:
        for key in _every_key(atom.elements[0] if len(atom.elements) == 1 else atom.closed or ()):
            change(self.words, key, alone)
        if len(atom.elements) == 1:
            return
        start = self.anchor_pair(atom)
        for first in _every_key(atom.elements[start]):
            for second in _every_key(atom.elements[start + 1]):
                change(self.pairs, pair_key(first, second), alone)
                _count(self.starts, first, change)
                _count(self.ends, second, change)

    def word_meets(self, number: int, key: str, language: int) -> bool:
        """Whether an atom found under a word's key counts in a language."""
        atom = self.atoms[number]
        return key in keys(atom.elements[0] if len(atom.elements) == 1 else atom.closed or (), language)

    def pair_meets(self, number: int, first: str, second: str, language: int) -> bool:
        """Whether a phrase found under a pair of keys counts in a language."""
        atom = self.atoms[number]
        start = self.anchor_pair(atom)
        return first in keys(atom.elements[start], language) and second in keys(
            atom.elements[start + 1], language
        )

    def anchor_pair(self, atom: Atom) -> int:
        """Where in a phrase the pair begins under which it is filed: the rarest, else the first."""
        count = len(atom.elements) - 1
        if count == 1:
            return 0
        rarity = [self._df(element) for element in atom.elements]
        return min(range(count), key=lambda start: min(rarity[start], rarity[start + 1]))

    def leading_keys(self, number: int, vocabulary: Iterable[str]) -> set[str]:
        """The keys of a vocabulary (as `places.vocabulary` makes it) of which every place of an atom holds one."""
        atom = self.atoms[number]
        start = "" if atom.field is Field.ANY else f"{atom.field}:"
        if atom.style is not Style.WORDS:
            core = keys(atom.elements[0], 0)[0]
            return {
                word
                for word in vocabulary
                if word.startswith(start) and fits(atom.style, core, word[len(start) :])
            }
        elements = (atom.elements[0], atom.closed or ())
        found = {start + key for element in elements for forms in element for key in forms}
        return found | {f"{start}//{atom.host}"} if atom.host else found

    def cost(self, number: int) -> float:
        """How often an atom may be met, roughly: rare words are cheap, stars and fields are not."""
        atom = self.atoms[number]
        if atom.style is not Style.WORDS:
            return _STAR_COST
        if atom.field is not Field.ANY:
            return _FIELD_COST
        return min(map(self._df, atom.elements)) / len(atom.elements)

    def _df(self, element: Element) -> int:
        """In how many articles a word stands, in the language in which it stands most."""
        return max(map(self.frequencies.df_of, element))


def pair_key(first: str, second: str) -> str:
    """Two neighbours as one key; no key of a word holds a space."""
    return f"{first} {second}"


def _every_key(element: Element) -> set[str]:
    return {key for forms in element for key in forms}


def _count(counts: Counter[str], key: str, change: Change) -> None:
    counts[key] += 1 if change is _with else -1
    if not counts[key]:
        del counts[key]


def _with(table: Table, key: object, alone: Numbers) -> None:
    table[key] = table[key] + alone if key in table else alone


def _without(table: Table, key: object, alone: Numbers) -> None:
    left = tuple(number for number in table[key] if number not in alone)
    if left:
        table[key] = left
    else:
        del table[key]
