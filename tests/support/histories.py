"""Thirty days of what really happens to feeds, one story each: hosts move, ids are lost, headlines are edited."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from digest.feeds.document import ParsedEntry
from tests.support.history import DAY, HOUR, Publisher, Story

Script = Callable[[Publisher, int, datetime], None]
"""Called every evening with the publisher, the number of the day and the moment."""

Entries = list[ParsedEntry]
LOOKS = 2  # a day


@dataclass(frozen=True)
class History:
    """One scripted month. `per_day` stories; `is_down(day)` says that the feed cannot be reached."""

    name: str
    script: Script = lambda _publisher, _day, _at: None
    edit: Callable[[Entries, datetime], Entries] = lambda entries, _at: entries
    per_day: int = 3
    window: int = 20
    is_down: Callable[[int], bool] = lambda _day: False
    habits: Sequence[Callable[[Story], None]] = ()

    def play(self, start: datetime) -> Iterator[tuple[datetime, Entries | None, Publisher]]:
        """Every look of the month: the moment and the entries, None if the feed was down."""
        publisher = Publisher(start=start, window=self.window, habits=list(self.habits), edit=self.edit)
        for number in range(self.per_day * 8):
            publisher.write(start - 8 * DAY + number * DAY / self.per_day)
        for day in range(30):
            for number in range(self.per_day):
                at = start + day * DAY + (number + 1) * DAY / (self.per_day + 1)
                publisher.write(at)
            for look in range(LOOKS):
                at = start + day * DAY + (look + 1) * DAY / LOOKS
                if look == 0:
                    self.script(publisher, day, at)
                yield at, None if self.is_down(day) else publisher.entries(at), publisher


def from_then_on(change: Callable[[Story], None], *, on: int) -> Script:
    """Change all stories on one day and write every later one that way."""

    def script(publisher: Publisher, day: int, _at: datetime) -> None:
        if day == on:
            publisher.habits.append(change)
            for story in publisher.stories:
                change(story)

    return script


def newest(change: Callable[[Story, Publisher], None], *, every: int = 1) -> Script:
    """Change the newest published story every so many days."""

    def script(publisher: Publisher, day: int, at: datetime) -> None:
        if day % every == 0:
            out = [story for story in publisher.stories if story.published <= at and not story.is_hidden]
            change(out[-1], publisher)

    return script


def move_house(story: Story) -> None:
    story.link = story.link.replace("www.stadtblatt.example", "stadtblatt-neu.example")
    story.guid = story.guid.replace("www.stadtblatt.example", "stadtblatt-neu.example")


def to_http(story: Story) -> None:
    story.link = story.link.replace("https://www.", "http://")
    story.guid = story.guid.replace("https://www.", "http://")


def new_id(story: Story) -> None:
    story.guid = f"urn:neu:{story.number}"


def new_link(story: Story) -> None:
    story.link = f"https://www.stadtblatt.example/neu/{story.title.split()[0].lower()}-{chr(97 + story.number % 26)}{story.number}"


def both_new(story: Story) -> None:
    new_id(story)
    new_link(story)


def edit_headline(story: Story, publisher: Publisher) -> None:
    story.title = publisher.headline()


def edit_slug(story: Story, publisher: Publisher) -> None:
    """A new address and id, but the number of the article stays in both."""
    story.link = story.guid = (
        f"https://www.stadtblatt.example/{story.title.split()[2].lower()}-neu-{1_000_000 + story.number}"
    )


def numbered(story: Story) -> None:
    story.link = story.guid = (
        f"https://www.stadtblatt.example/artikel/{story.title.split()[0].lower()}-{1_000_000 + story.number}"
    )


def with_uuid(story: Story) -> None:
    digits = f"{story.number:012x}"
    story.link = story.guid = (
        f"https://www.stadtblatt.example/{story.title.split()[0].lower()}-0aa1bb2c-1111-4222-8333-{digits}"
    )


def edit_uuid_slug(story: Story, publisher: Publisher) -> None:
    story.link = story.guid = story.link.replace("example/", "example/aktualisiert-", 1)


def edit_id_and_slug(story: Story, publisher: Publisher) -> None:
    """Neither number nor id stay: only headline, host and date do."""
    word = publisher.rng.choice("abcdefghijklm")
    story.link = f"https://www.stadtblatt.example/{word}{story.number}-{story.title.split()[-2].lower()}"
    story.guid = f"urn:{word}:{story.number}"


def without_id(story: Story) -> None:
    story.guid = ""


def constant_id(story: Story) -> None:
    story.guid = "https://www.stadtblatt.example/"


def home_link(story: Story) -> None:
    story.guid, story.link = "", "https://www.stadtblatt.example/"


def only_home(story: Story) -> None:
    """All addresses lead to the home page; the ids are good."""
    story.link = "https://www.stadtblatt.example/"


def undated(story: Story) -> None:
    story.is_dated = False


def doubled_ids(story: Story) -> None:
    story.guid = f"nr-{story.number // 2}"


def counter_restarts(story: Story) -> None:
    """Ids are counted per fortnight, so each of them comes again."""
    story.guid = f"nr-{story.number % 42}"


def weekly_column(story: Story) -> None:
    """Seven pages take turns; each has a new story and a new id every time."""
    if story.number % 3 == 0:
        story.link = f"https://www.stadtblatt.example/kolumne/{story.number // 3 % 10}"


def same_headline(story: Story) -> None:
    story.title = "Das Wetter für München und das Umland am Abend"


def no_numbers(story: Story) -> None:
    """Addresses without anything that stays in an edit."""
    story.link = (
        f"https://www.stadtblatt.example/seite-{chr(97 + story.number % 26)}{chr(97 + story.number // 26)}"
    )
    story.guid = story.link


def dated_slug(story: Story) -> None:
    """The day stands in the address as a number: the same for all articles of a day."""
    letters = chr(97 + story.number % 26) + chr(97 + story.number // 26)
    story.link = story.guid = f"https://www.stadtblatt.example/{letters}-{story.published:%Y%m%d}"


def hide_one(publisher: Publisher, day: int, at: datetime) -> None:
    """Every third day the newest story is taken offline and comes back three days later under another address."""
    for story in publisher.stories:
        if story.is_hidden:
            story.is_hidden = False
    if day % 3 == 0:
        out = [story for story in publisher.stories if story.published <= at]
        out[-2].is_hidden = True


def delete_some(publisher: Publisher, day: int, at: datetime) -> None:
    out = [story for story in publisher.stories if story.published <= at and not story.is_hidden]
    if day % 2:
        out[-3].is_hidden = True


def burst(publisher: Publisher, day: int, at: datetime) -> None:
    if day in {10, 20}:
        for number in range(14):
            publisher.write(at - timedelta(minutes=number))


def late_but_honest(publisher: Publisher, day: int, at: datetime) -> None:
    """A story written yesterday is put online today with yesterday's date."""
    if day % 4 == 1:
        publisher.write(at - 20 * HOUR)


