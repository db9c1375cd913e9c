"""`digest feeds`: which feeds are gathered, how they are, and what a feed would give."""

import asyncio
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from digest import stages
from digest.cli import opening, output
from digest.feeds import registry
from digest.feeds.discover import Discovery, FoundFeed, Page, discover
from digest.feeds.document import ParsedDocument
from digest.feeds.exchange import FetchRequest, Policy
from digest.feeds.fetch import Fetcher
from digest.feeds.models import Feed, Trust
from digest.feeds.opml import Outline, read_opml, write_opml
from digest.feeds.poll import PollCounts, fetch_now
from digest.feeds.pool import ParsePool
from digest.feeds.trial import try_url
from digest.runtime import Runtime

app = typer.Typer(help="Add, watch and mend feeds.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Which = Annotated[str, typer.Argument(help="The feed's address or its number in `feeds list`.")]
HowTrusted = Annotated[Trust, typer.Option(help="own: the publisher's; third: somebody else's.")]


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="The address of a feed, or of a site that has one.")],
    *,
    trust: HowTrusted = Trust.THIRD,
    backfill: Annotated[
        int, typer.Option(min=0, max=50, help="How many of its newest articles are news.")
    ] = 0,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be said several times.")] = None,
    no_check: Annotated[bool, typer.Option("--no-check", help="Add the address as it is, unasked.")] = False,
    json: Json = False,
) -> None:
    """Add a feed. A site's address will do: its feeds are found, and a clear one is taken."""
    with opening.running() as runtime:
        chosen = url if no_check else _choose(asyncio.run(_discover(runtime, url)), url)
        with runtime.db.write() as session:
            feed = registry.add_feed(
                session,
                chosen,
                trust=trust,
                now=runtime.clock(),
                policy=_policy(runtime),
                tags=tag or [],
                backfill=backfill,
            )
            added = {"id": feed.id, "url": feed.url, "trust": feed.trust}
    if json:
        output.as_json(added)
    else:
        output.say(
            f"Added feed {added['id']}: {added['url']}. The next round reads it; `digest feeds fetch` does so now."
        )


@app.command("list")
def list_(
    *, lang: Annotated[str, typer.Option(help="Language of the sentences.")] = "en", json: Json = False
) -> None:
    """Show every feed: its state, how the last attempt went, and when the next one is."""
    with opening.database() as db, db.read() as session:
        rows = registry.health(session, now=opening.now(), lang=lang)
    if json:
        output.as_json(rows)
        return
    output.table(
        ("id", "feed", "state", "last attempt", "next", "a week", "errors"),
        (
            (
                row.id,
                row.title or row.url,
                row.state.value,
                row.sentence,
                row.next_check_at,
                row.articles_per_week,
                row.error_count,
            )
            for row in rows
        ),
        empty="There are no feeds yet: add one with `digest feeds add https://…`.",
    )


@app.command()
def fetch(
    url: Annotated[str | None, typer.Argument(help="One feed; without it, all of them.")] = None,
    *,
    json: Json = False,
) -> None:
    """Ask feeds now, due or not; hosts that asked for silence still get it."""
    with opening.running() as runtime:
        with runtime.db.read() as session:
            feeds = registry.list_feeds(session) if url is None else [registry.find(session, url)]
            ids = [feed.id for feed in feeds]
        counts = asyncio.run(_fetch(runtime, ids))
    failed = len(ids) - counts.feeds_polled + counts.feeds_failed
    result = {
        "feeds_polled": counts.feeds_polled,
        "feeds_changed": counts.feeds_changed,
        "feeds_failed": failed,
        "articles_new": counts.articles_new,
        "articles_updated": counts.articles_updated,
    }
    if json:
        output.as_json(result)
    else:
        output.facts((name.replace("_", " "), value) for name, value in result.items())
    if failed:
        raise typer.Exit(output.FAILED if failed >= len(ids) else output.PARTLY)


@app.command("test")
def try_(
    url: Annotated[str, typer.Argument(help="The feed's address.")],
    *,
    trust: HowTrusted = Trust.THIRD,
    lang: Annotated[str, typer.Option(help="Language of the sentences.")] = "en",
    json: Json = False,
) -> None:
    """Fetch a feed and show what would be stored and why; nothing is."""
    with opening.running() as runtime:
        trial = asyncio.run(_try(runtime, url, trust, lang))
    if json:
        output.as_json(trial)
    else:
        output.say(trial.sentence)
        output.table(
            ("title", "published", "state", "why", "link"),
            ((one.title, one.published, one.state or "known", one.reason, one.link) for one in trial.entries),
            empty="There is no article in it.",
        )
    if not trial.outcome.is_ok:
        raise typer.Exit(output.FAILED)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An OPML file.")],
    *,
    trust: HowTrusted = Trust.THIRD,
    json: Json = False,
) -> None:
    """Add the feeds of an OPML file; folders become tags, known feeds are named and left alone."""
    found = read_opml(file.read_bytes())
    with opening.running() as runtime:
        added, known = _import(runtime, found.outlines, trust)
    result = {
        "added": added,
        "known": known + [one.url for one in found.duplicates],
        "unusable": list(found.unusable),
    }
    if json:
        output.as_json(result)
    else:
        output.facts((name, len(urls)) for name, urls in result.items())
        for address in result["unusable"]:
            output.say(f"not usable: {address}")
    if result["unusable"]:
        raise typer.Exit(output.PARTLY)


