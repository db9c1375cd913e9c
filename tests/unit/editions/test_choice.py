"""What the mails of an edition share changes nothing: each wish gets what it would get alone, chosen the long way round."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from digest.editions.choice import LIMITS, Choice, Wish
from digest.editions.mutes import less_of
from digest.editions.pool import Found, Pool
from digest.matching.standing import Facts, Standings
from subscribers.models import MailLength, MuteKind
from tests.support.naive_choice import Candidate, TopicHit, apply, plainly

SEVEN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
TOPICS = range(1, 9)
NOW_RELEASED = 6
SAID = {"Lärm": frozenset(range(1, 400, 7))}


def pool_of(random: Random) -> Pool:
    """Some days of news on eight topics; what was released before the last but three is left over."""
    pool = Pool(NOW_RELEASED)
    for article in range(1, random.randrange(2, 130)):
        release = random.randint(1, NOW_RELEASED)
        story = random.choice([None, None, random.randrange(1, 20)])
        pool.facts[article] = Facts(
            SEVEN - timedelta(minutes=random.choice([5, 5, 300, 2000]) + article % 3),
            random.choice(["Laut", "Laut", "Leise", "Kurier"]),
            story,
            random.choice([0.0, 0.0, 0.5, -0.25]),
            "",
            "",
        )
        for topic in random.sample(TOPICS, k=random.choice([1, 1, 2, 4])):
            place = random.choice(["title", "category", "lead"])
            hit = Found(release, article, random.choice([0.5, 1.0, 1.0, 2.37, 9.1]), place, f"Wort {topic}")
            if release > 2:
                pool.matches[topic].append(hit)
            if random.random() < 0.3:
                pool.carried[article][topic] = hit
    for found in pool.matches.values():
        found.sort()
    return pool


def wish_of(random: Random, pool: Pool) -> Wish:
    """What somebody may ask of it, mutes and left-overs included."""
    topics = [(topic, random.randint(3, NOW_RELEASED + 1)) for topic in random.sample(TOPICS, k=6)]
    mutes = [
        (MuteKind.STORY, str(random.randrange(1, 20))),
        (MuteKind.SOURCE, "laut"),
        (MuteKind.WORD, "Lärm"),
        (MuteKind.LESS, str(topics[0][0])),
        (MuteKind.LESS, str(topics[1][0])),
    ]
    heard = random.randint(0, 5)
    return Wish(
        tuple(topics[:heard]),
        tuple(topics[heard : random.choice([heard, 6])]),
        tuple(
            sorted(random.sample(sorted(pool.carried), k=min(len(pool.carried), random.choice([0, 3, 15]))))
        ),
        tuple(sorted(random.sample(mutes, k=random.choice([0, 0, 1, 3])))),
        "de",
        "html",
        random.choice(list(MailLength)),
    )


def alone(pool: Pool, wish: Wish, alike: dict[int, set[int]]) -> dict[str, Any]:
    """The selection of a wish, worked out for it alone."""

    def hits(topic: int, start: int) -> Iterator[Found]:
        fresh = [one for one in pool.matches.get(topic, []) if one.release_no >= start]
        yield from fresh
        seen = {one.article_id for one in fresh}
        for article in wish.carried:
            if topic in pool.carried[article] and article not in seen:
                yield pool.carried[article][topic]

    found: dict[int, list[TopicHit]] = {}
    for topic, start in wish.topics:
        for one in hits(topic, start):
            found.setdefault(one.article_id, []).append(TopicHit(topic, *one[2:]))
    candidates = [
        Candidate(article, *pool.facts[article][:4], is_carried=article in wish.carried, hits=tuple(several))
        for article, several in sorted(found.items())
    ]
    less = less_of(wish.mutes)
    kept, muted = apply(candidates, wish.mutes, SAID, less)
    chosen = plainly(
        kept,
        topics=[topic for topic, _ in wish.topics],
        limits=LIMITS[MailLength(wish.length)],
        now=SEVEN,
        alike=alike,
        less=less,
    )
    silent = {
        one.article_id for topic, start in wish.muted_topics for one in hits(topic, start)
    } - found.keys()
    return {
        "shown": chosen.shown,
        "folded": chosen.folded,
        "carried": chosen.carried,
        "expired": chosen.expired,
        "muted": [*muted, *chosen.muted, *((article, "topic") for article in sorted(silent))],
        "more": chosen.more,
    }


@given(seed=st.integers(0, 10**9))
@settings(max_examples=60, deadline=None)
def test_each_wish_gets_what_it_would_get_alone(seed: int) -> None:
    random = Random(seed)
    pool = pool_of(random)
    alike = {
        article: set(random.sample(sorted(pool.facts), k=min(3, len(pool.facts)))) - {article}
        for article in random.sample(sorted(pool.facts), k=len(pool.facts) // 5)
    }
    choice = Choice(pool, Standings(pool.facts, now=SEVEN), alike, SAID)
    for _ in range(6):
        wish = wish_of(random, pool)
        assert choice.content(wish)["selection"] == alone(pool, wish, alike)