def twice(entries: Entries, _at: datetime) -> Entries:
    return [entry for entry in entries for _ in range(2)]


def half(entries: Entries, at: datetime) -> Entries:
    """Every second look the document breaks off in the middle."""
    return entries[: len(entries) // 2] if at.hour == 18 else entries


def sometimes_empty(entries: Entries, at: datetime) -> Entries:
    return [] if at.day % 3 == 0 and at.hour == 18 else entries


def shuffled(entries: Entries, at: datetime) -> Entries:
    Random(at.timestamp()).shuffle(entries)
    return entries


def ascending(entries: Entries, _at: datetime) -> Entries:
    return entries[::-1]


def with_tracking(entries: Entries, at: datetime) -> Entries:
    return [
        replace(entry, id="", link=f"{entry.link}?utm_source=rss&utm_campaign={at:%H%d}#k{number}")
        for number, entry in enumerate(entries)
    ]


def slash_and_www(entries: Entries, at: datetime) -> Entries:
    if at.hour == 18:
        return entries
    return [
        replace(
            entry, id="", link=entry.link.replace("https://www.", "http://") + "/", title=entry.title.upper()
        )
        for entry in entries
    ]


def fresh_dates(entries: Entries, at: datetime) -> Entries:
    """The site stamps every entry with the moment of the request."""
    return [replace(entry, published=at - timedelta(seconds=number)) for number, entry in enumerate(entries)]


class Backup:
    """For one day the site serves the document of a week before."""

    def __init__(self) -> None:
        self.seen: dict[datetime, Entries] = {}

    def __call__(self, entries: Entries, at: datetime) -> Entries:
        self.seen[at] = entries
        return self.seen.get(at - 7 * DAY, entries) if at.day == 20 else entries


class Pinned:
    """An old article stays on top for ever."""

    def __init__(self) -> None:
        self.first: ParsedEntry | None = None

    def __call__(self, entries: Entries, at: datetime) -> Entries:
        self.first = self.first or entries[-1]
        return [self.first, *(entry for entry in entries if entry.summary != self.first.summary)]


class CacheFlaps:
    """Two servers behind one address, one of them an hour behind."""

    def __init__(self) -> None:
        self.last: Entries = []

    def __call__(self, entries: Entries, at: datetime) -> Entries:
        old, self.last = self.last, entries
        return old if old and at.hour == 18 else entries


def down_for_five_days(day: int) -> bool:
    return 12 <= day < 17


def histories() -> list[History]:
    """All of them, new each time: some remember what they served."""
    return [
        History("a quiet month"),
        History("the site moves to another host", script=from_then_on(move_house, on=10)),
        History("https and www are dropped", script=from_then_on(to_http, on=10)),
        History("all ids change", script=from_then_on(new_id, on=10)),
        History("all addresses change", script=from_then_on(new_link, on=10)),
        History("ids and addresses change together", script=from_then_on(both_new, on=10)),
        History("headlines are edited", script=newest(edit_headline)),
        History("slugs and ids are edited, the number stays", habits=[numbered], script=newest(edit_slug)),
        History("slugs are edited, the uuid stays", habits=[with_uuid], script=newest(edit_uuid_slug)),
        History(
            "slugs and ids are edited, the headline stays",
            habits=[no_numbers],
            script=newest(edit_id_and_slug),
        ),
        History("there are no ids", habits=[without_id]),
        History("ids get lost", script=from_then_on(without_id, on=10)),
        History("all ids become the same", script=from_then_on(constant_id, on=10)),
        History("neither ids nor addresses", habits=[home_link]),
        History("no ids, no addresses, no dates", habits=[home_link, undated]),
        History("there are no dates", habits=[undated]),
        History("every id is given twice", habits=[doubled_ids]),
        History("ids come again after a fortnight", habits=[counter_restarts]),
        History("addresses are used again", habits=[weekly_column]),
        History("every entry stands twice", edit=twice),
        History("one headline for a series", habits=[same_headline]),
        History(
            "one headline for a series without numbers",
            habits=[same_headline, no_numbers],
        ),
        History(
            "one headline and a pinned article",
            habits=[same_headline, no_numbers],
            edit=Pinned(),
        ),
        History("one headline for a series on the home page", habits=[same_headline, only_home]),
        History(
            "one headline for a series that soon leaves the list",
            habits=[same_headline, no_numbers],
            per_day=2,
            window=3,
        ),
        History("the day stands in every address", habits=[dated_slug], script=delete_some),
        History("five days of outage", is_down=down_for_five_days, window=40),
        History("truncated documents", edit=half),
        History("empty documents", edit=sometimes_empty),
        History("shuffled documents", edit=shuffled),
        History("oldest first", edit=ascending),
        History("a backup is restored for a day", edit=Backup()),
        History("two servers out of step", edit=CacheFlaps()),
        History("a pinned article", edit=Pinned()),
        History("tracking parameters and no ids", edit=with_tracking),
        History("slashes, www and case come and go", edit=slash_and_www),
        History("dates are made up at every request", edit=fresh_dates),
        History("articles are taken offline and come back", script=hide_one),
        History("articles are deleted", script=delete_some),
        History("bursts of fourteen", script=burst, window=40),
        History("dated yesterday, told today", script=late_but_honest, window=40),
        History("many a day", per_day=24, window=40),
    ]
