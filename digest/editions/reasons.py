"""Of every article that matched: its place in the mail and why it is there, or why it is out."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from digest.db import in_batches
from digest.editions.choice import LIMITS
from digest.editions.material import ContentFacts, Material, articles_of
from digest.matching.models import Match
from subscribers.models import MailLength, Subscription

Scores = Mapping[int, Mapping[int, float]]
"""Of each article its score under each of the reader's topics."""


def reasons(
    session: Session, material: Material, content_id: int, *, reader_id: int, lately: Mapping[int, date]
) -> dict[str, Any]:
    """What became of all that matched, as plain JSON; `lately` says which articles earlier mails showed, and when."""
    content = material.contents[content_id]
    here = {article for name in ("shown", "folded", "muted") for article, *_ in content.selection[name]}
    here |= {*content.selection["carried"], *content.selection["expired"]}
    articles = articles_of(session, here | lately.keys())
    scores = _scores(session, articles, reader_id)
    before = [
        (one, f"sent before, on {on}") for one, on in lately.items() if one not in here and one in scores
    ]
    return {
        "shown": list(_shown(material, content, scores)),
        "out": [
            {"article": one, "title": articles[one].title, "score": _best(scores, one), "why": why}
            for one, why in [*_out(content, scores), *before]
            if one in articles
        ],
        "promos": [box["title"] for promo in content.promos if (box := material.promos.get(promo))],
    }


def _shown(material: Material, content: ContentFacts, scores: Scores) -> Iterator[dict[str, Any]]:
    names = {topic: named.name for topic, named in material.topics.items()}
    for place, item in enumerate(content.selection["shown"], start=1):
        article, topic, field, term, also, same_story, is_carried = item
        if article in material.articles:
            yield {
                "place": place,
                "article": article,
                "title": material.articles[article].title,
                "topic": names.get(topic, ""),
                "field": field,
                "term": term,
                "score": scores.get(article, {}).get(topic),
                "also": [names.get(other, "") for other in also],
                "same_story": same_story,
                "carried": bool(is_carried),
            }


def _out(content: ContentFacts, scores: Scores) -> Iterator[tuple[int, str]]:
    """Each article that stands nowhere, and why."""
    chosen = content.selection
    yield from ((article, f"the same story as article {head}") for article, head in chosen["folded"])
    for article in chosen["carried"]:
        yield article, f"{_no_room(content, scores.get(article, {}))}; it comes again in the next mail"
    for article in chosen["expired"]:
        yield article, f"{_no_room(content, scores.get(article, {}))}; it is not carried again"
    yield from ((article, f"muted: {why}") for article, why in chosen["muted"])


def _no_room(content: ContentFacts, topics: Iterable[int]) -> str:
    """Which bound kept an article out: where a place was left, it was the size of the mail."""
    limits = LIMITS[MailLength(content.length)]
    taken = Counter(item[1] for item in content.selection["shown"])
    if taken.total() >= limits.per_mail:
        return f"cap: {limits.per_mail} articles stand in the mail already"
    if all(taken[topic] >= limits.per_topic for topic in topics):
        return f"cap: {limits.per_topic} articles of its topic stand in the mail already"
    return "size: with it the mail would be too large to be shown whole"


def _scores(session: Session, articles: Collection[int], reader_id: int) -> Scores:
    theirs = select(col(Subscription.topic_id)).where(col(Subscription.subscriber_id) == reader_id)
    scores: dict[int, dict[int, float]] = defaultdict(dict)
    for batch in in_batches(sorted(articles)):
        rows = session.execute(
            select(col(Match.article_id), col(Match.topic_id), col(Match.score)).where(
                col(Match.article_id).in_(batch), col(Match.topic_id).in_(theirs)
            )
        )
        for article, topic, score in rows:
            scores[article][topic] = round(score, 3)
    return dict(scores)


def _best(scores: Scores, article: int) -> float | None:
    return max(scores.get(article, {}).values(), default=None)
