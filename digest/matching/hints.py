"""What a query's writer is told: a code, a place, and one sentence in the reader's language."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class HintCode(StrEnum):
    """What was read differently than it may have been meant; the query works."""

    UNKNOWN_FIELD = "unknown_field"
    QUOTE_CLOSED = "quote_closed"
    BRACKET_CLOSED = "bracket_closed"
    LONELY_MINUS = "lonely_minus"
    LOWER_CASE_OR = "lower_case_or"
    IGNORED_WORD = "ignored_word"
    COMMA_IS_OR = "comma_is_or"
    PARTIAL_EXCLUSION = "partial_exclusion"
    STAR_IGNORED = "star_ignored"
    UNSEGMENTED = "unsegmented"


class ErrorCode(StrEnum):
    """Why a text is no query."""

    EMPTY = "empty"
    ONLY_EXCLUSIONS = "only_exclusions"
    ONLY_IGNORED = "only_ignored"
    EMPTY_ALTERNATIVE = "empty_alternative"
    ONLY_LANGUAGE = "only_language"
    STAR_TOO_SHORT = "star_too_short"
    BAD_COUNT = "bad_count"
    STRAY_BRACKET = "stray_bracket"
    SECOND_IN = "second_in"
    MISPLACED_IN = "misplaced_in"
    TOO_LONG = "too_long"
    TOO_MANY_VALUES = "too_many_values"
    TOO_DEEP = "too_deep"
    LONG_WORD = "long_word"
    TOO_MANY_STARS = "too_many_stars"


@dataclass(frozen=True, slots=True)
class Hint:
    """One remark about a typed query: `position` counts characters of what was typed, from 0."""

    code: HintCode | ErrorCode
    position: int
    word: str = ""

    def sentence(self, language: str = "en") -> str:
        """The remark as one sentence, in German for `de` and in English otherwise."""
        german, english = _SENTENCES[self.code]
        return (german if language.startswith("de") else english).format(
            word=self.word, upper=self.word.upper()
        )


_SENTENCES = MappingProxyType(
    {
        HintCode.UNKNOWN_FIELD: (
            "Es gibt kein Feld „{word}“; gesucht werden die Wörter selbst.",
            "There is no field “{word}”; the words themselves are searched.",
        ),
        HintCode.QUOTE_CLOSED: (
            "Das Anführungszeichen wurde am Ende geschlossen.",
            "The quotation mark was closed at the end.",
        ),
        HintCode.BRACKET_CLOSED: (
            "Die Klammer wurde am Ende geschlossen.",
            "The bracket was closed at the end.",
        ),
        HintCode.LONELY_MINUS: (
            "Ein Minus ohne Wort direkt dahinter schließt nichts aus.",
            "A minus without a word right after it excludes nothing.",
        ),
        HintCode.LOWER_CASE_OR: (
            "„{word}“ ist hier ein Wort; für „eines von beiden“ bitte {upper} schreiben.",
            "“{word}” is a word here; write {upper} for “one of both”.",
        ),
        HintCode.IGNORED_WORD: (
            "„{word}“ ist zu häufig und wird nicht gesucht.",
            "“{word}” is too common and is not searched.",
        ),
        HintCode.COMMA_IS_OR: (
            "Das Komma heißt ODER: Es genügt einer der Teile.",
            "The comma means OR: one of the parts is enough.",
        ),
        HintCode.PARTIAL_EXCLUSION: (
            "Der Ausschluss „{word}“ gilt nur für seinen Teil der Suche; mit Klammern gilt er für alle.",
            "The exclusion “{word}” belongs to its own part only; with brackets it holds for all.",
        ),
        HintCode.STAR_IGNORED: (
            "In Anführungszeichen und nach = hat der Stern keine Bedeutung.",
            "In quotation marks and after = a star has no meaning.",
        ),
        HintCode.UNSEGMENTED: (
            "Diese Schrift trennt Wörter nicht durch Leerzeichen; „{word}“ wird nur als Ganzes gefunden.",
            "This script puts no spaces between words; “{word}” is found only as a whole.",
        ),
        ErrorCode.EMPTY: ("Bitte schreiben, was gefunden werden soll.", "Please write what is to be found."),
        ErrorCode.ONLY_EXCLUSIONS: (
            "Nur Ausschlüsse: Bitte auch schreiben, was vorkommen soll.",
            "Only exclusions: please also write what must occur.",
        ),
        ErrorCode.ONLY_IGNORED: (
            "„{word}“ allein ist zu häufig; für die Abkürzung bitte {upper} in Großbuchstaben schreiben.",
            "“{word}” alone is too common; write {upper} in capitals for the abbreviation.",
        ),
        ErrorCode.EMPTY_ALTERNATIVE: (
            "In diesem Teil steht nichts, was vorkommen muss.",
            "This alternative says nothing that must occur.",
        ),
        ErrorCode.ONLY_LANGUAGE: (
            "Nur eine Sprache: Bitte auch schreiben, was vorkommen soll.",
            "Only a language: please also write what must occur.",
        ),
        ErrorCode.STAR_TOO_SHORT: (
            "Vor oder nach einem Stern stehen mindestens 3 Buchstaben, zwischen zweien mindestens 4.",
            "A star needs at least 3 letters beside it, two stars at least 4 between them.",
        ),
        ErrorCode.BAD_COUNT: (
            "Bitte so zählen: 2 VON (eins, zwei, drei), mit 2 bis 12 Werten.",
            "Please count like this: 2 OF (one, two, three), with 2 to 12 values.",
        ),
        ErrorCode.STRAY_BRACKET: (
            "Diese Klammer schließt nichts.",
            "This bracket closes nothing.",
        ),
        ErrorCode.SECOND_IN: ("in: darf nur einmal stehen.", "in: may stand only once."),
        ErrorCode.MISPLACED_IN: (
            "in: gilt für die ganze Suche und steht außerhalb von Klammern, Ausschlüssen und ODER-Teilen.",
            "in: holds for the whole query and stands outside of brackets, exclusions and alternatives.",
        ),
        ErrorCode.TOO_LONG: (
            "Die Suche ist zu lang: höchstens 512 Zeichen.",
            "The query is too long: 512 characters at most.",
        ),
        ErrorCode.TOO_MANY_VALUES: ("Höchstens 32 Wörter oder Werte.", "32 words or values at most."),
        ErrorCode.TOO_DEEP: ("Höchstens 8 Klammern ineinander.", "8 brackets inside each other at most."),
        ErrorCode.LONG_WORD: (
            "Ein Wort hat höchstens 64 Zeichen.",
            "A word has 64 characters at most.",
        ),
        ErrorCode.TOO_MANY_STARS: ("Höchstens 4 Sterne.", "4 stars at most."),
    }
)
