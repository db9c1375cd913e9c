"""What can go wrong with topics, as one tree.

MatchingError
├── QueryError       the text is no query; `position` and `hint` say where and why
└── TopicError       a topic cannot be made, changed or found; the text is one sentence
"""

from digest.matching.hints import Hint


class MatchingError(Exception):
    """Base of everything this room raises on purpose."""


class QueryError(MatchingError):
    """The text is no query: `position` in what was typed (from 0), `hint` one English sentence."""

    def __init__(self, reason: Hint) -> None:
        super().__init__(reason.position, reason.sentence())
        self.reason = reason
        self.position = reason.position
        self.hint = reason.sentence()

    def __str__(self) -> str:
        """Return the sentence, for a log or a terminal."""
        return self.hint

    def sentence(self, language: str = "en") -> str:
        """The reason as one sentence in German (`de`) or English."""
        return self.reason.sentence(language)


class TopicError(MatchingError):
    """A topic cannot be made, changed or found; the text is one sentence for the person who asked."""
