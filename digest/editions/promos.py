"""Promos: labelled boxes of the publisher. Which of them stand in a content is a pure choice, the same on every machine."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlmodel import Session, col

from digest.editions.labels import PromoLabel
from digest.editions.models import Content, Edition, EditionState, Promo, PromoPlace
from subscribers.models import Topic

AT_MOST: Final = 2
"""Promos a mail."""
_SLUG: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


class PromoError(Exception):
    """A promo that is not possible; the text is one sentence for the publisher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPromo:
    """A promo to be; without label, advertiser or a safe link it cannot exist. Raises PromoError."""

    slug: str
    label: PromoLabel
    advertiser: str
    title: str
    url: str
    text: str = ""
    image_url: str = ""
    image_width: int | None = None
    image_height: int | None = None
    language: str = ""
    topics: Sequence[str] = field(default=())
    """Slugs; with none it fits every topic."""
    starts_on: date | None = None
    ends_on: date | None = None
    place: PromoPlace = PromoPlace.MIDDLE
    weight: int = 1
    cap: int = 0

    def __post_init__(self) -> None:
        if not self.slug or not _SLUG.issuperset(self.slug):
            raise PromoError("The slug of a promo is made of a-z, 0-9 and hyphens.")
        if not (self.advertiser.strip() and self.title.strip()):
            raise PromoError("A promo needs an advertiser and a title: readers must see who pays for what.")
        if self.label.spoken(self.language) is not self.label:
            fitting = self.label.spoken(self.language)
            raise PromoError(f"In {self.language} mails {self.label} is called {fitting}: choose that label.")
        if not _is_page(self.url, "http", "https"):
            raise PromoError("The link of a promo starts with https:// or http://.")
        if self.image_url and not (
            _is_page(self.image_url, "https") and self.image_width and self.image_height
        ):
            raise PromoError("The picture of a promo comes over https and has a width and a height.")
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise PromoError("The promo would end before it starts.")
        if self.weight < 1 or self.cap < 0:
            raise PromoError("The weight of a promo is at least 1, and its cap at least 0 (no cap).")


class Offer(NamedTuple):
    """What choosing reads of an active promo; `topics` None fits all."""

    id: int
    language: str
    topics: frozenset[int] | None
    starts_on: date | None
    ends_on: date | None
    weight: int
    cap: int


def choose(
    offers: Iterable[Offer],
    *,
    on: date,
    language: str,
    topics: Collection[int],
    worn: Collection[int],
    seed: str,
) -> tuple[int, ...]:
    """The promos of a content, at most two, in the order of their ids.

    `on` is the edition's local date; `worn` are those whose cap the reader has reached. Who comes up is drawn by weight
    from `seed`, the edition's slot: equal readers get equal promos, and the next edition another draw.
    """
    fitting = [
        one
        for one in offers
        if one.id not in worn
        and (one.starts_on is None or one.starts_on <= on)
        and (one.ends_on is None or on <= one.ends_on)
        and one.language in {"", language.partition("-")[0]}
        and (one.topics is None or not one.topics.isdisjoint(topics))
    ]
    drawn = sorted(fitting, key=lambda one: (-_draw(seed, one), one.id))
    return tuple(sorted(one.id for one in drawn[:AT_MOST]))


def read_offers(session: Session) -> list[Offer]:
    """The active promos."""
    promos = (
        session.execute(select(Promo).where(col(Promo.is_active)).order_by(col(Promo.id))).scalars().all()
    )
    slugs = {slug for one in promos for slug in one.topics}
    rows = session.execute(select(col(Topic.slug), col(Topic.id)).where(col(Topic.slug).in_(slugs)))
    ids = {slug: topic for slug, topic in rows.all()}  # noqa: C416 - dict() of rows has no type
    return [
        Offer(
            one.id,
            one.language,
            frozenset(ids[slug] for slug in one.topics if slug in ids) if one.topics else None,
            one.starts_on,
            one.ends_on,
            one.weight,
            one.cap,
        )
        for one in promos
    ]


def add_promo(session: Session, wanted: NewPromo) -> Promo:
    """Offer a promo; the caller commits. Raises PromoError."""
    if session.execute(select(col(Promo.id)).where(col(Promo.slug) == wanted.slug)).first() is not None:
        raise PromoError(f"There is a promo {wanted.slug} already: choose another slug.")
    known = set(session.execute(select(col(Topic.slug)).where(col(Topic.slug).in_(wanted.topics))).scalars())
    if missing := sorted(set(wanted.topics) - known):
        raise PromoError(f"There is no topic {missing[0]}. `digest topics list` shows them.")
    values: dict[str, Any] = {name: getattr(wanted, name) for name in NewPromo.__dataclass_fields__}
    promo = Promo(**(values | {"topics": list(wanted.topics), "label": wanted.label.value}))
    session.add(promo)
    session.flush()
    return promo


def list_promos(session: Session) -> list[Promo]:
    """All promos, the newest first."""
    return list(session.execute(select(Promo).order_by(col(Promo.id).desc())).scalars())


def get_promo(session: Session, slug: str) -> Promo:
    """One promo. Raises PromoError."""
    promo: Promo | None = session.execute(select(Promo).where(col(Promo.slug) == slug)).scalar_one_or_none()
    if promo is None:
        raise PromoError(f"There is no promo {slug}. `digest promos list` shows them.")
    return promo


def set_active(session: Session, slug: str, *, is_active: bool) -> None:
    """Pause a promo or offer it again, from the next planned edition on. Raises PromoError."""
    get_promo(session, slug).is_active = is_active


def remove_promo(session: Session, slug: str) -> None:
    """Delete a promo. Raises PromoError while mails with it are under way: they must stay as they are."""
    promo = get_promo(session, slug)
    is_open = col(Edition.state).in_([EditionState.PLANNED, EditionState.SENDING, EditionState.HELD])
    shown = (
        select(col(Content.promos)).join(Edition, col(Edition.id) == col(Content.edition_id)).where(is_open)
    )
    if any(promo.id in ids for ids in session.execute(shown).scalars()):
        raise PromoError(f"Mails with {slug} are under way: pause it now and remove it when they are sent.")
    session.delete(promo)


def _is_page(url: str, *schemes: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname) and not any(sign.isspace() for sign in url)


def _draw(seed: str, one: Offer) -> float:
    """A number from 0 to 1, the higher the heavier: the best of such draws come up in proportion to their weights."""
    octets = hashlib.sha256(f"{seed}\0{one.id}".encode()).digest()[:8]
    drawn: float = ((int.from_bytes(octets) + 1) / 2**64) ** (1 / one.weight)
    return drawn
