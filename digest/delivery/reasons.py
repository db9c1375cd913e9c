"""What each reason of a delivery means, in a sentence; the glossary and `digest editions show` say the same."""

from types import MappingProxyType

from digest.delivery.models import Reason

MEANING = MappingProxyType(
    {
        Reason.LATER: "the server asked to try again later",
        Reason.THROTTLED: "the server asked for fewer mails at a time",
        Reason.LOST: "the answer to the last line of the mail never came",
        Reason.LINK: "the connection ended before the mail was finished; it is tried again",
        Reason.EXPIRED: "its time was over before it could be sent",
        Reason.NO_SUCH_ADDRESS: "the server says that the address does not exist; it is suppressed",
        Reason.MAILBOX: "the server refused this mailbox, as when it is full",
        Reason.POLICY: "the server refused what we are or send, not this person",
        Reason.SIZE: "the mail is larger than the server takes",
        Reason.ADDRESS: "the address cannot be written to over SMTP",
        Reason.ERROR: "the mail could not be made; `digest editions show` says why",
        Reason.POISON: "workers died of it again and again",
        Reason.UNSUBSCRIBED: "the person left before the mail had begun",
        Reason.SUPPRESSED: "the address may not be written to",
        Reason.PAUSED: "the person paused before the mail had begun",
        Reason.ERASED: "the person had everything erased",
        Reason.CANCELLED: "the operator cancelled the edition",
        Reason.MERGED: "a later edition carries its news",
        Reason.RESTORED: "an older database was put back, and the operator chose to skip what it owed",
    }
)


def explain_reason(reason: str) -> str:
    """The meaning of a stored reason; an unknown one stands for itself."""
    return MEANING[Reason(reason)] if reason in MEANING else reason
