"""What the commands of feeds show to people, within eighty columns."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from digest.cli import output
from digest.feeds.health import FeedHealth
from digest.feeds.models import FeedFetch
from digest.feeds.reasons import in_words
from digest.feeds.trial import Trial, TrialEntry
from digest.feeds.withheld import WithheldArticle

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Language = Annotated[str, typer.Option("--lang", help="Language of the sentences: en or de.")]
Which = Annotated[str, typer.Argument(help="The feed's address or its number in `feeds list`.")]

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_WAITING = {
    "en": "Waiting for your decision: {count} (digest feeds release {id})",
    "de": "Warten auf eine Entscheidung: {count} (digest feeds release {id})",
}
_LATE = {
    "en": "Came too late to be news: {count} (digest feeds show {id})",
    "de": "Zu spät für Neuigkeiten: {count} (digest feeds show {id})",
}
_FAILURES = {"en": "Failures in a row: {count}", "de": "Fehlschläge in Folge: {count}"}


def feeds(rows: Sequence[FeedHealth], *, now: datetime, lang: str) -> None:
    """Every feed with its state, and below its name what there is to know of it."""
    if not rows:
        output.say("There are no feeds yet: add one with `digest feeds add https://…`.")
        return
    table = _table("id", "feed", "state", "next look", "a week")
    for row in rows:
        name = Text(row.title or row.url, style="bold")
        for line in _remarks(row, lang):
            name.append(f"\n{line}", style="not bold dim")
        table.add_row(
            str(row.id), name, row.state.value, soon(row.next_check_at, now), f"{row.articles_per_week:.3g}"
        )
    output.console.print(table)


def feed(
    row: FeedHealth,
    fetches: Sequence[FeedFetch],
    kept: Sequence[WithheldArticle],
    *,
    now: datetime,
    lang: str,
) -> None:
    """One feed in full."""
    output.facts(_facts(row, now))
    if fetches:
        output.say("\nThe last attempts")
        output.table(
            ("at", "outcome", "status", "kB", "seconds", "new"),
            (
                (
                    one.at,
                    one.outcome,
                    one.status,
                    round(one.bytes_wire / 1000, 1),
                    round(one.duration / timedelta(seconds=1), 2),
                    one.new,
                )
                for one in fetches
            ),
            empty="",
        )
    if kept:
        output.say(f"\nKept, but not news: digest feeds release {row.id} --article ADDRESS")
        table = _table("article", "state", "why")
        for article in kept:
            why = in_words(article.reason, lang=lang)
            table.add_row(_titled(article.title, article.link), article.state.value, why)
        output.console.print(table)


def rules(changed: Mapping[str, object]) -> list[tuple[str, object]]:
    """What an operator set for a feed, as names and values."""
    interval = changed["interval"]
    return [
        ("trust", changed["trust"]),
        ("blocks", changed["block_query"] or "nothing"),
        ("keeps", changed["keep_query"] or "everything"),
        (
            "asked",
            f"every {interval / _HOUR:g} hours" if isinstance(interval, timedelta) else "by its own rhythm",
        ),
    ]


def fetched(result: Mapping[str, int], failures: Mapping[str, str]) -> None:
    """What a round brought, and each feed that failed."""
    if not result["feeds_polled"] and not failures:
        output.say("There are no feeds yet: add one with `digest feeds add https://…`.")
        return
    output.say(
        f"Feeds asked: {result['feeds_polled']}, {result['feeds_changed']} changed, {result['feeds_failed']} failed; "
        f"articles: {result['articles_new']} new, {result['articles_updated']} updated."
    )
    for url, why in failures.items():
        output.say(f"{url}: {why}")


def trial(shown: Trial, reasons: Mapping[int, str], *, lang: str) -> None:
    """What an address gave, and what would become of each entry."""
    output.say(shown.sentence)
    output.facts((name, value) for name, value in _answer(shown) if value)
    if not shown.entries:
        return
    table = _table("entry", "published", "would be", "why")
    for place, one in enumerate(shown.entries):
        state = "known" if one.state is None else one.state.value
        table.add_row(
            _entry(one),
            output.shown(one.published),
            "filtered" if place in reasons else state,
            in_words(reasons.get(place, one.reason), lang=lang),
        )
    output.say("")
    output.console.print(table)


def soon(moment: datetime | None, now: datetime) -> str:
    """How long until a moment, in its largest unit; a paused feed has none."""
    if moment is None:
        return "never"
    left = moment - now
    if left < _MINUTE:
        return "now"
    units = ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes"))
    unit, name = next((unit, name) for unit, name in units if round(left / unit) >= 1)
    count = round(left / unit)
    return f"in {count} {name if count > 1 else name[:-1]}"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 1, 0))
    for name in columns:
        is_wide = name in {"feed", "article", "entry", "why"}
        table.add_column(name, overflow="fold", ratio=None, no_wrap=not is_wide)
    return table


def _remarks(row: FeedHealth, lang: str) -> Iterable[str]:
    """The sentences about a feed; languages without their own get the English ones."""
    code = lang.partition("-")[0] if lang.partition("-")[0] in _WAITING else "en"
    yield row.sentence
    if row.error_count > 1:
        yield _FAILURES[code].format(count=row.error_count)
    if row.quarantined:
        yield _WAITING[code].format(count=row.quarantined, id=row.id)
    if row.late:
        yield _LATE[code].format(count=row.late, id=row.id)
    if row.block_query:
        yield f"block: {row.block_query}"
    if row.keep_query:
        yield f"keep: {row.keep_query}"


def _facts(row: FeedHealth, now: datetime) -> list[tuple[str, object]]:
    return [
        ("feed", row.title or row.url),
        ("address", row.url),
        ("state", f"{row.state.value} since {output.shown(row.state_since)}"),
        ("last attempt", row.sentence),
        ("last success", row.last_ok_at or "never"),
        ("next look", soon(row.next_check_at, now)),
        ("failures in a row", row.error_count),
        ("articles a week", row.articles_per_week),
        ("unchanged", f"{row.unchanged_ratio:.0%} of the last attempts"),
        ("tags", list(row.tags) or "none"),
        *rules(
            {
                "trust": row.trust.value,
                "block_query": row.block_query,
                "keep_query": row.keep_query,
                "interval": row.interval,
            }
        ),
    ]


def _answer(shown: Trial) -> list[tuple[str, object]]:
    return [
        ("title", shown.title),
        ("format", shown.format),
        ("address", shown.url),
        ("redirects", [f"{hop.status} {hop.url}" for hop in shown.hops]),
        ("ETag", shown.etag),
        ("Last-Modified", shown.last_modified),
        ("fresh for", f"{shown.fresh_for / _MINUTE:g} minutes" if shown.fresh_for else ""),
        ("recognised by", shown.id_mode.value if shown.entries else ""),
    ]


def _entry(one: TrialEntry) -> Text:
    text = _titled(one.title, one.link)
    if one.image_url:
        text.append(f"\npicture {one.image_url}", style="not bold dim")
    text.append(f"\nkeys {', '.join(one.keys)}", style="not bold dim")
    return text


def _titled(title: str, link: str) -> Text:
    text = Text(title or "(untitled)", style="bold")
    return text.append(f"\n{link}", style="not bold dim") if link else text
