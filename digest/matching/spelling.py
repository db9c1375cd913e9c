"""Spelling without knowledge of words: what is typed is cleaned, what is compared is plain.

Clean text is NFKC without soft hyphens and zero-width characters. Plain spelling is lower case with ä ö ü ß written
ae oe ue ss, the ligatures opened, and all other accents dropped, so that Müller, Mueller and MÜLLER are one.
"""

import re
import unicodedata

_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_LETTERS = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "oe",
        "ł": "l",
        "đ": "d",
        "ı": "i",
    }
)


def clean(text: str) -> str:
    """Text in NFKC without invisible characters; line ends and spaces stay."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))


def plain(text: str) -> str:
    """The plain spelling by which words are compared."""
    lower = text.lower()
    if lower.isascii():
        return lower
    lower = unicodedata.normalize("NFC", lower).translate(_LETTERS)
    if lower.isascii():
        return lower
    decomposed = unicodedata.normalize("NFKD", lower)
    return "".join(character for character in decomposed if not unicodedata.combining(character)).translate(
        _LETTERS
    )
