"""Why an article is not news, or how it was recognised, in words: for each code a row may hold."""

from typing import Final

from digest.feeds.guards import NO_MAIL

_ENGLISH: Final[dict[str, str]] = {
    "baseline": "was there before the feed was first read",
    "late": "dated two days before the last look, so no news",
    "flood": "came with too many others at once",
    "expired": "came in a flood nobody decided about for 14 days",
    "discarded": "discarded by hand",
    NO_MAIL: f"its publisher does not want it mailed (tag {NO_MAIL})",
    "future_date": "dated in the future, so its arrival counts",
    "retold": "known, with an edited headline or address",
    "migration": "known, from before the site moved",
    "other_feed": "known from another feed",
    "reused": "its id or address was used for something else before",
}
_GERMAN: Final[dict[str, str]] = {
    "baseline": "stand schon im Feed, als er zum ersten Mal gelesen wurde",
    "late": "zwei Tage vor dem letzten Blick datiert, also keine Neuigkeit",
    "flood": "kam mit zu vielen anderen auf einmal",
    "expired": "kam in einer Flut, über die 14 Tage niemand entschied",
    "discarded": "von Hand verworfen",
    NO_MAIL: f"der Herausgeber möchte ihn nicht verschickt haben (Schlagwort {NO_MAIL})",
    "future_date": "in die Zukunft datiert, also zählt die Ankunft",
    "retold": "bekannt, Titel oder Adresse wurde geändert",
    "migration": "bekannt aus der Zeit vor dem Umzug der Seite",
    "other_feed": "bekannt aus einem anderen Feed",
    "reused": "seine Kennung oder Adresse gehörte früher zu etwas anderem",
}
REASONS: Final = frozenset(_ENGLISH)
"""Every code; a rule's reason is a sentence already."""


def in_words(reason: str, *, lang: str = "en") -> str:
    """Return the words for a code; what is none, such as a rule's own reason, stays as it is."""
    words = _GERMAN if lang.partition("-")[0] == "de" else _ENGLISH
    return words.get(reason, reason)
