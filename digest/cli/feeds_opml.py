"""`digest feeds import | export`: lists of feeds, to and from other programs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from digest.cli import opening, output
from digest.cli.feeds_online import policy
from digest.cli.feeds_shown import Json
from digest.feeds import registry
from digest.feeds.models import Trust
from digest.feeds.netguard import NetguardError
from digest.feeds.opml import Outline, read_opml, write_opml
from digest.runtime import Runtime


def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An OPML file.")],
    *,
    trust: Annotated[Trust, typer.Option(help="own: the publisher's; third: somebody else's.")] = Trust.THIRD,
    json: Json = False,
) -> None:
    """Add the feeds of an OPML file; folders become tags, known feeds are named and left alone."""
    found = read_opml(file.read_bytes())
    with opening.running() as runtime:
        result = _import(runtime, found.outlines, trust)
    result["known"] += [one.url for one in found.duplicates]
    result["unusable"] += found.unusable
    if json:
        output.as_json(result)
    else:
        _show(result)
    if result["unusable"]:
        raise typer.Exit(output.PARTLY if result["added"] or result["known"] else output.FAILED)


def export() -> None:
    """Write all feeds as OPML to standard output."""
    title = opening.settings().site.name
    with opening.database() as db, db.read() as session:
        outlines = [
            Outline(url=feed.url, title=feed.title, site_url=feed.site_url, tags=tuple(feed.tags))
            for feed in registry.list_feeds(session)
        ]
    sys.stdout.write(write_opml(outlines, title=title))


def _import(runtime: Runtime, outlines: tuple[Outline, ...], trust: Trust) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {"added": [], "known": [], "unusable": []}
    spread = registry.spread_evenly(len(outlines))
    with runtime.db.write() as session:
        for outline, later in zip(outlines, spread, strict=True):
            try:
                feed = registry.add_feed(
                    session,
                    outline.url,
                    trust=trust,
                    now=runtime.clock(),
                    policy=policy(runtime),
                    tags=list(outline.tags),
                    spread=later,
                )
                feed.title, feed.site_url = outline.title, outline.site_url
                result["added"].append(outline.url)
            except registry.FeedExistsError:
                result["known"].append(outline.url)
            except NetguardError:
                result["unusable"].append(outline.url)
    return result


def _show(result: dict[str, list[str]]) -> None:
    if not any(result.values()):
        output.say("There is no feed in this file.")
        return
    output.facts((name, len(urls)) for name, urls in result.items())
    for url in result["known"]:
        output.say(f"known already: {url}")
    for url in result["unusable"]:
        output.say(f"not usable: {url}")
