"""What one person's topics brought lately, without what they muted: the articles of their own feed."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import select
from sqlmodel import Session, col

from digest.editions import mutes
from digest.editions.mutes import Quiet
from digest.feeds.models import Article
from digest.matching.models import Match
from digest.matching.stored import COLUMNS, article_texts
from digest.web.reading import FEED_LENGTH, follows, newest
from subscribers.models import Subscriber, Subscription

_READ_AT_MOST = 250
"""So many articles are looked at for fifty that are not muted."""


def articles_of_person(session: Session, person: Subscriber, *, today: date) -> Sequence[Article]:
    """The newest released articles on what somebody follows; `today` is the day on their own calendar."""
    found = newest(session, which=follows(person.id), limit=_READ_AT_MOST)
    ids = [one.id for one in found]
    muted = mutes.of(session, [person.id], local_date=today).get(person.id, [])
    quiet = Quiet.of(muted, _said(session, mutes.words(muted), ids))
    heard = _heard(session, person.id, ids, quiet=quiet, today=today)
    kept = [one for one in found if one.id in heard and not _is_muted(one, quiet)]
    return kept[:FEED_LENGTH]


def _is_muted(article: Article, quiet: Quiet) -> bool:
    return bool(quiet.reason(article.id, source=article.source, story_id=article.story_id))


def _said(session: Session, words: set[str], ids: Sequence[int]) -> Mapping[str, frozenset[int]]:
    """Of each muted word the articles that say so."""
    if not words:
        return {}
    rows = session.execute(select(*COLUMNS).where(col(Article.id).in_(ids))).all()
    return mutes.saying(words, [one.text for one in article_texts(session, rows)])


def _heard(
    session: Session, subscriber_id: int, ids: Sequence[int], *, quiet: Quiet, today: date
) -> frozenset[int]:
    """The articles with a match that counts, on a topic that is not muted today."""
    speaks = col(Subscription.muted_until).is_(None) | (col(Subscription.muted_until) < today)
    rows = session.execute(
        select(col(Match.article_id), col(Match.topic_id), col(Match.field))
        .join(Subscription, col(Subscription.topic_id) == col(Match.topic_id))
        .where(col(Subscription.subscriber_id) == subscriber_id, speaks)
        .where(col(Match.article_id).in_(ids))
    )
    return frozenset(article for article, topic, field in rows if quiet.hears(topic, field))
