"""Which entries of a document are articles we know, and which are new. Pure: the heart of "once, and never lost".

The rules in their order: an entry's own keys (id, id without scheme, link, link with title); an address or headline
that was edited; a site that moved; the same address in another feed; else it is new. A known article is given to one
entry only: two entries that stand side by side are two articles.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from digest.feeds import retold
from digest.feeds.document import Candidate
from digest.feeds.keys import Entry, Key, entries, folded, id_mode
from digest.feeds.known import Known, Link, Plan
from digest.feeds.models import Feed, IdMode
from digest.feeds.verdicts import Found, decide, outranks

_LATER: Final = timedelta(days=7)
_CLEARED: Final = timedelta(days=90)


def reconcile(candidates: Iterable[Candidate], known: Known, feed: Feed, *, now: datetime) -> Plan:
    """Say what every entry of a document is. Changes nothing; the same document twice yields nothing new."""
    told = list(candidates)
    mode = id_mode(told, feed.id_mode)
    work = _Reconciliation(entries(told, feed_id=feed.id, mode=mode), known, feed, now=now)
    work.by_keys(mode)
    work.by_story()
    if mode is not IdMode.LINK_TITLE:
        work.by_address()
    verdicts, is_flood = decide(work.found(), known, feed, now=now)
    return Plan(verdicts=verdicts, id_mode=mode, is_flood=is_flood)


def lookups(candidates: Iterable[Candidate], feed: Feed) -> set[Key]:
    """Every key that `reconcile` will ask for."""
    told = list(candidates)
    found: set[Key] = set()
    for entry in entries(told, feed_id=feed.id, mode=id_mode(told, feed.id_mode)):
        found.update(entry.keys)
        found.update([entry.paired] if entry.paired else [])
    return found


class _Reconciliation:
    """The state of one document between the rules: who is whose, and who was refused by whom."""

    def __init__(self, told: list[Entry], known: Known, feed: Feed, *, now: datetime) -> None:
        self._known = known
        self._feed = feed
        self._now = now
        # The rules walk in an order of their own: a document told backwards means the same.
        self._entries = dict(enumerate(sorted(told, key=_stable)))
        self._mine: dict[int, int] = {}
        self._taken: set[int] = set()
        self._links: dict[int, Link] = {}
        self._refused: dict[int, set[int]] = {}

    # -- the rules ----------------------------------------------------------------------------------------------

    def by_keys(self, mode: IdMode) -> None:
        """Recognise entries by their own keys, the strongest first, as far as the feed's keys can be believed."""
        self._by("paired")
        if mode is IdMode.GUID:
            self._by("guid")
            self._by("guid_alt")
        if mode is not IdMode.LINK_TITLE:
            self._by("link")
        weak = {index for index, entry in self._unknown().items() if _is_weak(entry, mode)}
        self._by("link_title", only=weak)

    def by_story(self) -> None:
        """Recognise edited addresses and headlines, then a whole feed that moved."""
        previous = [self._known.articles[one] for one in self._known.previous if one in self._known.articles]
        gone = retold.vanished(previous, self._taken)
        self._take_all(retold.retold(self._unknown(), gone), Link.RETOLD)
        left = [article for article in previous if article.id not in self._taken]
        self._take_all(retold.moved(self._unknown(), left, total=len(self._entries)), Link.MIGRATION)

    def by_address(self) -> None:
        """Recognise what another feed told before us, unless our word counts more and we say something else."""
        for index, entry in self._unknown().items():
            article_id = self._free(entry.url)
            if article_id is None or self._is_reused(entry, article_id, by="url"):
                self._refuse(index, article_id)
                continue
            article = self._known.articles.get(article_id)
            if (
                article
                and outranks(self._feed, entry.candidate, article)
                and not retold.are_alike(entry.candidate.title, article.title)
            ):
                self._refuse(index, article_id)
                continue
            self._take(index, article_id, Link.OTHER_FEED)

    def found(self) -> list[Found]:
        """What the rules found, entry by entry."""
        return [
            Found(
                entry=entry,
                article_id=self._mine.get(index),
                link=self._links.get(index, Link.KEY),
                refused=frozenset(self._refused.get(index, ())),
            )
            for index, entry in self._entries.items()
        ]

    # -- small questions ----------------------------------------------------------------------------------------

    def _unknown(self) -> dict[int, Entry]:
        return {index: entry for index, entry in self._entries.items() if index not in self._mine}

    def _by(self, name: str, *, only: set[int] | None = None) -> None:
        for index, entry in self._unknown().items():
            if only is not None and index not in only:
                continue
            article_id = self._free(getattr(entry, name))
            if article_id is None:
                continue
            if self._is_reused(entry, article_id, by=name):
                self._refuse(index, article_id)
            else:
                self._take(index, article_id)

    def _free(self, key: Key | None) -> int | None:
        """The article a key belongs to, unless another entry has it already."""
        article_id = self._known.keys.get(key) if key else None
        return None if article_id in self._taken else article_id

    def _take_all(self, pairs: Mapping[int, int], link: Link) -> None:
        for index, article_id in pairs.items():
            if article_id not in self._refused.get(index, ()):
                self._take(index, article_id, link)

    def _take(self, index: int, article_id: int, link: Link | None = None) -> None:
        self._mine[index] = article_id
        self._taken.add(article_id)
        if link is not None:
            self._links[index] = link

    def _refuse(self, index: int, article_id: int | None) -> None:
        if article_id is not None:
            self._refused.setdefault(index, set()).add(article_id)

    def _is_reused(self, entry: Entry, article_id: int, *, by: str) -> bool:
        """Whether a publisher gave a used id or address to something else: the other key, title and time differ."""
        if by in {"paired", "link_title"} or not self._differs(entry, article_id, by):
            return False
        if by in {"guid", "guid_alt"} and self._is_rather(entry, article_id):
            return True
        published = entry.candidate.published or self._now
        article = self._known.articles.get(article_id)
        if article is None:  # long cleared away: only a fresh date speaks for something new
            return entry.candidate.published is not None and published > self._now - _CLEARED
        if published - (article.published_at or article.first_seen_at) < _LATER:
            return False
        return not retold.are_alike(entry.candidate.title, article.title)

    def _is_rather(self, entry: Entry, article_id: int) -> bool:
        """Whether the link leads to another article that fits better than the one the id leads to."""
        other = self._known.articles.get(self._free(entry.link) or 0)
        article = self._known.articles.get(article_id)
        if other is None or article is None or other.id == article_id:
            return False
        title = entry.candidate.title
        return retold.are_alike(title, other.title) and not retold.are_alike(title, article.title)

    def _differs(self, entry: Entry, article_id: int, by: str) -> bool:
        article = self._known.articles.get(article_id)
        if by in {"guid", "guid_alt"}:
            is_same = self._known.keys.get(entry.link) == article_id if entry.link else True
            return not is_same and (article is None or bool(article.link_key))
        is_same = self._known.keys.get(entry.guid) == article_id if entry.guid else True
        return not is_same and (article is None or article.has_guid or article.feed_id != self._feed.id)


def _is_weak(entry: Entry, mode: IdMode) -> bool:
    """Whether nothing but link and title together is left to believe."""
    if mode is IdMode.LINK_TITLE:
        return True
    return entry.link is None and (mode is IdMode.LINK or entry.guid is None)


def _stable(entry: Entry) -> tuple[float, str, str, str]:
    one = entry.candidate
    return (-one.published.timestamp() if one.published else 0.0, one.guid, one.link_key, folded(one.title))
