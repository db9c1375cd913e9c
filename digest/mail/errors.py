"""What can go wrong with a mail, as one tree. No message of it ever holds an address.

MailError
├── SlotError       a marker stands where none may, or a value does not fit its slot
├── HeaderError     a value that cannot become a header, or a block that is not what was meant
├── AddressError    an address that cannot stand in an envelope; `digest.rendering.errors` has what templates do
└── DkimKeyError    a key that cannot sign for us; told at start
"""


class MailError(Exception):
    """Base of everything this room raises on purpose."""


class SlotError(MailError):
    """A marker stands where none may, or a value does not fit its slot."""


class HeaderError(MailError):
    """A value cannot become a header, or the finished block is not the one that was meant."""


class AddressError(MailError):
    """An address cannot stand in an envelope or a header."""


class DkimKeyError(MailError):
    """A key cannot sign for this sender."""
