"""What some people's mails are chosen from: the matches of their topics, what was left over, and facts of the articles."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col

from digest.db import in_batches
from digest.editions.fit import Octets, octets
from digest.feeds.models import Article, Feed
from digest.matching.models import Match
from digest.matching.standing import Facts
from subscribers.models import Topic


class Found(NamedTuple):
    """One match of a topic, filed by its release."""

    release_no: int
    article_id: int
    score: float
    field: str
    term: str


_FOUND: Final = (
    col(Match.topic_id),
    col(Article.release_no),
    col(Match.article_id),
    col(Match.score),
    col(Match.field),
    col(Match.term),
)


@dataclass(slots=True)
class Pool:
    """Matches by topic in the order of release, left-overs by article and topic, and the facts of all of them."""

    release_no: int
    matches: dict[int, list[Found]] = field(default_factory=lambda: defaultdict(list))
    carried: dict[int, dict[int, Found]] = field(default_factory=lambda: defaultdict(dict))
    facts: dict[int, Facts] = field(default_factory=dict)
    octets: dict[int, Octets] = field(default_factory=dict)
    """How much of a mail each article may take."""
    names: dict[int, str] = field(default_factory=dict)
    """Of the topics."""
    _since: dict[int, int] = field(default_factory=dict)
    """The release after which a topic's matches are here."""
    _starts: dict[tuple[int, int], int | None] = field(default_factory=dict)
    _hits: dict[tuple[int, int], tuple[list[Found], float]] = field(default_factory=dict)

    def read(self, session: Session, *, oldest: Mapping[int, int], carried: Iterable[int]) -> None:
        """See that of each topic everything after `oldest[topic]` is here, and every left-over article."""
        missing = {
            topic: since for topic, since in oldest.items() if since < self._since.get(topic, since + 1)
        }
        if missing:
            since = min(missing.values())
            self.matches.update(_matches_of(session, sorted(missing), since=since, up_to=self.release_no))
            self._since.update(dict.fromkeys(missing, since))
        if unknown := set(carried) - self.carried.keys():
            self.carried.update(_matches_by_topic(session, sorted(unknown)))
        articles = {one.article_id for topic in missing for one in self.matches.get(topic, ())} | unknown
        self._read_articles(session, articles - self.facts.keys())
        self.names.update(_names(session, missing.keys() - self.names.keys()))

    def _read_articles(self, session: Session, articles: Iterable[int]) -> None:
        for article, facts, size in _articles(session, articles):
            self.facts[article] = facts
            self.octets[article] = size

    def start(self, topic: int, since: int) -> int | None:
        """The release of the topic's first match after `since`; None if nothing came."""
        key = topic, since
        if key not in self._starts:
            found = self.matches.get(topic, [])
            place = bisect_right(found, since, key=_release)
            self._starts[key] = found[place].release_no if place < len(found) else None
        return self._starts[key]

    def hits(self, topic: int, start: int) -> tuple[list[Found], float]:
        """The topic's matches from the release `start` on, and the best of their scores."""
        key = topic, start
        if key not in self._hits:
            found = self.matches.get(topic, [])
            found = found[bisect_right(found, start - 1, key=_release) :]
            self._hits[key] = found, max((one.score for one in found), default=0.0)
        return self._hits[key]

    def left_over(self, articles: Iterable[int]) -> dict[int, list[Found]]:
        """The matches of left-over articles by topic, in the order given."""
        found: dict[int, list[Found]] = {}
        for article in articles:
            for topic, one in self.carried.get(article, {}).items():
                found.setdefault(topic, []).append(one)
        return found


def _release(one: Found) -> int:
    return one.release_no


def _matches() -> Any:
    return select(*_FOUND).join(Article, col(Article.id) == col(Match.article_id))


def _matches_of(session: Session, topics: Sequence[int], *, since: int, up_to: int) -> dict[int, list[Found]]:
    """The matches of each topic in some releases, in their order."""
    matches: dict[int, list[Found]] = defaultdict(list)
    for batch in in_batches(topics):
        rows = session.execute(
            _matches()
            .where(
                col(Match.topic_id).in_(batch),
                col(Article.release_no) > since,
                col(Article.release_no) <= up_to,
            )
            .order_by(col(Match.topic_id), col(Article.release_no), col(Match.article_id))
        )
        for topic, *found in rows:
            matches[topic].append(Found(*found))
    return matches


def _matches_by_topic(session: Session, articles: Sequence[int]) -> dict[int, dict[int, Found]]:
    """Of each article its matches by topic."""
    matches: dict[int, dict[int, Found]] = {article: {} for article in articles}
    for batch in in_batches(articles):
        for topic, *found in session.execute(_matches().where(col(Match.article_id).in_(batch))):
            matches[found[1]][topic] = Found(*found)
    return matches


def _articles(session: Session, articles: Iterable[int]) -> Iterator[tuple[int, Facts, Octets]]:
    """What choosing needs of each article, and how much of a mail it may take."""
    for batch in in_batches(sorted(articles)):
        rows = session.execute(
            select(
                col(Article.id),
                col(Article.effective_at),
                col(Article.source),
                col(Article.story_id),
                func.coalesce(col(Feed.weight), 0.0),
                col(Article.title),
                col(Article.language),
                col(Article.link),
                col(Article.summary),
                col(Article.image_url),
                col(Article.authors),
            )
            .outerjoin(Feed, col(Feed.id) == col(Article.feed_id))
            .where(col(Article.id).in_(batch))
        )
        for article, *rest, link, summary, image_url, authors in rows:
            facts = Facts(*rest)
            size = octets(
                title=facts.title,
                link=link,
                summary=summary,
                image_url=image_url,
                authors=authors,
                source=facts.source,
            )
            yield article, facts, size


def _names(session: Session, topics: Iterable[int]) -> dict[int, str]:
    names: dict[int, str] = {}
    for batch in in_batches(sorted(topics)):
        rows = session.execute(select(col(Topic.id), col(Topic.name)).where(col(Topic.id).in_(batch)))
        names.update((topic, name) for topic, name in rows)
    return names
