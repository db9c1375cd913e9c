"""Which of the enabled languages a text is in, told from its first words."""

from collections.abc import Sequence
from typing import Final

from digest.matching.spelling import clean
from digest.matching.text import WORD, is_known
from digest.matching.wordlists import stop_words

_UMLAUTS: Final = frozenset("äöüßÄÖÜ")
_WORDS: Final = 60


def primary(tag: str | None) -> str:
    """The primary language of a tag in lower case: `de` for `de-AT`; empty for none."""
    return (tag or "").strip().replace("_", "-").split("-", maxsplit=1)[0].lower()


def guessed(text: str, languages: Sequence[str]) -> str:
    """The language of a text among those enabled, or empty if it cannot be told or none knows half of its words.

    More stop words decide (an umlaut counts for German); on a tie the dictionary that knows more words the other lacks.
    """
    cleaned = clean(text)
    words = [word for word in WORD.findall(cleaned)[:_WORDS] if not word[0].isdigit()]
    if not words:
        return ""
    known = {language: {word for word in words if is_known(word, language)} for language in languages}
    ranked = sorted(
        (_stops(words, cleaned, language), len(known[language]), language) for language in languages
    )
    if not ranked or (len(ranked) > 1 and ranked[-1][:2] == ranked[-2][:2]):
        return ""
    best = ranked[-1][2]
    return best if 2 * len(known[best]) >= len(set(words)) else ""


def _stops(words: Sequence[str], text: str, language: str) -> int:
    stops = stop_words(language)
    count = sum(word.lower() in stops for word in words)
    return count + (language == "de" and not _UMLAUTS.isdisjoint(text))
