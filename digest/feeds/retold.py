"""Entries whose keys all changed although the article is the same: an edited slug or headline, a move of house. Pure.

Both rules are careful in the same way: a pair counts only if neither side has another partner. What is not paired
is new; what is wrongly paired would be lost, what is wrongly not paired would be mailed twice.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Final

from digest.feeds.keys import Entry, folded
from digest.feeds.known import KnownArticle

_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_NUMBER: Final = re.compile(r"\d{5,}")
_DAY_NUMBER: Final = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})?")
_LONG_TITLE: Final = 25
_NEAR: Final = timedelta(hours=48)
_SAME_MINUTE: Final = timedelta(minutes=1)
_MOVED_COUNT: Final = 5
_HALF_THE_WORDS: Final = 0.5
_MOST_LETTERS: Final = 0.8

Pairs = dict[int, int]
"""Index of an entry → id of the article it tells."""


def are_alike(one: str, other: str) -> bool:
    """Whether two titles may be versions of one headline: half of the words, or nearly all of the letters.

    Letters alone would not do: two German headlines of fifty letters share half of them by chance.
    """
    first, second = folded(one), folded(other)
    if SequenceMatcher(None, first.split(), second.split(), autojunk=False).ratio() >= _HALF_THE_WORDS:
        return True
    return SequenceMatcher(None, first, second, autojunk=False).ratio() >= _MOST_LETTERS


def vanished(previous: Sequence[KnownArticle], listed: Iterable[int]) -> list[KnownArticle]:
    """Articles of the previous document that are missing now though something older is still listed.

    Older by date, where a date lacks by position. What merely rolled out of the window did not vanish; in a sorted
    document an old article pinned to the wrong end does not prove the contrary.
    """
    present = set(listed)
    side = _older_side(previous)
    return [
        article
        for place, article in enumerate(previous)
        if article.id not in present
        and any(
            other.id in present and _is_older(other, article, offset=other_place - place, side=side)
            for other_place, other in enumerate(previous)
        )
    ]


def retold(unknown: Mapping[int, Entry], gone: Sequence[KnownArticle]) -> Pairs:
    """Pair entries with vanished articles of the same host by a number in the address, or by title and date."""
    partners: dict[int, list[int]] = defaultdict(list)
    suitors: dict[int, int] = defaultdict(int)
    for index, entry in unknown.items():
        for article in gone:
            if _is_retold(entry, article):
                partners[index].append(article.id)
                suitors[article.id] += 1
    return {
        index: found[0] for index, found in partners.items() if len(found) == 1 and suitors[found[0]] == 1
    }


def moved(unknown: Mapping[int, Entry], previous: Sequence[KnownArticle], *, total: int) -> Pairs:
    """Pair most of a document with the previous one after a change of host or of all addresses; else nothing.

    Tried when at least 5 entries and half of all are unknown; believed when at least half of those find a partner.
    """
    if len(unknown) < _MOVED_COUNT or 2 * len(unknown) < total:
        return {}
    pairs = _unique(
        {index: _path(entry.candidate.link_key) for index, entry in unknown.items()},
        {article.id: _path(article.link_key) for article in previous},
    )
    rest = {index: entry for index, entry in unknown.items() if index not in pairs}
    left = {article.id: article for article in previous if article.id not in pairs.values()}
    by_title = _unique(
        {index: folded(entry.candidate.title) for index, entry in rest.items()},
        {identity: folded(article.title) for identity, article in left.items()},
    )
    pairs |= {
        index: identity
        for index, identity in by_title.items()
        if _is_same_minute(rest[index], left[identity])
    }
    return pairs if 2 * len(pairs) >= len(unknown) else {}


def _older_side(previous: Sequence[KnownArticle]) -> int:
    """Where the older articles of a document stand: 1 below, -1 above, 0 anywhere."""
    dates = [article.published_at for article in previous if article.published_at is not None]
    falls = sum(1 for one, following in pairwise(dates) if following < one)
    rises = sum(1 for one, following in pairwise(dates) if following > one)
    if falls >= 4 * rises:  # also a document without dates: newest first is the custom
        return 1
    return -1 if rises >= 4 * falls else 0


def _is_older(other: KnownArticle, article: KnownArticle, *, offset: int, side: int) -> bool:
    is_beyond = offset * (side or 1) > 0
    if other.published_at is None or article.published_at is None:
        return is_beyond
    return other.published_at < article.published_at and (is_beyond or not side)


def _is_retold(entry: Entry, article: KnownArticle) -> bool:
    one = entry.candidate
    if not one.link_key or _host(one.link_key) != _host(article.link_key):
        return False
    if _numbers(one.link_key) & _numbers(article.link_key):
        return True
    title = folded(one.title)
    if len(title) < _LONG_TITLE or title != folded(article.title):
        return False
    if one.published is None or article.published_at is None:
        return False
    return abs(one.published - article.published_at) <= _NEAR


def _is_same_minute(entry: Entry, article: KnownArticle) -> bool:
    published = entry.candidate.published
    if published is None or article.published_at is None:
        return published is article.published_at
    return abs(published - article.published_at) <= _SAME_MINUTE


def _unique(entries: Mapping[int, str], articles: Mapping[int, str]) -> Pairs:
    """Pair equal values that stand once on either side; empty values never."""
    ours, theirs = _once(entries), _once(articles)
    return {index: theirs[value] for value, index in ours.items() if value and value in theirs}


def _once(values: Mapping[int, str]) -> dict[str, int]:
    holders: dict[str, list[int]] = defaultdict(list)
    for identity, value in values.items():
        holders[value].append(identity)
    return {value: found[0] for value, found in holders.items() if len(found) == 1}


def _host(link_key: str) -> str:
    return link_key.split("/", 1)[0].split("?", 1)[0]


def _path(link_key: str) -> str:
    return link_key[len(_host(link_key)) :]


def _numbers(link_key: str) -> set[str]:
    """The UUIDs and long numbers of the last path segment; a day written as a number names no article."""
    segment = _path(link_key).split("?", 1)[0].rstrip("/").rpartition("/")[2].lower()
    uuids = set(_UUID.findall(segment))
    numbers = _NUMBER.findall(_UUID.sub(" ", segment))
    return uuids | {number for number in numbers if not _DAY_NUMBER.fullmatch(number)}
