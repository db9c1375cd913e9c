"""What the ledger keeps of a mail that could not be made: whose fault it is, and the sentence that says what is wrong."""

import re
from typing import Final

from digest.mail.errors import AddressError, MailError
from digest.mail.outcome import Outcome, Phase, Verdict, words
from digest.rendering import RenderingError

BAD_ADDRESS: Final = "5.1.3"
BAD_CONTENT: Final = "5.6.0"
"""RFC 3463: not this person but what everybody with this content would get."""

_ADDRESS: Final = re.compile(r"\S*@\S*")


def unmade(error: Exception) -> Outcome:
    """The end of a delivery whose mail raised this: our own errors in their words, without addresses, others by their names."""
    if isinstance(error, AddressError):
        code = BAD_ADDRESS
    else:
        code = BAD_CONTENT if isinstance(error, MailError | RenderingError) else ""
    sentence = _ADDRESS.sub("(an address)", str(error)) if code else type(error).__name__
    return Outcome(Verdict.REFUSED, Phase.LOCAL, enhanced=code, text=words(sentence.encode()))


def is_bad_content(outcome: Outcome) -> bool:
    """Whether everybody with this content is concerned."""
    return outcome.phase is Phase.LOCAL and outcome.enhanced == BAD_CONTENT