@app.command()
def export() -> None:
    """Write all feeds as OPML to standard output."""
    title = opening.settings().site.name
    with opening.database() as db, db.read() as session:
        outlines = [
            Outline(url=feed.url, title=feed.title, site_url=feed.site_url, tags=tuple(feed.tags))
            for feed in registry.list_feeds(session)
        ]
    sys.stdout.write(write_opml(outlines, title=title))


@app.command()
def pause(which: Which) -> None:
    """Ask a feed no more until `resume`."""
    _change(which, lambda session, feed, now: registry.pause(session, feed, now=now), "is paused")


@app.command()
def resume(which: Which) -> None:
    """Ask a feed again, whatever stopped it."""
    _change(which, lambda session, feed, now: registry.resume(session, feed, now=now), "is asked again")


@app.command()
def remove(which: Which, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Forget a feed; its articles stay."""
    if output.agreed(f"Remove the feed {which}?", yes=yes):
        _change(which, lambda session, feed, _now: registry.remove(session, feed), "is removed")


@app.command()
def release(which: Which) -> None:
    """Let the quarantined articles of a feed be news after all."""
    _change(
        which, lambda session, feed, _now: registry.release_quarantined(session, feed), "articles released"
    )


@app.command()
def discard(which: Which) -> None:
    """Take the quarantined articles of a feed out for good."""
    _change(
        which, lambda session, feed, _now: registry.discard_quarantined(session, feed), "articles discarded"
    )


def _change(which: str, change, told: str) -> None:  # type: ignore[no-untyped-def]
    with opening.database() as db, db.write() as session:
        feed: Feed = registry.find(session, which)
        url = feed.url
        count = change(session, feed, opening.now())
    output.say(f"{url}: {count} {told}." if isinstance(count, int) else f"{url} {told}.")


def _policy(runtime: Runtime) -> Policy:
    fetch = runtime.settings.fetch
    return Policy(ports=frozenset(fetch.ports), allow_private=fetch.allow_private)


async def _discover(runtime: Runtime, url: str) -> Discovery:
    async with stages.fetching(runtime) as fetcher, ParsePool() as pool:

        async def read(page: Page) -> ParsedDocument:
            return await pool.parse(page.body, url=page.url, content_type=page.content_type)

        return await discover(url, fetch=lambda address: _page(fetcher, address, runtime), read=read)


async def _page(fetcher: Fetcher, url: str, runtime: Runtime) -> Page | None:
    fetched = await fetcher.fetch(FetchRequest(url=url, now=runtime.clock()))
    if fetched.body is None:
        return None
    with closing(fetched.body) as body:
        return Page(url=fetched.url, body=body.read(), content_type=fetched.content_type)


def _choose(found: Discovery, url: str) -> str:
    """The feed that is meant: the clear one, the one a person picks, or for a script the first."""
    if not found.feeds:
        output.fail(
            f"No feed was found at {url}" + (f" ({found.refusal.value})" if found.refusal else "") + ". "
            "Give the feed's own address, or --no-check to add it unasked."
        )
    if found.winner is not None:
        return found.winner.url
    for number, feed in enumerate(found.feeds, 1):
        output.errors.print(f"{number}. {_named(feed)}", markup=False, highlight=False)
    if not sys.stdin.isatty():
        return found.feeds[0].url
    number = int(typer.prompt("Which one", type=int, default=1))
    if not 1 <= number <= len(found.feeds):
        output.fail(f"There is no number {number} in the list.", code=output.USAGE)
    return found.feeds[number - 1].url


def _named(feed: FoundFeed) -> str:
    return f"{feed.title or feed.url} ({feed.format}, {feed.entry_count} articles) {feed.url}"


async def _fetch(runtime: Runtime, ids: list[int]) -> PollCounts:
    async with stages.gathering(runtime) as gatherer:
        return await fetch_now(
            runtime.db, gatherer.fetcher, gatherer.pool, feed_ids=ids, clock=runtime.clock, rng=runtime.rng
        )


async def _try(runtime: Runtime, url: str, trust: Trust, lang: str):  # type: ignore[no-untyped-def]
    async with stages.gathering(runtime) as gatherer:
        return await try_url(
            runtime.db, gatherer.fetcher, gatherer.pool, url, now=runtime.clock(), trust=trust, lang=lang
        )


def _import(runtime: Runtime, outlines: tuple[Outline, ...], trust: Trust) -> tuple[list[str], list[str]]:
    added: list[str] = []
    known: list[str] = []
    spread = registry.spread_evenly(len(outlines))
    with runtime.db.write() as session:
        for outline, later in zip(outlines, spread, strict=True):
            try:
                feed = registry.add_feed(
                    session,
                    outline.url,
                    trust=trust,
                    now=runtime.clock(),
                    policy=_policy(runtime),
                    tags=list(outline.tags),
                    spread=later,
                )
                feed.title, feed.site_url = outline.title, outline.site_url
                added.append(outline.url)
            except registry.FeedExistsError:
                known.append(outline.url)
    return added, known
