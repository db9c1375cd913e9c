"""A publisher over thirty days: what happens to its articles, and what its feed says of them each time we look.

The truth is known here: every entry belongs to a `Story`. A history is right if every story that came while we were
looking became news exactly once.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random

from digest.feeds.document import Candidate, ParsedEntry
from digest.feeds.identity import reconcile
from digest.feeds.keys import Key
from digest.feeds.known import Change, Known, KnownArticle, Plan, Standing
from digest.feeds.models import ArticleState, Feed, FeedState, Trust
from digest.feeds.normalize import normalize
from digest.feeds.urls import url_key

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
_WORDS = [
    "Rathaus",
    "Brücke",
    "Hochwasser",
    "Theater",
    "Schule",
    "Bahnhof",
    "Radweg",
    "Haushalt",
    "Museum",
    "Freibad",
    "Wochenmarkt",
    "Klinik",
    "Stadion",
    "Hafen",
    "Sparkasse",
    "Feuerwehr",
    "Bibliothek",
    "Flughafen",
    "Kindergarten",
    "Gericht",
    "Wald",
    "Brauerei",
    "Straßenbahn",
    "Rechenzentrum",
]
_DEEDS = [
    "öffnet",
    "schließt",
    "wird",
    "saniert",
    "sucht",
    "streitet",
    "gewinnt",
    "verliert",
    "plant",
    "feiert",
    "warnt",
    "spart",
    "wächst",
]


@dataclass
class Story:
    """One thing that was reported, whatever its address is today."""

    number: int
    published: datetime
    title: str
    guid: str
    link: str
    is_dated: bool = True
    is_hidden: bool = False
    tags: tuple[str, ...] = ()


@dataclass
class Publisher:
    """A site with a window of its newest stories, written by its `habits`; `edit` changes what a document says of them."""

    start: datetime
    rng: Random = field(default_factory=lambda: Random(7))
    host: str = "https://www.stadtblatt.example"
    window: int = 20
    stories: list[Story] = field(default_factory=list)
    habits: list[Callable[[Story], None]] = field(default_factory=list)
    edit: Callable[[list[ParsedEntry], datetime], list[ParsedEntry]] = lambda entries, _at: entries

    def write(self, at: datetime, **values: object) -> Story:
        """Publish a story."""
        number = len(self.stories) + 1
        title = self.headline()
        slug = title.lower().replace(" ", "-")
        story = Story(
            number=number,
            published=at,
            title=title,
            guid=f"{self.host}/?p={number}",
            link=f"{self.host}/{at:%Y/%m}/{slug}-{number}",
        )
        for name, value in values.items():
            setattr(story, name, value)
        for change in self.habits:
            change(story)
        self.stories.append(story)
        return story

    def headline(self) -> str:
        """A new headline."""
        return " ".join(
            [*self.rng.sample(_WORDS, 4), self.rng.choice(_DEEDS), f"{self.rng.randint(100, 99_999)}"]
        )

    def entries(self, at: datetime) -> list[ParsedEntry]:
        """What the feed says now, newest first; the summary holds the truth."""
        listed = [story for story in self.stories if story.published <= at and not story.is_hidden]
        listed.sort(key=lambda story: story.published, reverse=True)
        entries = [
            ParsedEntry(
                id=story.guid,
                title=story.title,
                link=story.link,
                published=story.published if story.is_dated else None,
                summary=f"S{story.number}",
                tags=story.tags,
            )
            for story in listed[: self.window]
        ]
        return self.edit(entries, at)


def candidates(entries: Iterable[ParsedEntry]) -> tuple[Candidate, ...]:
    """What the parser's process would give."""
    return tuple(_at(position, _normalized(entry)) for position, entry in enumerate(entries))


@lru_cache(maxsize=20_000)
def _at(position: int, candidate: Candidate) -> Candidate:
    return replace(candidate, position=position)


@lru_cache(maxsize=20_000)
def _normalized(entry: ParsedEntry) -> Candidate:
    return normalize(entry, position=0)


