"""`digest feeds`: which feeds are gathered, how they are, what they gave, and what an operator decides about them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from sqlmodel import Session

from digest.cli import feeds_online, feeds_opml, feeds_shown, opening, output
from digest.cli.feeds_shown import Json, Language, Which
from digest.feeds import registry, withheld
from digest.feeds.health import health, recent_fetches
from digest.feeds.models import Feed, Trust

Query = Annotated[str | None, typer.Option(help='A query as for topics; "" takes the rule away.')]
Addresses = Annotated[
    list[str] | None, typer.Option("--article", help="Only this article; may be said several times.")
]

app = typer.Typer(help="Add, watch and mend feeds.", no_args_is_help=True)


app.command()(feeds_online.add)


@app.command("list")
def list_(*, lang: Language = "en", json: Json = False) -> None:
    """Show every feed: its state, how the last attempt went, and when the next one is."""
    with opening.database() as db, db.read() as session:
        rows = health(session, now=opening.now(), lang=lang)
    if json:
        output.as_json(rows)
    else:
        feeds_shown.feeds(rows, now=opening.now(), lang=lang)


@app.command()
def show(which: Which, *, lang: Language = "en", json: Json = False) -> None:
    """Show one feed: its health, its last attempts, and the articles that are kept but not news, with the reason."""
    with opening.database() as db, db.read() as session:
        feed = registry.find(session, which)
        row = health(session, now=opening.now(), lang=lang, only=feed)[0]
        fetches = recent_fetches(session, feed)
        kept = withheld.withheld(session, feed)
    if json:
        attempts = [one.model_dump(exclude={"id", "feed_id"}) for one in fetches]
        output.as_json({**output.plain(row), "fetches": attempts, "withheld": kept})
    else:
        feeds_shown.feed(row, fetches, kept, now=opening.now(), lang=lang)


app.command()(feeds_online.fetch)
app.command("test")(feeds_online.try_)
app.command("import")(feeds_opml.import_)
app.command()(feeds_opml.export)


@app.command()
def change(
    which: Which,
    *,
    block: Query = None,
    keep: Query = None,
    every: Annotated[
        float | None, typer.Option(min=0, help="Hours between two looks; 0: as often as it brings something.")
    ] = None,
    trust: Annotated[Trust | None, typer.Option(help="own: the publisher's; third: somebody else's.")] = None,
    json: Json = False,
) -> None:
    """Set a feed's rules and rhythm. Articles that `--block` finds, or `--keep` does not, are never mailed."""
    rules = {"block": feeds_online.canonical(block), "keep": feeds_online.canonical(keep)}
    interval = None if every is None else timedelta(hours=every)

    def work(session: Session, feed: Feed, _now: datetime) -> dict[str, object]:
        registry.change_feed(session, feed, trust=trust, interval=interval, **rules)
        return {
            "block_query": feed.block_query,
            "keep_query": feed.keep_query,
            "interval": feed.interval,
            "trust": feed.trust,
        }

    changed = _decide(which, work, json=json)
    if not json:
        output.say(f"{changed.pop('url')} is changed.")
        output.facts(feeds_shown.rules(changed))


@app.command()
def pause(which: Which, *, json: Json = False) -> None:
    """Ask a feed no more until `resume`."""
    _change_state(which, registry.pause, "is asked no more until `digest feeds resume`.", json=json)


@app.command()
def resume(which: Which, *, json: Json = False) -> None:
    """Ask a feed again, whatever stopped it."""
    _change_state(which, registry.resume, "is asked again with the next round.", json=json)


@app.command()
def remove(
    which: Which,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Forget a feed; its articles stay."""
    if not output.agreed(f"Remove the feed {which}?", yes=yes):
        return

    def work(session: Session, feed: Feed, _now: datetime) -> dict[str, object]:
        registry.remove(session, feed)
        return {"state": "removed"}

    removed = _decide(which, work, json=json)
    if not json:
        output.say(f"{removed['url']} is removed; its articles stay and never come back as news.")


@app.command()
def release(which: Which, *, article: Addresses = None, json: Json = False) -> None:
    """Let a feed's quarantined articles be news after all, or with `--article` any single one that is withheld."""
    _decide_articles(
        which, article, registry.release_quarantined, withheld.release_articles, "released", json=json
    )


@app.command()
def discard(which: Which, *, article: Addresses = None, json: Json = False) -> None:
    """Take a feed's quarantined articles out for good, or with `--article` any single one not yet released."""
    _decide_articles(
        which, article, registry.discard_quarantined, withheld.discard_articles, "discarded", json=json
    )


def _change_state(which: str, change: Callable[..., None], told: str, *, json: bool) -> None:
    def work(session: Session, feed: Feed, now: datetime) -> dict[str, object]:
        change(session, feed, now=now)
        return {"state": feed.state}

    changed = _decide(which, work, json=json)
    if not json:
        output.say(f"{changed['url']} {told}")


def _decide_articles(
    which: str,
    addresses: list[str] | None,
    flood: Callable[[Session, Feed], int],
    single: Callable[[Session, Feed, list[str]], int],
    told: str,
    *,
    json: bool,
) -> None:
    def work(session: Session, feed: Feed, _now: datetime) -> dict[str, object]:
        return {told: single(session, feed, addresses) if addresses else flood(session, feed)}

    decided = _decide(which, work, json=json)
    if not json:
        number = decided[told]
        output.say(
            f"{decided['url']}: {number} {'article' if number == 1 else 'articles'} {told}."
            if number
            else f"{decided['url']} has no quarantined articles; `digest feeds show {decided['id']}` lists "
            "what else is withheld, and --article decides about one."
        )


def _decide(
    which: str, work: Callable[[Session, Feed, datetime], dict[str, object]], *, json: bool
) -> dict[str, Any]:
    """Do something to a feed in one transaction; what came of it, printed if JSON is asked for."""
    with opening.database() as db, db.write() as session:
        feed = registry.find(session, which)
        named = {"id": feed.id, "url": feed.url}
        result = named | work(session, feed, opening.now())
    if json:
        output.as_json(result)
    return result
