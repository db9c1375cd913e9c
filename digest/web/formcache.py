"""Empty sign-up forms, rendered once: until the offered topics are read again, only form token and task are fresh."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, zip_longest

AT_MOST = 200
"""So many different addresses of the form are remembered; a visitor can invent more, but not fill the memory."""


@dataclass(slots=True)
class FormCache:
    """One app's forms; `marker` stands where something fresh goes, and no text from outside can hold it."""

    marker: str = field(default_factory=lambda: secrets.token_hex(16))
    read_at: datetime | None = None
    pages: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def page(
        self,
        key: tuple[str, str],
        fresh: Sequence[str],
        *,
        read_at: datetime | None,
        render: Callable[[str], str],
    ) -> str:
        """The page of a key with these texts at its markers; `render` is called only if the topics were read since."""
        if read_at != self.read_at or len(self.pages) >= AT_MOST:
            self.pages, self.read_at = {}, read_at
        if key not in self.pages:
            self.pages[key] = render(self.marker).split(self.marker)
        return "".join(chain.from_iterable(zip_longest(self.pages[key], fresh, fillvalue="")))
