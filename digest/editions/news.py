"""What the slices of one edition share: read and worked out once, and let go when there is too much of it."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from sqlmodel import Session

from digest.editions.choice import Choice
from digest.editions.likeness import EditionLikeness
from digest.editions.models import Edition
from digest.editions.pool import Pool
from digest.editions.promos import Offer, choose, read_offers
from digest.matching.standing import Standings

KEPT_AT_MOST: Final = 50_000
"""Articles and topics that are kept from slice to slice; personal topics could be millions."""


class EditionNews:
    """The news of one edition, for the people of any of its slices."""

    def __init__(self, edition: Edition) -> None:
        self._release_no = edition.release_no
        self._now = edition.due_at
        self._local_date = edition.local_date
        self._slot = "\0".join(
            (edition.cadence, edition.local_time, edition.timezone, edition.local_date.isoformat())
        )
        self._offers: list[Offer] | None = None
        self._likeness = EditionLikeness()
        self._begin()

    def choice(self, session: Session, *, oldest: Mapping[int, int], carried: Iterable[int]) -> Choice:
        """Chooses from everything after `oldest[topic]` of each topic, and the left-over articles."""
        if len(self._pool.matches) + len(self._pool.facts) > KEPT_AT_MOST:
            self._begin()
        self._pool.read(session, oldest=oldest, carried=carried)
        alike = self._likeness.pairs(session, self._pool.facts, now=self._now)
        return Choice(self._pool, self._standings, alike)

    def has_caps(self, session: Session) -> bool:
        """Whether any promo may come only so often to one person."""
        return any(one.cap for one in self._promos(session))

    def worn(self, session: Session, had: Mapping[int, int]) -> tuple[int, ...]:
        """The promos that somebody who had them so often shall not get again."""
        return tuple(one.id for one in self._promos(session) if one.cap and had.get(one.id, 0) >= one.cap)

    def promos(
        self, session: Session, *, language: str, topics: Collection[int], worn: Collection[int]
    ) -> tuple[int, ...]:
        """The promos of a content."""
        return choose(
            self._promos(session),
            on=self._local_date,
            language=language,
            topics=topics,
            worn=worn,
            seed=self._slot,
        )

    def _promos(self, session: Session) -> list[Offer]:
        if self._offers is None:
            self._offers = read_offers(session)
        return self._offers

    def _begin(self) -> None:
        self._pool = Pool(self._release_no)
        self._standings = Standings(self._pool.facts, now=self._now)
