"""Empty sign-up forms, rendered once: until the offered topics are read again, only the form token is fresh."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

AT_MOST = 200
"""So many different addresses of the form are remembered; a visitor can invent more, but not fill the memory."""


@dataclass(slots=True)
class FormCache:
    """One app's forms; `marker` stands where the form token goes, and no text from outside can hold it."""

    marker: str = field(default_factory=lambda: secrets.token_hex(16))
    read_at: datetime | None = None
    pages: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def page(
        self, key: tuple[str, str], started: str, *, read_at: datetime | None, render: Callable[[str], str]
    ) -> str:
        """The page of a key with this token in it; `render` is called only if the topics were read since."""
        if read_at != self.read_at or len(self.pages) >= AT_MOST:
            self.pages, self.read_at = {}, read_at
        if key not in self.pages:
            before, _, after = render(self.marker).partition(self.marker)
            self.pages[key] = before, after
        before, after = self.pages[key]
        return f"{before}{started}{after}"
