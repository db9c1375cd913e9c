"""What can go wrong with a template, as one tree.

RenderingError
├── TemplateError    the template cannot be used; found when it is loaded, with file, line and remedy
├── RenderError      this content cannot be rendered
├── UnfitError       the result breaks a rule that every mail must keep (rendering.checks)
└── TooLargeError    the result is larger than a mail may be
"""


class RenderingError(Exception):
    """Base of everything this room raises on purpose."""


class TemplateError(RenderingError):
    """A template cannot be used; the text names file, line and reason."""

    def __init__(self, reason: str, *, file: str, line: int = 1) -> None:
        super().__init__(f"{file}:{line}: {reason}")
        self.file = file
        self.line = line
        self.reason = reason


class RenderError(RenderingError):
    """A content cannot be rendered."""


class UnfitError(RenderingError):
    """What came out may not be sent; the text is one sentence with every reason."""


class TooLargeError(RenderingError):
    """The result is larger than a mail may be."""
