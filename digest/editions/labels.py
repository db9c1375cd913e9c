"""The closed set of promo labels: in a language of its own each, and the same thing said in the other ones.

Readers must see at once that a box is no news, so a mail prints the label in the language it is written in.
"""

from enum import StrEnum
from typing import Final


class PromoLabel(StrEnum):
    """What is printed first, in both parts."""

    ADVERTISEMENT = "Anzeige"
    PROMOTION = "Werbung"
    OWN_CAUSE = "In eigener Sache"
    ENGLISH_ADVERTISEMENT = "Advertisement"
    ENGLISH_PROMOTION = "Sponsored"
    ENGLISH_OWN_CAUSE = "From our own house"

    @property
    def language(self) -> str:
        """The code of the language it is written in."""
        return next(language for language, labels in _LABELS.items() if self in labels)

    def spoken(self, language: str) -> "PromoLabel":
        """The label that says the same in a language ("de-AT" is "de"); itself where that language has none."""
        place = _LABELS[self.language].index(self)
        return _LABELS.get(language.partition("-")[0], _LABELS[self.language])[place]


# The same labels in the same places, language by language.
_LABELS: Final = {
    "de": (PromoLabel.ADVERTISEMENT, PromoLabel.PROMOTION, PromoLabel.OWN_CAUSE),
    "en": (
        PromoLabel.ENGLISH_ADVERTISEMENT,
        PromoLabel.ENGLISH_PROMOTION,
        PromoLabel.ENGLISH_OWN_CAUSE,
    ),
}