def story_of(candidate: Candidate) -> int:
    """The truth about an entry."""
    return int(candidate.summary[1:])


@dataclass
class Memory:
    """The tables as plain values: what `recall` and `store` do with rows, for one feed and pure tests."""

    feed: Feed
    keys: dict[Key, int] = field(default_factory=dict)
    articles: dict[int, KnownArticle] = field(default_factory=dict)
    accepted: list[int] = field(default_factory=list)
    born: list[tuple[int, ArticleState, str]] = field(default_factory=list)
    tellings: Counter[tuple[int, int]] = field(default_factory=Counter)

    def look(self, told: tuple[Candidate, ...], *, now: datetime) -> Plan:
        """Reconcile a document and keep what it means."""
        known = Known(
            keys=dict(self.keys),
            articles=dict(self.articles),
            previous=tuple(self.feed.document),
            per_hour=self._per_hour(now),
            most_accepted=max(self.accepted[-50:], default=0),
        )
        plan = reconcile(told, known, self.feed, now=now)
        if told:
            self._keep(plan, now)
        self.feed.last_ok_at = now
        return plan

    def release(self) -> None:
        """Cut a release: what is eligible now has been mailed."""
        for article_id, article in self.articles.items():
            if article.state is ArticleState.ELIGIBLE and not article.is_released:
                self.articles[article_id] = _replaced(article, is_released=True)

    def _keep(self, plan: Plan, now: datetime) -> None:
        document = []
        for one in plan.verdicts:
            article_id = one.article_id
            if article_id is None:
                article_id = len(self.articles) + 1
                assert one.state is not None
                self.born.append((story_of(one.candidate), one.state, one.reason))
            known = self.articles.get(article_id)
            if known is None or (one.change is Change.REWRITTEN):
                self._write(article_id, one.candidate, now, one.state)
            elif one.change is Change.NOTED:
                self.articles[article_id] = _replaced(known, fingerprint=one.candidate.fingerprint)
            self.keys |= dict.fromkeys(one.owned, article_id)
            self.tellings[article_id, story_of(one.candidate)] += 1
            document.append(article_id)
        self.feed.document, self.feed.id_mode, self.feed.baseline_done = document, plan.id_mode, True
        self.accepted.append(plan.accepted)

    def _write(self, article_id: int, one: Candidate, now: datetime, state: ArticleState | None) -> None:
        before = self.articles.get(article_id)
        self.articles[article_id] = KnownArticle(
            id=article_id,
            feed_id=self.feed.id,
            standing=Standing.OWN,
            link_key=url_key(one.link),
            title=one.title,
            published_at=before.published_at if before else one.published,
            first_seen_at=before.first_seen_at if before else now,
            fingerprint=one.fingerprint,
            state=state or (before.state if before else ArticleState.ELIGIBLE),
            state_reason="",
            is_released=before.is_released if before else False,
            has_guid=bool(one.guid),
            tags=one.tags,
        )

    def _per_hour(self, now: datetime) -> float:
        moments = [article.published_at or article.first_seen_at for article in self.articles.values()]
        recent = [moment for moment in moments if moment > now - 30 * DAY]
        if not recent:
            return 0.0
        return len(recent) / (max(now - min(recent), DAY) / HOUR)


def _replaced(article: KnownArticle, **values: object) -> KnownArticle:
    return replace(article, **values)  # type: ignore[arg-type]  # the test names real fields


def own_feed(now: datetime, **values: object) -> Feed:
    """A feed of the publisher's own that was just added."""
    feed = Feed(
        id=1,
        url="https://www.stadtblatt.example/feed",
        original_url="https://www.stadtblatt.example/feed",
        url_key="stadtblatt.example/feed",
        host="stadtblatt.example",
        trust=Trust.OWN,
        state=FeedState.NEW,
        next_check_at=now,
        state_since=now,
        created_at=now,
    )
    for name, value in values.items():
        setattr(feed, name, value)
    return feed
