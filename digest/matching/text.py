"""Words as they are compared: a text becomes tokens, each with the forms under which it can be found.

A token is found under its plain spelling and, in an enabled language, its lemma. A value of a query has one form (or a
few where the writer's spelling leaves it open); they meet if that is among the token's forms. The only user of the
lemmatiser; everything here is pure and remembers only what it has computed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import simplemma
from simplemma.strategies import DefaultStrategy

from digest.matching.spelling import plain
from digest.matching.wordlists import all_stop_words, corrections, names_in_s

ANALYZER_VERSION: Final = f"2+simplemma-{simplemma.__version__}"
"""Changes whenever the same text may get other forms: own rules, then the lemmatiser's version."""

CACHE_SIZE: Final = 200_000

_UPPER = "A-ZÀ-ÖØ-Þ"
_PART = rf"(?:(?:[{_UPPER}]\.)+[{_UPPER}](?!\w)\.?|\w+(?:[:*]innen\b)?(?:[+#]+(?!\w))?)"
WORD: Final = re.compile(rf"{_PART}(?:[-\u2010]{_PART})*(?:['’][sS]\b)?")
"""One word with its hyphens; a final 's belongs to it and is not compared."""
PART: Final = re.compile(_PART)

_POSSESSIVE = re.compile(r"['’][sS]$")
_GENDER = re.compile(r"(\w{2,}?)(?:[:*_]innen|(?<=[a-zäöüß])Innen)$")
_UMLAUT = re.compile(r"ae|oe|(?<![aeqAEQ])ue|Ae|Oe|Ue")
_UMLAUTS: Final = {"ae": "ä", "oe": "ö", "ue": "ü", "Ae": "Ä", "Oe": "Ö", "Ue": "Ü"}
_ADJECTIVE_ENDINGS: Final = ("e", "er", "en", "em", "es")
_MAX_CLOSED_PARTS: Final = 3
_ABBREVIATION: Final = 4
"""So many capitals are read as an abbreviation."""


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """One token of a text: how it is printed, its plain spellings, and all forms it is found under."""

    printed: str
    plain: tuple[str, ...]
    forms: tuple[str, ...]
    is_capitals: bool
    keys: tuple[str, ...]
    """What an index files it under: the forms, `=` before each spelling, `^` before an abbreviation in capitals."""


@dataclass(frozen=True, slots=True, eq=False)
class HyphenWord:
    """Several tokens joined by hyphens; `closed` stands for the word written as one, if it has at most three parts."""

    printed: str
    tokens: tuple[Token, ...]
    closed: Token | None


def token(printed: str, spellings: tuple[str, ...], forms: tuple[str, ...], *, is_capitals: bool) -> Token:
    """A token with the keys that follow from its forms."""
    exact = tuple(f"={spelling}" for spelling in spellings)
    capitals = tuple(f"^{spelling}" for spelling in spellings) if is_capitals else ()
    return Token(printed, spellings, forms, is_capitals, forms + exact + capitals)


GAP: Final = token("", (), (), is_capitals=False)
"""Stands between zones; nothing meets it."""


def pieces(text: str, language: str) -> Iterator[Token | HyphenWord]:
    """The words of cleaned text in order, in the forms of a language (`""`: plain spelling only)."""
    for printed in WORD.findall(text):
        yield piece(printed, language)


def tokens(text: str, language: str) -> list[Token]:
    """The tokens of cleaned text, hyphen words taken apart."""
    found: list[Token] = []
    for word in pieces(text, language):
        if isinstance(word, Token):
            found.append(word)
        else:
            found += word.tokens
    return found


@lru_cache(maxsize=CACHE_SIZE)
def piece(printed: str, language: str) -> Token | HyphenWord:
    """One match of `WORD` with its forms; equal words are the same object while it is remembered."""
    parts = PART.findall(_POSSESSIVE.sub("", printed))
    if len(parts) == 1:
        return _token(parts[0], language, printed)
    inner = tuple(_token(part, language, part) for part in parts)
    closed = None
    if len(inner) <= _MAX_CLOSED_PARTS:
        closed = token(printed, (), closed_forms(parts, forms(parts[-1], language)), is_capitals=False)
    return HyphenWord(printed, inner, closed)


