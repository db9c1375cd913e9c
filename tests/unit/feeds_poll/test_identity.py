"""The rules of identity one by one, where a month would hide which of them held."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.feeds.document import ParsedEntry
from digest.feeds.identity import reconcile
from digest.feeds.keys import entries, id_mode
from digest.feeds.known import Change, Known, KnownArticle, Link, Plan, Standing, Verdict
from digest.feeds.models import ArticleState, Feed, IdMode, Trust
from digest.feeds.retold import are_alike
from tests.support.history import DAY, HOUR, Memory, Publisher, candidates, own_feed

ELIGIBLE, SEED = ArticleState.ELIGIBLE, ArticleState.SEED


@pytest.fixture
def publisher(now: datetime) -> Publisher:
    """A site with twenty stories of the last twenty hours."""
    publisher = Publisher(start=now)
    for number in range(20, 0, -1):
        publisher.write(now - number * HOUR)
    return publisher


@pytest.fixture
def memory(publisher: Publisher, now: datetime) -> Memory:
    """What is known after the first look."""
    memory = Memory(own_feed(now))
    memory.look(candidates(publisher.entries(now)), now=now)
    return memory


def entry(**values: object) -> ParsedEntry:
    defaults = {
        "id": "urn:1",
        "title": "Rathaus öffnet",
        "link": "https://www.stadtblatt.example/1",
        "summary": "S1",
    }
    return ParsedEntry(**defaults | values)  # type: ignore[arg-type]  # names of real fields


def states(plan: Plan) -> list[tuple[ArticleState | None, str]]:
    return [(one.state, one.reason) for one in plan.new]


# -- inside one document ------------------------------------------------------------------------------------------


def test_an_entry_told_twice_is_one_and_its_newest_version_counts(now: datetime) -> None:
    told = candidates([entry(published=now - HOUR, title="Alt"), entry(published=now, title="Neu")])
    assert [one.candidate.title for one in entries(told, feed_id=1, mode=IdMode.GUID)] == ["Neu"]


def test_one_id_with_two_links_is_two_articles(now: datetime) -> None:
    memory = Memory(own_feed(now))
    told = [entry(), entry(link="https://www.stadtblatt.example/2", summary="S2")]
    assert len(memory.look(candidates(told), now=now).new) == 2
    assert len(memory.look(candidates(told[::-1]), now=now).new) == 0
    assert len(memory.look(candidates(told[1:]), now=now).new) == 0


def test_two_entries_side_by_side_are_two_articles_even_with_one_link(now: datetime) -> None:
    memory = Memory(own_feed(now))
    memory.look(candidates([entry()]), now=now)
    plan = memory.look(candidates([entry(), entry(id="urn:2", title="Brücke schließt")]), now=now + HOUR)
    assert len(plan.new) == 1


def test_an_entry_that_cannot_be_recognised_again_is_no_news_at_every_look(now: datetime) -> None:
    """The id of a known article stands at one entry, its headline without any id at another."""
    memory = Memory(own_feed(now))
    home = "https://www.stadtblatt.example/"
    memory.look(candidates([entry(link=home)]), now=now)
    told = candidates([entry(id="", link=home), entry(title="Brücke schließt", link="")])
    for hours in (1, 2, 3):
        memory.look(told, now=now + hours * HOUR)
    assert len(memory.born) == 1


def test_a_bare_home_page_recognises_nothing(now: datetime) -> None:
    told = candidates([entry(link="https://www.stadtblatt.example/")])
    assert entries(told, feed_id=1, mode=IdMode.GUID)[0].link is None


@pytest.mark.parametrize(
    ("ids", "mode"),
    [
        (["1", "2", "3", "4", "", ""], IdMode.GUID),
        (["1", "2", "3", "", "", ""], IdMode.LINK),
        (["1", "1", "1", "4"], IdMode.LINK),
        ([str(number) for number in range(97)] + ["", "", ""], IdMode.GUID),
        ([str(number) for number in range(57)] + ["", "", "", ""], IdMode.LINK),
    ],
)
def test_ids_are_believed_while_few_are_bad(ids: list[str], mode: IdMode) -> None:
    told = [entry(id=one, link=f"https://www.stadtblatt.example/{n}") for n, one in enumerate(ids)]
    assert id_mode(candidates(told), IdMode.GUID) is mode


def test_trust_in_ids_never_comes_back(now: datetime) -> None:
    told = candidates([entry(id=str(n), link=f"https://www.stadtblatt.example/{n}") for n in range(9)])
    assert id_mode(told, IdMode.LINK) is IdMode.LINK
    assert id_mode(told, IdMode.LINK_TITLE) is IdMode.LINK_TITLE


# -- known articles -----------------------------------------------------------------------------------------------


def test_the_same_document_again_is_nothing_new(memory: Memory, publisher: Publisher, now: datetime) -> None:
    plan = memory.look(candidates(publisher.entries(now)), now=now + HOUR)
    assert (plan.new, plan.updated) == ((), ())


def test_a_used_id_for_something_else_a_week_later_is_a_new_article(memory: Memory, now: datetime) -> None:
    later = now + 8 * DAY
    again = entry(
        id="https://www.stadtblatt.example/?p=3", title="Ganz anderes Thema", published=later, summary="S99"
    )
    memory.feed.last_ok_at = later
    plan = memory.look(candidates([again]), now=later)
    assert [one.link for one in plan.new] == [Link.REUSED]
    assert memory.look(candidates([again]), now=later + HOUR).new == ()


@pytest.mark.parametrize("change", ["young", "alike", "same link"])
def test_a_used_id_alone_is_no_proof_of_a_new_article(
    memory: Memory, publisher: Publisher, now: datetime, change: str
) -> None:
    story = publisher.stories[2]
    later = now + (HOUR if change == "young" else 8 * DAY)
    again = entry(
        id=story.guid,
        title=story.title if change == "alike" else "Ganz anderes Thema",
        link=story.link if change == "same link" else "https://www.stadtblatt.example/neu",
        published=later,
    )
    assert memory.look(candidates([again]), now=later).new == ()


def test_an_id_that_fits_another_article_gives_way_to_its_link(
    memory: Memory, publisher: Publisher, now: datetime
) -> None:
    one, other = publisher.stories[2], publisher.stories[5]
    swapped = entry(id=one.guid, title=other.title, link=other.link, published=other.published, summary="S6")
    plan = memory.look(candidates([swapped]), now=now + HOUR)
    assert memory.articles[plan.verdicts[0].article_id or 0].title == other.title
    assert plan.new == plan.updated == ()


def test_an_edit_before_the_release_rewrites_and_after_it_is_only_noted(
    memory: Memory, publisher: Publisher, now: datetime
) -> None:
    publisher.stories[-1].title += " endlich"
    plan = memory.look(candidates(publisher.entries(now)), now=now + HOUR)
    assert [one.change for one in plan.updated] == [Change.REWRITTEN]
    memory.release()
    publisher.stories[-1].title += " doch"
    plan = memory.look(candidates(publisher.entries(now)), now=now + 2 * HOUR)
    assert [one.change for one in plan.updated] == [Change.NOTED]
    assert memory.look(candidates(publisher.entries(now)), now=now + 3 * HOUR).updated == ()


# -- retold, moved ------------------------------------------------------------------------------------------------


def test_a_rolled_out_article_is_not_replaced_by_the_next_of_its_series(now: datetime) -> None:
    """The condition "vanished": without it, today's weather would be yesterday's."""
    publisher = Publisher(start=now, window=3)
    memory = Memory(own_feed(now))
    for number in range(9):
        story = publisher.write(now + number * DAY, title="Das Wetter für München und das Umland am Abend")
        story.link = story.guid = f"https://www.stadtblatt.example/wetter-{'abcdefghi'[number]}"
        memory.look(candidates(publisher.entries(story.published)), now=story.published)
    assert len(memory.born) == 9


def test_a_new_slug_with_the_same_number_is_the_same_article(
    memory: Memory, publisher: Publisher, now: datetime
) -> None:
    story = publisher.stories[-3]
    story.link = story.guid = "https://www.stadtblatt.example/alt-123456"
    memory.look(candidates(publisher.entries(now)), now=now)  # known under this address now
    born = len(memory.born)
    story.link = story.guid = "https://www.stadtblatt.example/neu-123456"
    story.title = "Eine ganz andere Überschrift"
    plan = memory.look(candidates(publisher.entries(now)), now=now + HOUR)
    assert len(memory.born) == born
    assert [one.link for one in plan.verdicts if one.link is not Link.KEY] == [Link.RETOLD]


def test_two_that_could_be_the_same_are_both_new(memory: Memory, publisher: Publisher, now: datetime) -> None:
    story = publisher.stories[-3]
    story.link = story.guid = "https://www.stadtblatt.example/alt-123456"
    memory.look(candidates(publisher.entries(now)), now=now)
    story.is_hidden = True
    for name in ("eins", "zwei"):
        twin = publisher.write(story.published)
        twin.link = twin.guid = f"https://www.stadtblatt.example/{name}-123456"
    assert len(memory.look(candidates(publisher.entries(now)), now=now + HOUR).new) == 2


def test_the_way_titles_are_compared() -> None:
    assert are_alike("Rathaus öffnet am Montag", "Rathaus öffnet doch erst am Dienstag")
    assert are_alike("Wahlergebnisse", "Wahlergebnis")
    assert not are_alike(
        "Stadtrat beschließt den Haushalt für 2027", "Museum zeigt im Winter alte Landkarten"
    )
    assert are_alike("", "")


# -- across feeds -------------------------------------------------------------------------------------------------


def other_feed(now: datetime, **values: object) -> Feed:
    defaults = {"id": 2, "url": "https://sammler.example/feed", "trust": Trust.THIRD, "baseline_done": True}
    return own_feed(now, **defaults | {"last_ok_at": now - HOUR} | values)


def told_before(now: datetime, feed: Feed, **values: object) -> tuple[Known, Feed]:
    """A known article that `feed` finds by its address only."""
    known = entries(candidates([entry(published=now - HOUR)]), feed_id=9, mode=IdMode.GUID)[0]
    assert known.url is not None
    article = KnownArticle(
        **{
            "id": 7,
            "feed_id": 9,
            "standing": Standing.FIRST_COME,
            "link_key": "stadtblatt.example/1",
            "title": "Rathaus öffnet",
            "published_at": now - HOUR,
            "first_seen_at": now - HOUR,
            "fingerprint": known.candidate.fingerprint,
            "state": ELIGIBLE,
            "state_reason": "",
            "is_released": False,
            "has_guid": False,
        }
        | values  # type: ignore[arg-type]  # names of real fields
    )
    return Known(keys={known.url: 7}, articles={7: article}), feed


def verdict(known: Known, feed: Feed, now: datetime, **values: object) -> Verdict:
    return reconcile(
        candidates([entry(published=now - HOUR) if not values else entry(**values)]), known, feed, now=now
    ).verdicts[0]


def test_what_another_feed_told_is_no_second_article(now: datetime) -> None:
    one = verdict(*told_before(now, other_feed(now)), now)
    assert (one.article_id, one.link, one.change, one.state) == (7, Link.OTHER_FEED, Change.NONE, None)


def test_a_feed_of_higher_standing_takes_the_article_over(now: datetime) -> None:
    one = verdict(*told_before(now, own_feed(now, id=2, baseline_done=True)), now)
    assert (one.article_id, one.change, one.takes_over) == (7, Change.REWRITTEN, True)


def test_a_feed_of_equal_standing_rewrites_nothing(now: datetime) -> None:
    one = verdict(*told_before(now, other_feed(now)), now, title="Rathaus öffnet jetzt", published=now)
    assert (one.article_id, one.change) == (7, Change.NONE)


def test_nobody_can_pre_empt_a_publishers_address(now: datetime) -> None:
    known, feed = told_before(
        now, own_feed(now, id=2, baseline_done=True), title="Kaufen Sie billige Uhren bei uns"
    )
    one = verdict(known, feed, now)
    assert (one.article_id, one.state) == (None, ELIGIBLE)
    assert {key.kind for key in one.moved} == {"url"}


@pytest.mark.parametrize("state", [SEED, ArticleState.QUARANTINED])
def test_another_feeds_doubt_is_judged_anew(now: datetime, state: ArticleState) -> None:
    reason = "baseline" if state is SEED else "flood"
    one = verdict(*told_before(now, other_feed(now), state=state, state_reason=reason), now)
    assert (one.article_id, one.state) == (7, ELIGIBLE)


@pytest.mark.parametrize(
    "values",
    [
        {"state": ArticleState.WITHDRAWN, "state_reason": "discarded"},
        {"state": ArticleState.FILTERED, "state_reason": "block"},
        {"state": SEED, "state_reason": "baseline", "is_released": True},
        {"state": SEED, "state_reason": "baseline", "standing": Standing.OWN},
    ],
)
def test_what_was_decided_stays_decided(now: datetime, values: dict[str, object]) -> None:
    assert verdict(*told_before(now, other_feed(now), **values), now).state is None


# -- guards -------------------------------------------------------------------------------------------------------


def test_a_first_document_is_seed_but_the_five_newest_of_a_day(now: datetime) -> None:
    told = [
        entry(id=str(n), link=f"https://s.example/{n}", published=now - n * HOUR, summary=f"S{n}")
        for n in range(30)
    ]
    told += [entry(id=f"u{n}", link=f"https://s.example/u{n}", summary=f"S{100 + n}") for n in range(3)]
    plan = reconcile(candidates(told), Known(), own_feed(now), now=now)
    assert [one.candidate.position for one in plan.new if one.state is ELIGIBLE] == [0, 1, 2, 3, 4]
    assert {(one.state, one.reason) for one in plan.new[5:]} == {(SEED, "baseline")}


@pytest.mark.parametrize("count", [1, 50])
def test_a_backfill_makes_the_newest_news(now: datetime, count: int) -> None:
    told = [entry(id=str(n), link=f"https://s.example/{n}", published=now - (n + 2) * DAY) for n in range(60)]
    plan = reconcile(candidates(told), Known(), own_feed(now, backfill=count), now=now)
    assert plan.accepted == count


def test_what_is_dated_long_before_our_last_success_is_late(memory: Memory, now: datetime) -> None:
    late = entry(
        id="alt", link="https://www.stadtblatt.example/alt", published=now - 49 * HOUR, summary="S77"
    )
    honest = entry(
        id="neu", link="https://www.stadtblatt.example/neu", published=now - 47 * HOUR, summary="S78"
    )
    assert states(memory.look(candidates([late, honest]), now=now + HOUR)) == [(SEED, "late"), (ELIGIBLE, "")]


def flood(now: datetime, count: int, *, at: datetime, known: Known | None = None) -> Plan:
    told = [
        entry(id=f"f{n}", link=f"https://s.example/f{n}", published=at, summary=f"S{n}") for n in range(count)
    ]
    feed = own_feed(now, baseline_done=True, last_ok_at=now)
    return reconcile(candidates(told), known or Known(), feed, now=at)


@pytest.mark.parametrize(
    ("count", "known", "is_flood"),
    [
        (20, Known(), False),
        (21, Known(), True),
        (60, Known(most_accepted=30), False),
        (61, Known(most_accepted=30), True),
        (50, Known(per_hour=10.0), False),
        (51, Known(per_hour=10.0), True),
    ],
)
def test_more_than_a_feed_ever_gave_reason_to_expect_is_a_flood(
    now: datetime, count: int, known: Known, is_flood: bool
) -> None:
    plan = flood(now, count, at=now + HOUR, known=known)
    assert plan.is_flood is is_flood
    assert {one.state for one in plan.new} == {ArticleState.QUARANTINED if is_flood else ELIGIBLE}
    assert plan.accepted == (0 if is_flood else count)


def test_no_mail_is_heard_from_the_publishers_own_feed_only(now: datetime) -> None:
    told = candidates([entry(tags=("Politik", "No-Mail"), published=now)])
    for trust, expected in ((Trust.OWN, ArticleState.WITHDRAWN), (Trust.THIRD, ELIGIBLE)):
        feed = own_feed(now, trust=trust, baseline_done=True, last_ok_at=now)
        assert reconcile(told, Known(), feed, now=now).new[0].state is expected


def test_no_mail_can_be_set_and_taken_back_before_the_release(
    memory: Memory, publisher: Publisher, now: datetime
) -> None:
    story = publisher.stories[-1]
    story.tags = ("no-mail",)
    memory.look(candidates(publisher.entries(now)), now=now + HOUR)
    number = memory.feed.document[0]
    assert memory.articles[number].state is ArticleState.WITHDRAWN
    memory.articles[number] = replace(memory.articles[number], state_reason="no-mail")
    story.tags = ()
    memory.look(candidates(publisher.entries(now)), now=now + 2 * HOUR)
    assert memory.articles[number].state is ELIGIBLE


# -- for every document -------------------------------------------------------------------------------------------

NAIVE = datetime(2026, 11, 1)  # noqa: DTZ001  # hypothesis wants it so

documents = st.lists(
    st.builds(
        ParsedEntry,
        id=st.sampled_from(["", "1", "2", "http://s.example/a", "https://www.s.example/a"]),
        title=st.sampled_from(
            ["", "Rathaus öffnet", "Brücke schließt wegen Hochwasser am Fluss", "Rathaus öffnet doch"]
        ),
        link=st.sampled_from(
            ["", "https://s.example/", "https://s.example/a", "https://www.s.example/b-12345"]
        ),
        published=st.none() | st.datetimes(NAIVE, NAIVE + 29 * DAY).map(lambda at: at.astimezone()),
        summary=st.sampled_from(["S1", "S2"]),
    ),
    min_size=1,
    max_size=12,
)


@given(first=documents, second=documents)
@settings(max_examples=50, deadline=None)
def test_a_document_again_is_nothing_new_whatever_was_before(
    first: list[ParsedEntry], second: list[ParsedEntry]
) -> None:
    now = datetime(2026, 11, 22, 6).astimezone()
    memory = Memory(own_feed(now))
    memory.look(candidates(first), now=now)
    memory.look(candidates(second), now=now + HOUR)
    again = memory.look(candidates(second), now=now + 2 * HOUR)
    assert again.new == ()
    assert [one.article_id for one in again.verdicts] == list(memory.feed.document)
    assert len(set(memory.feed.document)) == len(memory.feed.document)


@given(seed=st.integers(0, 10_000), cut=st.integers(0, 20))
@settings(max_examples=25, deadline=None)
def test_the_order_of_dated_entries_means_nothing(seed: int, cut: int) -> None:
    now = datetime(2026, 11, 22, 6).astimezone()
    rng = Random(seed)
    publisher = Publisher(start=now, rng=rng)
    for number in range(20, 0, -1):
        publisher.write(now - number * HOUR)
    old = publisher.entries(now)[cut:]
    for story in rng.sample(publisher.stories, 6):
        story.link = f"https://www.stadtblatt.example/neu-{story.number + 100_000}"
        story.guid = rng.choice([story.guid, story.link])
    new = publisher.entries(now)
    results = []
    for _ in range(2):
        memory = Memory(own_feed(now))
        memory.look(candidates(old), now=now - timedelta(hours=20))
        rng.shuffle(new)
        memory.look(candidates(new), now=now)
        results.append(sorted(memory.born))
    assert results[0] == results[1]
