"""By which keys an entry can be recognised. Pure.

A key is a digest of what a publisher repeats for the same article: its id, the id without what changes with a move
to https, its link, its link with its title. Keys that cannot tell two entries of one document apart are not made.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from digest.feeds.document import Candidate
from digest.feeds.models import IdMode, KeyKind
from digest.feeds.urls import url_key

ALL_FEEDS: Final = 0
_NO_WORD: Final = re.compile(r"[\W_]+")
_BAD_SHARE: Final = 0.05
_BAD_COUNT: Final = 3


@dataclass(frozen=True, slots=True)
class Key:
    """One row of ArticleKey without its article."""

    scope: int
    kind: KeyKind
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A candidate with its keys. `paired` is the id together with the link: it tells reused ids apart."""

    candidate: Candidate
    paired: Key | None
    guid: Key | None
    guid_alt: Key | None
    link: Key | None
    link_title: Key
    url: Key | None

    @property
    def keys(self) -> tuple[Key, ...]:
        """Every key to look for and to keep, without those that were not made."""
        made = (self.guid, self.guid_alt, self.link, self.link_title, self.url)
        return tuple(key for key in made if key is not None)


def entries(candidates: Sequence[Candidate], *, feed_id: int, mode: IdMode) -> list[Entry]:
    """Give every candidate its keys, each told twice by the document only once (the newest), in document order."""
    told = _once(candidates, mode=mode)
    guids = Counter(one.guid for one in told)
    alternates = Counter(one.guid_alt for one in told)
    links = Counter(one.link_key for one in told)
    return [
        _entry(
            one,
            feed_id,
            is_shared_guid=guids[one.guid] > 1,
            is_shared_alt=alternates[one.guid_alt] > 1,
            is_shared_link=links[one.link_key] > 1,
        )
        for one in told
    ]


def id_mode(candidates: Sequence[Candidate], mode: IdMode) -> IdMode:
    """Trust less, never more: ids, then links, of which more than 5 % and at least 3 are empty or repeated."""
    distinct = list({(one.guid, one.link_key, one.title): one for one in candidates}.values())
    if mode is IdMode.GUID and _are_bad([one.guid for one in distinct]):
        mode = IdMode.LINK
    if mode is IdMode.LINK and _are_bad([one.link_key for one in distinct]):
        mode = IdMode.LINK_TITLE
    return mode


def url_digest(url: str) -> str:
    """The digest by which keys of kind link and url know an address."""
    return _digest(url_key(url))


def folded(title: str) -> str:
    """Return a title as it is compared: lower case, only letters and digits, single spaces."""
    return _NO_WORD.sub(" ", title.casefold()).strip()


def _are_bad(values: Sequence[str]) -> bool:
    count = Counter(values)
    bad = sum(1 for value in values if not value or count[value] > 1)
    return bad >= _BAD_COUNT and bad > _BAD_SHARE * len(values)


def _once(candidates: Iterable[Candidate], *, mode: IdMode) -> list[Candidate]:
    newest: dict[tuple[str, ...], Candidate] = {}
    for one in candidates:
        same = _sameness(one, mode)
        if same not in newest or _age(one) > _age(newest[same]):
            newest[same] = one
    return sorted(newest.values(), key=lambda one: one.position)


def _sameness(one: Candidate, mode: IdMode) -> tuple[str, ...]:
    """What makes two entries of one document the same; what cannot be believed is helped by the title."""
    if mode is IdMode.GUID and one.guid and one.link_key:
        return (one.guid, one.link_key)
    return (one.guid if mode is IdMode.GUID else "", one.link_key, _name(one))


def _age(one: Candidate) -> tuple[float, float, str]:
    """Order versions of one entry; the fingerprint decides ties, so that the document's order does not matter."""
    published = one.published.timestamp() if one.published else 0.0
    updated = one.updated.timestamp() if one.updated else published
    return (max(published, updated), published, one.fingerprint)


def _entry(
    one: Candidate, feed_id: int, *, is_shared_guid: bool, is_shared_alt: bool, is_shared_link: bool
) -> Entry:
    paired = _key(feed_id, KeyKind.GUID, f"{one.guid}\0{one.link_key or _name(one)}") if one.guid else None
    guid = _key(feed_id, KeyKind.GUID, one.guid) if one.guid else None
    has_alt = bool(one.guid_alt) and not is_shared_guid and not is_shared_alt
    has_link = not is_shared_link and _names_a_page(one.link_key)
    return Entry(
        candidate=one,
        paired=paired,
        guid=paired if is_shared_guid else guid,
        guid_alt=_key(feed_id, KeyKind.GUID_ALT, one.guid_alt) if has_alt else None,
        link=_key(feed_id, KeyKind.LINK, one.link_key) if has_link else None,
        link_title=_key(feed_id, KeyKind.LINK_TITLE, f"{one.link_key}\0{_name(one)}"),
        url=_key(ALL_FEEDS, KeyKind.URL, one.link_key) if has_link else None,
    )


def _name(one: Candidate) -> str:
    """What stands for an entry that has nothing better: its title, or its text. So every entry has a key."""
    return folded(one.title) or one.summary


def _names_a_page(link_key: str) -> bool:
    """Whether a link says more than whose site it is; a bare home page recognises nothing."""
    return "/" in link_key or "?" in link_key


def _key(scope: int, kind: KeyKind, text: str) -> Key:
    return Key(scope, kind, _digest(text))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