def value_parts(text: str) -> tuple[list[str], bool]:
    """The parts of a value's text, and whether it is one hyphen word that may also be written closed."""
    words = [_POSSESSIVE.sub("", word) for word in WORD.findall(text)]
    parts = [part for word in words for part in PART.findall(word)]
    return parts, len(words) == 1 and 1 < len(parts) <= _MAX_CLOSED_PARTS


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where in a cleaned text each token stands, in the order of `tokens`."""
    for word in WORD.finditer(text):
        end = word.start() + len(_POSSESSIVE.sub("", word.group()))
        parts = list(PART.finditer(text, word.start(), end))
        if len(parts) == 1:
            yield word.span()
        else:
            yield from (part.span() for part in parts)


def closed_forms(parts: list[str], last: tuple[str, ...]) -> tuple[str, ...]:
    """The forms of a hyphen word written as one, from its parts and the forms of the last."""
    before = "".join(plain(_undotted(part)) for part in parts[:-1])
    return tuple(before + form for form in last)


def _token(part: str, language: str, printed: str) -> Token:
    spellings = _spellings(part)
    every = dict.fromkeys(form for spelling in spellings for form in forms(spelling, language))
    return token(printed, tuple(map(plain, spellings)), tuple(every), is_capitals=_undotted(part).isupper())


def is_abbreviation(part: str) -> bool:
    """Whether a value asks for capitals: `IT` is meant, the pronoun is not."""
    return part.isupper() and plain(_undotted(part)) in all_stop_words()


def _undotted(part: str) -> str:
    return part.replace(".", "")


def _spellings(part: str) -> tuple[str, ...]:
    """What a written part is read as: `Forscher:innen` is Forscher and Forscherinnen."""
    if gender := _GENDER.fullmatch(part):
        stem = gender.group(1)
        return stem, f"{stem}innen"
    return (_undotted(part),)


def forms(word: str, language: str) -> tuple[str, ...]:
    """The forms a token in the text is found under, its plain spelling first."""
    spelling = plain(word)
    found = [spelling]
    lemma = _lemma(word, language)
    if lemma and lemma not in found:
        found.append(lemma)
    stem = _genitive_stem(word, lemma or spelling) if language == "de" else None
    if stem and stem not in found:
        found.append(stem)
    return tuple(found)


def value_forms(word: str, language: str) -> tuple[str, ...]:
    """The forms a value asks for in a text of this language: its lemma, and what its spelling leaves open."""
    found: dict[str, None] = {}
    for spelling in _spellings(word):
        found[_base(spelling, language)] = None
        if language == "de":
            found.update(dict.fromkeys(_open_spellings(spelling)))
    return tuple(found)


def plain_forms(word: str) -> tuple[str, ...]:
    """The plain spellings a value asks for where no lemma counts."""
    return tuple(plain(spelling) for spelling in _spellings(word))


def _open_spellings(word: str) -> Iterator[str]:
    """Lower case may be a noun typed in haste; a capital may be an adjective at the start of a name."""
    if word.islower():
        yield _base(word.capitalize(), "de")
    elif word.istitle():
        adjective = _german_lemma(word.lower()) or ""
        ending = word.lower().removeprefix(adjective)
        if len(adjective) > 5 and adjective.islower() and ending in _ADJECTIVE_ENDINGS:
            yield plain(adjective)


def _base(word: str, language: str) -> str:
    return forms(word, language)[-1]


@cache
def _strategy() -> DefaultStrategy:
    return DefaultStrategy(low_memory=True)


def _lemma(word: str, language: str) -> str | None:
    """The plain lemma, or None where the language has no dictionary or the word is an abbreviation."""
    if language == "de":
        lemma = _german_lemma(word)
    elif language == "en":
        lemma = _english_lemma(word)
    elif language in dictionaries():
        lemma = _strategy().get_lemma(word, language)
    else:
        return None
    return plain(lemma) if lemma else None


def _english_lemma(word: str) -> str | None:
    """The lemma of the lower-case word; `AI` is no form of `be`, nor any short word in capitals an irregular one."""
    lower = word.lower()
    lemma = corrections("en").get(lower) or _strategy().get_lemma(lower, "en")
    is_other = lemma is not None and not lemma.lower().startswith(lower[:2])
    return None if is_other and word.isupper() and len(word) <= _ABBREVIATION else lemma


def _german_lemma(word: str) -> str | None:
    if word.isupper():
        if len(word) <= _ABBREVIATION:
            return None
        word = word.capitalize()
    corrected = corrections("de").get(word)
    if corrected:
        return corrected
    if not is_known(word, "de"):
        word = next((other for other in _other_spellings(word) if is_known(other, "de")), word)
    return _strategy().get_lemma(word, "de")


def _other_spellings(word: str) -> Iterator[str]:
    """The word with umlauts for ae oe ue, and with ß for ss: typed without a German keyboard, or in Switzerland."""
    umlauted = _UMLAUT.sub(lambda found: _UMLAUTS[found.group()], word)
    yield umlauted
    yield word.replace("ss", "ß")
    yield umlauted.replace("ss", "ß")


def _genitive_stem(word: str, lemma: str) -> str | None:
    """Russland for Russlands: where the dictionary does not know better."""
    if not (len(word) > 5 and word[0].isupper() and word.endswith("s")) or lemma != plain(word):
        return None
    if word in names_in_s("de"):
        return None
    stem = word[:-1]
    if is_known(word, "de") and not _strategy().is_dictionary_member(stem, "de"):
        return None
    return plain(stem)


def is_known(word: str, language: str) -> bool:
    """Whether a dictionary has the word, in this case or the other."""
    member = _strategy().is_dictionary_member
    return member(word, language) or member(
        word.lower() if word[:1].isupper() else word.capitalize(), language
    )


@cache
def dictionaries() -> frozenset[str]:
    """The languages that have a dictionary."""
    from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES  # noqa: PLC0415 - private path

    return frozenset(SUPPORTED_LANGUAGES)
