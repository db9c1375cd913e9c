"""What can go wrong with people, as one tree.

SubscribersError
├── AddressError          the text is no address we can write to; `code` says why
├── TokenError
│   ├── InvalidToken      forged, damaged, of another purpose or key
│   └── ExpiredToken      genuine, but its time is over
├── AddressKeyChangedError  the key that hashes addresses is not the one the database was made with
├── AnchorError           a file of anchors holds a line that is none
├── HeaderError           a file of subscribers does not begin with our columns
└── RefusedError          the request is understood and not allowed now; `code` says why
"""


class SubscribersError(Exception):
    """Base of everything this package raises on purpose."""


class AddressError(SubscribersError):
    """The text is no address we can write to."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TokenError(SubscribersError):
    """A link cannot be honoured."""


class InvalidToken(TokenError):
    """The token is forged, damaged, made for another purpose, or signed by an unknown key."""


class ExpiredToken(TokenError):
    """The token is genuine, but its time is over."""


class AddressKeyChangedError(SubscribersError):
    """The key that hashes addresses is another one: suppression would forget everybody."""


class AnchorError(SubscribersError):
    """A file of anchors holds a line that is none; the text names it."""


class HeaderError(SubscribersError):
    """The first line of a file of subscribers does not name our columns; the text says which one is wrong."""


class RefusedError(SubscribersError):
    """The request is understood but not allowed in the present state."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
