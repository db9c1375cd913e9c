"""`digest feeds add | fetch | test`: the commands that ask servers."""

import asyncio
import sys
from contextlib import closing
from typing import Annotated

import typer

from digest import stages
from digest.cli import feeds_shown, opening, output
from digest.cli.feeds_shown import Json, Language
from digest.feeds import registry
from digest.feeds.discover import Discovery, FoundFeed, Page, discover
from digest.feeds.document import ParsedDocument
from digest.feeds.exchange import FetchRequest, Policy
from digest.feeds.models import Trust
from digest.feeds.netguard import request_url
from digest.feeds.outcomes import Outcome, sentence
from digest.feeds.poll import PollCounts, fetch_now
from digest.feeds.pool import ParsePool
from digest.feeds.trial import Trial, try_url
from digest.matching.article import ArticleText
from digest.matching.query import parse_query
from digest.matching.rules import FeedRules, filtered
from digest.matching.stored import body_text
from digest.runtime import Runtime

HowTrusted = Annotated[Trust, typer.Option(help="own: the publisher's; third: somebody else's.")]
Rule = Annotated[str | None, typer.Option(help="Try this rule instead of the feed's own.")]


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
        allowed = policy(runtime)
        request_url(
            url.strip(), ports=allowed.ports, any_port=allowed.allow_private
        )  # or say why not at once
        chosen = url if no_check else _choose(*asyncio.run(_discover(runtime, url)), url)
        with runtime.db.write() as session:
            feed = registry.add_feed(
                session,
                chosen,
                trust=trust,
                now=runtime.clock(),
                policy=allowed,
                tags=tag or [],
                backfill=backfill,
            )
            added = {"id": feed.id, "url": feed.url, "trust": feed.trust}
    if json:
        output.as_json(added)
    else:
        output.say(f"Feed {added['id']} is added: {added['url']}")
        output.say("The next round reads it; `digest feeds fetch` does so now.")


def fetch(
    url: Annotated[str | None, typer.Argument(help="One feed; without it, all of them.")] = None,
    *,
    lang: Language = "en",
    json: Json = False,
) -> None:
    """Ask feeds now, due or not; hosts that asked for silence still get it."""
    with opening.running() as runtime:
        with runtime.db.read() as session:
            feeds = registry.list_feeds(session) if url is None else [registry.find(session, url)]
            addresses = {feed.id: feed.url for feed in feeds}
        counts = asyncio.run(_fetch(runtime, list(addresses)))
    failed = [feed_id for feed_id in addresses if not _is_ok(counts, feed_id)]
    result = {
        "feeds_polled": counts.feeds_polled,
        "feeds_changed": counts.feeds_changed,
        "feeds_failed": len(failed),
        "articles_new": counts.articles_new,
        "articles_updated": counts.articles_updated,
    }
    if json:
        output.as_json(result)
    else:
        feeds_shown.fetched(result, {addresses[one]: _why(counts.outcomes.get(one), lang) for one in failed})
    if failed:
        raise typer.Exit(output.FAILED if len(failed) == len(addresses) else output.PARTLY)


def try_(
    url: Annotated[str, typer.Argument(help="The feed's address.")],
    *,
    trust: HowTrusted = Trust.THIRD,
    block: Rule = None,
    keep: Rule = None,
    lang: Language = "en",
    json: Json = False,
) -> None:
    """Fetch a feed and show what would be stored and why; nothing is."""
    block, keep = canonical(block), canonical(keep)  # before anybody is asked
    with opening.running() as runtime:
        trial = asyncio.run(_try(runtime, url, trust, lang))
    rules = FeedRules(
        trial.block_query if block is None else block, trial.keep_query if keep is None else keep
    )
    reasons = _sorted_out(trial, rules)
    if json:
        shown = output.plain(trial)
        for place, reason in reasons.items():
            shown["entries"][place] |= {"state": "filtered", "reason": reason}
        output.as_json(shown | {"block_query": rules.block, "keep_query": rules.keep})
    else:
        feeds_shown.trial(trial, reasons, lang=lang)
    if not trial.outcome.is_ok:
        raise typer.Exit(output.FAILED)


def canonical(query: str | None) -> str | None:
    """A rule in its canonical form; raises QueryError, which says where it cannot be read."""
    return str(parse_query(query)) if query else query


def policy(runtime: Runtime) -> Policy:
    """Which addresses may be asked."""
    allowed = runtime.settings.fetch
    return Policy(ports=frozenset(allowed.ports), allow_private=allowed.allow_private)


def _sorted_out(trial: Trial, rules: FeedRules) -> dict[int, str]:
    """The entries a rule would sort out, by their place, and the reason; what is known keeps its state."""
    if rules == FeedRules():
        return {}
    texts = [
        ArticleText(
            id=place,
            title=one.title,
            lead=one.summary,
            body=body_text(one.content_html),
            categories=one.tags,
            source=trial.title,
            author="; ".join(one.authors),
            language=one.language or None,
            url=one.link,
        )
        for place, one in enumerate(trial.entries)
        if one.article_id is None
    ]
    return filtered([(1, text) for text in texts], {1: rules})


def _is_ok(counts: PollCounts, feed_id: int) -> bool:
    return feed_id in counts.outcomes and counts.outcomes[feed_id].is_ok


def _why(outcome: Outcome | None, lang: str) -> str:
    """Why a feed failed; one that was not asked belongs to a host that rests, or another process asks it now."""
    return sentence(outcome or Outcome.THROTTLED, lang=lang)


async def _discover(runtime: Runtime, url: str) -> tuple[Discovery, str]:
    """What is found at an address, and what became of asking it."""
    told: list[str] = []
    async with stages.fetching(runtime) as fetcher, ParsePool() as pool:

        async def read(page: Page) -> ParsedDocument:
            return await pool.parse(page.body, url=page.url, content_type=page.content_type)

        async def ask(address: str) -> Page | None:
            fetched = await fetcher.fetch(FetchRequest(url=address, now=runtime.clock()))
            told.append(sentence(fetched.outcome, detail=fetched.detail) if fetched.outcome else "")
            if fetched.body is None:
                return None
            with closing(fetched.body) as body:
                return Page(url=fetched.url, body=body.read(), content_type=fetched.content_type)

        return await discover(url, fetch=ask, read=read), told[0]


def _choose(found: Discovery, told: str, url: str) -> str:
    """The feed that is meant: the clear one, the one a person picks, or for a script the first."""
    if not found.feeds:
        output.fail(
            f"No feed was found at {url}. {told or 'The page names none that can be read.'} "
            "Give the feed's own address, or --no-check to add it unasked."
        )
    if found.winner is not None:
        return found.winner.url
    output.errors.print("There are several feeds:", highlight=False)
    for number, feed in enumerate(found.feeds, 1):
        output.errors.print(f"{number}. {_named(feed)}", markup=False, highlight=False, soft_wrap=True)
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


async def _try(runtime: Runtime, url: str, trust: Trust, lang: str) -> Trial:
    async with stages.gathering(runtime) as gatherer:
        return await try_url(
            runtime.db, gatherer.fetcher, gatherer.pool, url, now=runtime.clock(), trust=trust, lang=lang
        )
