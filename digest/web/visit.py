"""One person at their own page, with the rights of the link they came by."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlmodel import Session

from digest.web.errors import Reason, Refused
from digest.web.site import Site
from subscribers import preferences
from subscribers.preferences import Preferences
from subscribers.tokens import Claims, Purpose, trimmed

T = TypeVar("T")
EITHER = (Purpose.ACCOUNT, Purpose.PREFERENCES)


@dataclass(frozen=True, slots=True)
class Visit:
    """One person at their own page, with the rights of the link they came by."""

    site: Site
    claims: Claims
    token: str

    @property
    def has_all_rights(self) -> bool:
        """Whether the link was mailed minutes ago for this very purpose."""
        return self.claims.purpose is Purpose.ACCOUNT

    @property
    def path(self) -> str:
        """The path of this page."""
        return self.site.paths.preferences(trimmed(self.token))

    def load(self, session: Session, *, add: UUID | None = None) -> Preferences:
        """What this person has; raises Refused for a link made before their links were renewed."""
        have = preferences.load(session, self.claims.subject, now=self.site.now(), add=add)
        if have is None or have.token_version != self.claims.version:
            raise Refused(410, Reason.EXPIRED_LINK)
        return have

    async def write(self, act: Callable[[Session, Preferences], T]) -> T:
        """Do something for this person, if the link still stands, in one transaction."""
        return await self.site.writer.write(lambda session: act(session, self.load(session)))
