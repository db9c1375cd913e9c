"""What would make a mail too large to be shown whole comes again instead, and nothing is lost on the way."""

from datetime import UTC, date, datetime
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from digest.editions.compose import context
from digest.editions.fit import Octets, Scale, fitted, octets
from digest.editions.house import House
from digest.editions.material import ContentFacts, Material, Named, Told
from digest.feeds.models import Trust
from digest.links import Links
from digest.mail.slots import Markers
from digest.matching.rank import CARRIED_AT_MOST, Selection, Shown
from digest.rendering.sizes import LIMIT, edition_bound
from subscribers.models import Cadence, MailFormat, MailLength, TopicKind

SEVEN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOUSE = House(links=Links("https://news.example.org"), timezone="Europe/Berlin")


def shown(article: int, topic: int = 1, same_story: list[int] | None = None) -> Shown:
    return Shown(article, topic, "title", "KI", [], same_story or [], is_carried=False)


def everything(chosen: Selection) -> list[int]:
    folded = [article for article, _ in chosen.folded]
    return sorted([one.article_id for one in chosen.shown] + folded + chosen.carried + chosen.expired)


def test_a_mail_that_fits_stays_as_it_is() -> None:
    chosen = Selection(shown=[shown(1), shown(2)])
    assert fitted(chosen, Scale({1: Octets(2_000, 0), 2: Octets(2_000, 0)}), carried=()) is chosen


def test_what_does_not_fit_is_counted_as_more_and_comes_again_with_its_story() -> None:
    chosen = Selection(
        shown=[shown(1), shown(2, same_story=[5]), shown(3, topic=2)],
        folded=[(5, 2)],
        carried=[7],
        more={1: 1},
    )
    scale = Scale({article: Octets(45_000, 100) for article in range(1, 8)})
    cut = fitted(chosen, scale, carried=(3,))
    assert [one.article_id for one in cut.shown] == [1]
    assert (cut.carried, cut.expired, cut.folded) == ([2, 7, 5], [3], [])
    assert cut.more == {1: 2, 2: 1}


def test_one_article_stands_however_large_it_is() -> None:
    chosen = Selection(shown=[shown(1), shown(2)])
    cut = fitted(chosen, Scale({1: Octets(LIMIT * 2, 0), 2: Octets(10, 0)}), carried=())
    assert [one.article_id for one in cut.shown] == [1]


@given(seed=st.integers(0, 10**9))
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_and_what_stays_is_below_the_bound(seed: int) -> None:
    random = Random(seed)
    stories = {n: [100 + n] if random.random() < 0.3 else [] for n in range(1, 31)}
    chosen = Selection(
        shown=[shown(n, n % 4, stories[n]) for n in range(1, 31)],
        folded=[(other, n) for n, others in stories.items() for other in others],
        carried=list(range(200, 200 + random.randrange(16))),
        expired=[300],
    )
    texts = {n: random_article(random, n) for n in [*range(1, 31), *range(101, 131)]}
    scale = Scale(
        {n: size_of(one) for n, one in texts.items()},
        dict.fromkeys(range(4), "Künstliche 'Intelligenz' & mehr"),
    )
    cut = fitted(chosen, scale, carried=random.sample(range(1, 31), k=5))
    assert everything(cut) == everything(chosen)
    assert len(cut.carried) <= CARRIED_AT_MOST
    assert (
        edition_bound(context(material(cut, texts, scale), 1, house=HOUSE, markers=Markers.draw())) <= LIMIT
    )


def random_article(random: Random, number: int) -> Told:
    """An article with texts as long and as awkward as feeds have them."""
    length = random.choice([20, 200, 1_500])
    return Told(
        id=number,
        link="https://blatt.example.org/" + "a&" * (length // 2),
        title="\"Ä'<" * (length // 8),
        summary=random.choice(["", "& '" * 90]),
        content_html="<p>" + "'" * 400 + "</p>",
        image_url="https://blatt.example.org/" + "b" * length,
        image_width=None,
        image_height=None,
        authors=["Ann <Beispiel>", "Ben"],
        source="Blatt & Söhne",
        effective_at=SEVEN,
        published_at=SEVEN,
        trust=Trust.OWN,
    )


def size_of(one: Told) -> Octets:
    return octets(
        title=one.title,
        link=one.link,
        summary=one.summary,
        image_url=one.image_url,
        authors=one.authors,
        source=one.source,
    )


def material(chosen: Selection, texts: dict[int, Told], scale: Scale) -> Material:
    content = ContentFacts(
        id=1,
        language="de",
        format=MailFormat.HTML,
        length=MailLength.LONG,
        selection={"shown": chosen.shown, "more": chosen.more},
        edition_id=1,
        cadence=Cadence.DAILY,
        local_time="07:00",
        timezone="Europe/Berlin",
        local_date=date(2026, 11, 22),
        due_at=SEVEN,
    )
    topics = {topic: Named(name, f"t{topic}", TopicKind.CURATED) for topic, name in scale.topics.items()}
    return Material({1: content}, texts, topics)
